import os
import signal
import subprocess
import sys

import pytest

from devtools.workflow import foreground


@pytest.mark.parametrize(("source", "status"), [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", 137)])
def test_run_returns_the_status_as_a_shell_would(tmp_path, source, status):
    assert foreground.run(["sh", "-c", source], os.environ, tmp_path) == status


def test_run_passes_sigterm_on_and_ends_after_the_program(tmp_path):
    source = (
        "import os, sys; from pathlib import Path; from devtools.workflow import foreground\n"
        "program = 'trap \"echo in order; exit 5\" TERM; echo started; while :; do sleep 0.05; done'\n"
        "sys.exit(foreground.run(['sh', '-c', program], os.environ, Path(sys.argv[1])))"
    )
    with subprocess.Popen([sys.executable, "-c", source, tmp_path], stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()

        process.send_signal(signal.SIGTERM)

        rest = process.stdout.read()
    assert (rest, process.returncode) == ("in order\n", 5)
