import re

import pytest
from django.test import Client

from namaskah.problem_catalogue import PROBLEMS, Retry
from namaskah.problem_details import ProblemDetails

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
JSON = "application/json"


@pytest.fixture
def get(client):
    """Return how an address is asked for, as a browser does unless told otherwise."""

    def ask(path, accept=BROWSER):
        return client.get(path, headers={"Accept": accept})

    return ask


@pytest.mark.parametrize("accept", [BROWSER, "*/*", "", "text/plain", "text/html;q=often"])
def test_show_problem_is_a_page_for_people(get, accept):
    answer = get("/api/problems/rate_limited", accept)

    assert (answer.status_code, answer["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert answer["Vary"] == "Accept"


@pytest.mark.parametrize("code", sorted(PROBLEMS))
def test_show_problem_tells_all_of_the_catalogue(get, code):
    problem = PROBLEMS[code]

    body = get(f"/api/problems/{code}", JSON).json()

    assert body == {
        "type": f"/api/problems/{code}",
        "code": code,
        "status": problem.status,
        "title": problem.title,
        "what_happened": problem.happened,
        "what_to_do": problem.advice,
        "retry": problem.retry,
        "retry_explained": problem.retry.sentence,
        "example": body["example"],
    }
    assert {name: body["example"][name] for name in ("code", "status", "title", "type", "detail")} == {
        "code": code,
        "status": problem.status,
        "title": problem.title,
        "type": f"/api/problems/{code}",
        "detail": problem.detail,
    }


@pytest.mark.parametrize("code", sorted(PROBLEMS))
def test_show_problem_writes_the_same_on_the_page(get, code):
    problem = PROBLEMS[code]

    text = readable(get(f"/api/problems/{code}"))

    for words in (problem.title, code, str(problem.status), problem.happened, problem.advice, problem.retry.sentence):
        assert words in text


def test_show_problem_of_an_unknown_code_is_a_problem(get):
    answer = get("/api/problems/nothing")

    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert (answer.json()["code"], answer.json()["detail"]) == ("not_found", "There is no problem nothing.")


def test_show_problem_writes_no_markup_of_an_address(get):
    answer = get("/api/problems/<script>alert(1)<")

    assert answer["Content-Type"] == "application/problem+json"


def test_list_problems_as_json_has_each_of_them(get):
    answer = get("/api/problems", JSON)

    assert [problem["code"] for problem in answer.json()["problems"]] == list(PROBLEMS)


def test_list_problems_as_a_page_leads_to_each_of_them(get):
    page = get("/api/problems").content.decode()

    assert re.findall(r'href="/api/problems/([a-z_]+)"', page) == list(PROBLEMS)


@pytest.mark.parametrize("path", ["/api/problems", "/api/problems/rate_limited", "/api/docs", "/api/schema"])
def test_pages_refuse_what_does_not_read(path):
    client = Client(enforce_csrf_checks=True)

    answer = client.post(path)

    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer["Allow"] == "GET, HEAD"
    assert client.head(path).status_code == 200


@pytest.mark.parametrize("path", ["/api/problems", "/api/problems/rate_limited"])
def test_pages_load_nothing_and_run_nothing(get, path):
    answer = get(path)

    page = answer.content.decode()
    assert re.findall(r"<(script|img|iframe|link rel=\"stylesheet\")", page) == []
    assert re.findall(r"(?:https?:)?//[a-z]", page) == []
    nonce = re.search(r"style-src 'self' 'nonce-([\w-]+)'", answer["Content-Security-Policy"])[1]
    assert f'<style nonce="{nonce}">' in page
    assert get(path)["Content-Security-Policy"] != answer["Content-Security-Policy"]


def test_type_of_every_problem_leads_to_its_page(get):
    for code in PROBLEMS:
        body = ProblemDetails(code=code).to_bytes("").decode()

        path = re.search(r'"type": "([^"]+)"', body)[1]

        assert get(path).status_code == 200


def test_the_answer_to_whether_to_retry_is_a_sentence_of_its_own():
    sentences = {retry.sentence for retry in Retry}

    assert len(sentences) == len(Retry)
    assert {sentence.split(maxsplit=1)[0] for sentence in sentences} == {"No:", "Yes,"}


def readable(answer):
    """Return the page's text as a browser shows it."""
    text = re.sub(r"<style.*?</style>|<[^>]+>", "", answer.content.decode(), flags=re.DOTALL)
    for entity, character in (("&quot;", '"'), ("&#x27;", "'"), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(entity, character)
    return text
