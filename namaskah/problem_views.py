"""The catalogue of problems: what the `type` of every problem leads to."""

import json
from http import HTTPStatus
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.cache import patch_vary_headers

from namaskah.problem_catalogue import PROBLEMS
from namaskah.problem_details import ProblemDetails, problem_response
from namaskah.strict_pages import find_preferred, only_reading, render_page

_HTML: Final = "text/html"
_JSON: Final = "application/json"
_EXAMPLE_REQUEST_ID: Final = "7c9e6679-7425-40de-944b-e07fc1f90ae7"


@only_reading
def list_problems(request: HttpRequest) -> HttpResponse:
    """GET /api/problems"""
    problems = [describe_problem(code) for code in PROBLEMS]
    return _answer(request, "problems/list.html", {"problems": problems})


@only_reading
def show_problem(request: HttpRequest, code: str) -> HttpResponse:
    """GET /api/problems/<code>"""
    if code not in PROBLEMS:
        return problem_response(request, code="not_found", detail=f"There is no problem {code}.")
    return _answer(request, "problems/problem.html", describe_problem(code))


def describe_problem(code: str) -> dict[str, Any]:
    """Return everything that is told of a code, as JSON."""
    problem = PROBLEMS[code]
    example = ProblemDetails(code=code, detail=problem.detail, errors=problem.errors)
    return {
        "type": f"/api/problems/{code}",
        "code": code,
        "status": problem.status,
        "title": problem.title,
        "what_happened": problem.happened,
        "what_to_do": problem.advice,
        "retry": problem.retry.value,
        "retry_explained": problem.retry.sentence,
        "example": json.loads(example.to_bytes(_EXAMPLE_REQUEST_ID)),
    }


def _answer(request: HttpRequest, template: str, content: dict[str, Any]) -> HttpResponse:
    """Give JSON to whoever prefers it, and a page to everybody else."""
    response: HttpResponse
    if find_preferred(request, [_HTML, _JSON]) == _JSON:
        response = JsonResponse(content, json_dumps_params={"ensure_ascii": False})
    else:
        response = render_page(request, template, _for_people(content))
    patch_vary_headers(response, ["Accept"])
    return response


def _for_people(content: dict[str, Any]) -> dict[str, Any]:
    if "problems" in content:
        return {"problems": [_for_people(problem) for problem in content["problems"]]}
    return {
        **content,
        "phrase": HTTPStatus(content["status"]).phrase,
        "example_text": json.dumps(content["example"], indent=2, ensure_ascii=False),
    }
