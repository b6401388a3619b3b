import subprocess
import sys
from pathlib import Path

from tests.waiting import wait_until


def has_ended(process_id) -> bool:
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_ended_with_parent_ends_the_child_of_a_killed_parent():
    source = (
        "import signal, subprocess, sys; from devtools.embedded.parent_death import ended_with_parent\n"
        "child = subprocess.Popen(['sleep', '60'], preexec_fn=ended_with_parent(signal.SIGTERM))\n"
        "print(child.pid, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", source], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        child = int(parent.stdout.readline())
        lived = not has_ended(child)

        parent.kill()

    wait_until(lambda: has_ended(child), seconds=5)
    assert lived
