"""gunicorn and Celery refuse to start with a setting at fault: one line, no traceback, status not 0."""

import os
import subprocess
import sys

import pytest

from tests.processes.product import ROOT

SERVERS = {
    "web": ["gunicorn", "namaskah.wsgi", "-c", "deploy/gunicorn.conf.py"],
    "worker": ["celery", "-A", "namaskah", "worker", "--concurrency", "1"],
    "beat": ["celery", "-A", "namaskah", "beat", "-s", "{schedule}"],
}


@pytest.fixture
def start(tmp_path):
    """Return a function that starts a server with one setting and waits for its end."""

    def run(server, setting, value):
        command = [word.format(schedule=tmp_path / "schedule") for word in SERVERS[server]]
        return _run(command, {setting: value})

    return run


def _run(command, changes):
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "namaskah.settings",
        "WEB_BIND": "127.0.0.1:0",
        "DEBUG": "on",
        **changes,
    }
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("server", SERVERS)
def test_a_faulty_setting_stops_the_start(start, server):
    ended = start(server, "PAYSTACK_SECRET_KEY", "")

    lines = [line for line in ended.stderr.splitlines() if line.startswith("namaskah:")]
    assert lines == [
        "namaskah: PAYSTACK_SECRET_KEY is not set: nothing could be charged, and an empty key verifies no webhook."
    ]
    assert "Traceback" not in ended.stdout + ended.stderr
    assert ended.returncode not in {0, None}


@pytest.mark.parametrize("server", ["web"])
def test_a_setting_that_cannot_be_read_stops_the_start_by_its_name(start, server):
    ended = start(server, "IDEMPOTENCY_TTL_HOURS", "soon")

    lines = [line for line in ended.stderr.splitlines() if "namaskah:" in line]
    assert lines == ["namaskah: wrong setting: IDEMPOTENCY_TTL_HOURS: invalid literal for int() with base 10: 'soon'."]
    assert "Traceback" not in ended.stdout + ended.stderr
    assert ended.returncode not in {0, None}
