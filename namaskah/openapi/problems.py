"""The refusals of an operation, by status, with their codes and examples."""

from collections.abc import Iterable
from http import HTTPStatus
from itertools import groupby
from typing import Any, Final

from namaskah.openapi.headers import headers_of
from namaskah.openapi.shapes import UUID, Schema, list_of, members, text
from namaskah.problem_catalogue import PROBLEMS
from namaskah.problem_details import CONTENT_TYPE
from namaskah.problem_views import describe_problem

# What every endpoint may answer, whatever it does: a wrong host and too many parameters are refused everywhere.
SHARED: Final = (
    "validation_error",
    "not_authenticated",
    "method_not_allowed",
    "not_acceptable",
    "rate_limited",
    "internal_error",
    "database_unavailable",
)
ANY_WRITE: Final = ("malformed_json", "body_too_large", "unsupported_media_type", "concurrent_update")
ANY_KEYED: Final = (
    "idempotency_key_missing",
    "idempotency_key_invalid",
    "request_in_progress",
    "idempotency_key_expired",
    "idempotency_key_reused",
)

SCHEMA: Final[Schema] = {
    **members(
        {
            "type": text(format="uri-reference", description="The page about this problem: `/api/problems/{code}`."),
            "title": text(description="What the code means, in a few words; the same for every answer with it."),
            "status": {"type": "integer", "description": "The HTTP status, again."},
            "detail": text(description="What is to be said about this answer in particular."),
            "code": text(description="The public code, for programs: it never changes."),
            "request_id": UUID,
        }
    ),
    "description": "Why a request was refused (RFC 9457).",
}
_ERROR: Final = members(
    {
        "field": text(description="The field or parameter; empty if it is about all of the body."),
        "code": text(description="What is wrong with it, for programs."),
        "message": text(description="What is wrong with it, in words."),
    }
)
SCHEMA["properties"]["errors"] = {
    **list_of(_ERROR),
    "minItems": 1,
    "description": "What is wrong with each field, where fields are the reason.",
}


def component_schemas() -> dict[str, Schema]:
    """Return the one schema that all refusals share."""
    return {"ProblemDetails": SCHEMA}


def component_examples() -> dict[str, Schema]:
    """Return one example for each code."""
    return {
        code: {"summary": problem.title, "value": describe_problem(code)["example"]}
        for code, problem in PROBLEMS.items()
    }


def component_responses() -> dict[str, Schema]:
    """Return the answers of endpoints with one code, which are the same for each of them."""
    return {
        _name(code, has_key=has_key): build(problem.status, [code], is_endpoint=True, has_key=has_key)
        for code, problem in PROBLEMS.items()
        for has_key in (False, True)
    }


def _name(code: str, *, has_key: bool) -> str:
    return f"{code}-keyed" if has_key else code


def answers(codes: Iterable[str], *, is_endpoint: bool = True, has_key: bool = False) -> dict[str, Schema]:
    """Return the answers for `codes`, by status."""
    found = {}
    known = sorted(set(codes), key=lambda code: (PROBLEMS[code].status, code))
    for status, group in groupby(known, key=lambda code: PROBLEMS[code].status):
        of_status = list(group)
        if is_endpoint and len(of_status) == 1:
            found[str(status)] = {"$ref": f"#/components/responses/{_name(of_status[0], has_key=has_key)}"}
        else:
            found[str(status)] = build(status, of_status, is_endpoint=is_endpoint, has_key=has_key)
    return found


def build(status: int, codes: list[str], *, is_endpoint: bool, has_key: bool = False) -> Schema:
    """Return one answer: its codes, its headers, and an example for each code."""
    meaning = "\n".join(f"* `{code}`: {PROBLEMS[code].title}." for code in codes)
    narrowed: Schema = {"properties": {"status": {"const": status}, "code": {"enum": codes}}}
    content: dict[str, Any] = {
        "schema": {"allOf": [{"$ref": "#/components/schemas/ProblemDetails"}, narrowed]},
        "examples": {code: {"$ref": f"#/components/examples/{code}"} for code in codes},
    }
    return {
        "description": f"{HTTPStatus(status).phrase}\n\n{meaning}",
        "headers": headers_of(status, is_endpoint=is_endpoint, has_key=has_key),
        "content": {CONTENT_TYPE: content},
    }
