"""The description and the problems as people see them."""

import re

import pytest
from playwright.sync_api import expect

from tests.factories.api_keys import make_api_key
from tests.factories.users import UserFactory

pytestmark = pytest.mark.browser

PHONE, DESK = 390, 1280


@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_docs_show_every_operation_from_this_server_alone(visit, production, width, scheme):
    docs = visit("/api/docs", width=width, scheme=scheme)

    docs.page.wait_for_selector(".opblock-summary")
    assert docs.page.locator(".opblock").count() == 20
    assert [url for url in docs.addresses if not url.startswith((f"{production.url}/", "data:"))] == []
    assert docs.complaints == []
    assert not docs.scrolls_sideways()


def test_docs_follow_the_theme_of_the_person(visit):
    docs = visit("/api/docs", scheme="dark")
    html = docs.page.locator("html")

    expect(html).to_have_class("dark-mode")
    docs.page.emulate_media(color_scheme="light")
    expect(html).not_to_have_class("dark-mode")
    docs.page.emulate_media(color_scheme="dark")
    expect(html).to_have_class("dark-mode")


def test_docs_let_a_person_try_a_request_with_their_key(visit):
    _, secret = make_api_key(UserFactory())
    docs = visit("/api/docs")

    docs.page.get_by_role("button", name="Authorize", exact=True).first.click()
    docs.page.locator("#auth-bearer-value").fill(secret)
    docs.page.locator(".auth-btn-wrapper .authorize").first.click()
    docs.page.locator(".btn-done").first.click()
    operation = docs.page.locator("#operations-Billing-get_balance")
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    answer = operation.locator(".live-responses-table .response")
    answer.wait_for()

    assert answer.locator(".response-col_status").inner_text().split()[0] == "200"
    assert '"balance": "0.00"' in answer.inner_text()
    assert docs.complaints == []


@pytest.mark.parametrize("path", ["/api/problems", "/api/problems/idempotency_key_reused"])
def test_problems_fit_the_screen_and_load_nothing_else(visit, production, path):
    pages = [visit(path, width=width) for width in (PHONE, DESK)]

    assert [page.addresses for page in pages] == [[f"{production.url}{path}"]] * 2
    assert [page.complaints for page in pages] == [[], []]
    assert [page.scrolls_sideways() for page in pages] == [False, False]


@pytest.mark.parametrize("path", ["/api/problems", "/api/problems/idempotency_key_reused"])
def test_problems_are_dark_for_whoever_likes_it_dark(visit, path):
    backgrounds = [
        visit(path, scheme=scheme).page.evaluate("getComputedStyle(document.body).backgroundColor")
        for scheme in ("light", "dark")
    ]

    assert [brightness(background) > 128 for background in backgrounds] == [True, False]


def test_problems_lead_from_the_list_to_each_page_and_back(visit):
    problems = visit("/api/problems")

    problems.page.get_by_role("link", name="rate_limited").click()
    problems.page.wait_for_url("**/api/problems/rate_limited")
    title = problems.page.locator("h1").inner_text()
    problems.page.get_by_role("link", name="Problems", exact=True).click()
    problems.page.wait_for_url("**/api/problems")

    assert title == "Too many requests"


def brightness(color):
    return sum(int(part) for part in re.findall(r"\d+", color)[:3]) / 3
