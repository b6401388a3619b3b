"""gunicorn, Celery worker and beat, started as in production and ended with the test."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import httpx
from django.db import connection

from tests.events import SECRET_KEY
from tests.processes.ports import find_free_port
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
WEBHOOK_PATH = "/api/v1/payments/paystack/webhook"


class Product:
    def __init__(
        self, *, redis_url: str, paystack_url: str, logs: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.port = find_free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "namaskah.settings",
            "DATABASE_URL": database_url(),
            "REDIS_URL": redis_url,
            "PAYSTACK_BASE_URL": paystack_url,
            "PAYSTACK_SECRET_KEY": SECRET_KEY,
            "SECRET_KEY": "test-processes-secret-key-0123456789-0123456789-0123456789",
            "DEBUG": "on",
            "WEB_BIND": f"127.0.0.1:{self.port}",
            "WEB_CONCURRENCY": "2",
            "PYTHONUNBUFFERED": "1",
            **(environment or {}),
        }
        self._logs = logs
        self._processes: list[subprocess.Popen[bytes]] = []

    def start_web(self, wsgi: str = "namaskah.wsgi", *options: str) -> subprocess.Popen[bytes]:
        process = self.start("gunicorn", wsgi, "-c", "deploy/gunicorn.conf.py", *options)
        wait_until(self._is_serving, seconds=60)
        return process

    def start_worker(self) -> subprocess.Popen[bytes]:
        return self.start("celery", "-A", "namaskah", "worker", "--concurrency", "2", "--loglevel", "INFO")

    def start_beat(self) -> subprocess.Popen[bytes]:
        return self.start("celery", "-A", "namaskah", "beat", "-s", str(self._logs / "beat-schedule"))

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start a module of the venv in a process group of its own, its output in a log file."""
        with (self._logs / f"{len(self._processes)}-{command[0]}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._processes.append(process)
        return process

    def stop(self) -> None:
        for process in self._processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGCONT)
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _is_serving(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health", timeout=1).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False


@contextlib.contextmanager
def running(
    *, redis_url: str, paystack_url: str, logs: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Product]:
    """Run what the test starts; `environment` is set beside what every test needs."""
    product = Product(redis_url=redis_url, paystack_url=paystack_url, logs=logs, environment=environment)
    try:
        yield product
    finally:
        product.stop()


def database_url(*, proxy_port: int | None = None) -> str:
    """Return the URL of the test database, by way of a proxy if its port is given, for processes that a test starts."""
    settings = connection.settings_dict
    host = settings["HOST"] or settings["OPTIONS"].get("host", "")
    user = quote(settings["USER"])
    password = f":{quote(settings['PASSWORD'])}" if settings["PASSWORD"] else ""
    if proxy_port is not None:
        plain = "sslmode=disable&gssencmode=disable"
        return f"postgresql://{user}{password}@127.0.0.1:{proxy_port}/{settings['NAME']}?{plain}"
    if host.startswith("/"):
        return f"postgresql://{user}{password}@/{settings['NAME']}?host={quote(host)}"
    return f"postgresql://{user}{password}@{host}:{settings['PORT'] or 5432}/{settings['NAME']}"
