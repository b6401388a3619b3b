"""The health addresses, which a middleware answers, so that no URL configuration names them."""

from typing import Any, Final

from namaskah.openapi.headers import headers_of
from namaskah.openapi.problems import answers
from namaskah.openapi.shapes import Schema, members, one_of

_UP: Final = members({"status": one_of(["healthy"])})
_READINESS: Final = members(
    {
        "status": one_of(["healthy", "degraded", "unhealthy"]),
        "dependencies": members(
            {
                "database": one_of(["healthy", "unhealthy"]),
                "migrations": one_of(["healthy", "unhealthy"]),
                "redis": one_of(["healthy", "degraded"]),
                "worker": one_of(["healthy", "degraded"]),
            }
        ),
    }
)


def _answer(status: int, description: str, schema: Schema, example: Any) -> Schema:
    return {
        "description": description,
        "headers": headers_of(status),
        "content": {"application/json": {"schema": schema, "example": example}},
    }


def _operation(name: str, summary: str, description: str, responses: dict[str, Schema]) -> Schema:
    return {
        "operationId": name,
        "tags": ["Health"],
        "summary": summary,
        "description": description,
        "security": [],
        "responses": {**responses, **answers(["method_not_allowed"], is_endpoint=False)},
    }


def _liveness(name: str) -> Schema:
    up = {"200": _answer(200, "The process is up.", _UP, {"status": "healthy"})}
    return _operation(name, "Is the process up?", "No dependency is asked, so the answer is always the same.", up)


def _readiness(name: str) -> Schema:
    well = dict.fromkeys(("database", "migrations", "redis", "worker"), "healthy")
    rows = _answer(
        200,
        "Requests are served. Without Redis or a worker that is `degraded`: payments are credited late, none is lost.",
        _READINESS,
        {"status": "healthy", "dependencies": well},
    )
    down = _answer(
        503,
        "Requests are not served: the database is away, or its migrations are not applied.",
        _READINESS,
        {"status": "unhealthy", "dependencies": {**well, "database": "unhealthy"}},
    )
    text = "Asks every dependency at once and waits two seconds at most."
    return _operation(name, "Can it serve requests?", text, {"200": rows, "503": down})


def _both(describe: Any, name: str) -> dict[str, Schema]:
    return {"get": describe(f"get_{name}"), "post": describe(f"post_{name}")}


PATHS: Final[dict[str, dict[str, Schema]]] = {
    "/health": _both(_liveness, "health"),
    "/health/live": _both(_liveness, "liveness"),
    "/health/ready": _both(_readiness, "readiness"),
}
