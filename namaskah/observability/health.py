"""Health: is the process up, and can it serve?"""

import time
from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from threading import Thread
from typing import Final

import structlog
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django_redis import get_redis_connection

from namaskah.observability import heartbeats
from namaskah.problem_details import problem_response

logger = structlog.get_logger(__name__)

HEALTHY: Final = "healthy"
DEGRADED: Final = "degraded"
UNHEALTHY: Final = "unhealthy"
WORKER_SILENCE: Final = timedelta(seconds=30)
_PATIENCE_SECONDS: Final = 2.0
_METHODS: Final = ("GET", "HEAD", "POST")

_migrations_applied = False


def is_alive(_request: HttpRequest) -> HttpResponse:
    """GET or POST /health and /health/live: the process is up; no dependency is asked."""
    return JsonResponse({"status": HEALTHY})


def is_ready(_request: HttpRequest) -> HttpResponse:
    """GET /health/ready: 200 while requests are served, 503 otherwise, with a row per dependency.

    Without Redis or a worker requests are still served: that is degraded, and 200. All are asked
    at once, and one that is silent for two seconds is unwell.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    asked = [(name, ask, otherwise, _start(ask)) for name, ask, otherwise in _CHECKS]
    rows = {name: _read(ask, answer, otherwise, deadline=deadline) for name, ask, otherwise, answer in asked}
    status = next((state for state in (UNHEALTHY, DEGRADED) if state in rows.values()), HEALTHY)
    return JsonResponse({"status": status, "dependencies": rows}, status=503 if status == UNHEALTHY else 200)


def _start(ask: Callable[[], bool]) -> "Future[bool]":
    """Ask in a thread: no time-out of the client's side ends a query to a server that is frozen."""
    answer: Future[bool] = Future()
    Thread(target=_run, args=(ask, answer), daemon=True).start()
    return answer


def _run(ask: Callable[[], bool], answer: "Future[bool]") -> None:
    try:
        answer.set_result(ask())
    except Exception as error:  # noqa: BLE001 -- whoever waits for the answer judges it
        answer.set_exception(error)
    finally:
        connections.close_all()


def _read(ask: Callable[[], bool], answer: "Future[bool]", otherwise: str, *, deadline: float) -> str:
    try:
        return HEALTHY if answer.result(max(0.0, deadline - time.monotonic())) else otherwise
    except Exception as error:  # noqa: BLE001 -- whatever ails the dependency, the answer is that it does
        logger.warning("dependency_unwell", check=ask.__name__, error=type(error).__name__)
        return otherwise


def _check_database() -> bool:
    with connection.cursor() as cursor:
        # A standby, and a server that a full disk has made read-only, answer and store nothing.
        cursor.execute("SELECT current_setting('transaction_read_only')")
        return bool(cursor.fetchone() == ("off",))


def _check_migrations() -> bool:
    # Reading the history costs several queries; once applied, migrations stay applied.
    global _migrations_applied  # noqa: PLW0603 -- remembered per process on purpose
    if not _migrations_applied:
        executor = MigrationExecutor(connection)
        _migrations_applied = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return _migrations_applied


def _check_redis() -> bool:
    return bool(get_redis_connection("locks").ping())


def _check_worker() -> bool:
    beat_at = heartbeats.find_heartbeat(heartbeats.WORKER)
    return beat_at is not None and timezone.now() - beat_at < WORKER_SILENCE


_CHECKS: Final = (
    ("database", _check_database, UNHEALTHY),
    ("migrations", _check_migrations, UNHEALTHY),
    ("redis", _check_redis, DEGRADED),
    ("worker", _check_worker, DEGRADED),
)


class HealthMiddleware:
    """Answers for health before anything looks at the host name: probes come by address, and without TLS."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response
        self._views = {"/health": is_alive, "/health/live": is_alive, "/health/ready": is_ready}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a probe, or pass the request on."""
        view = self._views.get(request.path_info)
        if view is None:
            return self._get_response(request)
        if request.method not in _METHODS:
            return problem_response(request, code="method_not_allowed", headers={"Allow": ", ".join(_METHODS)})
        return view(request)
