"""What stands around every page: its policy, pages for what goes wrong, and nothing of all that on the API."""

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import path

from namaskah.audit.models import AuditEntry
from tests.factories.api_keys import make_api_key
from tests.factories.users import UserFactory

pytestmark = pytest.mark.django_db

POLICY = {
    "default-src": "'none'",
    "script-src": "'self' 'unsafe-eval'",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}


def break_down(_request):
    raise ZeroDivisionError


urlpatterns = [path("admin/broken/", break_down), path("admin/", admin.site.urls)]
handler500 = "namaskah.problem_pages.server_error"


def policy_of(answer):
    parts = [part.strip().partition(" ") for part in answer["Content-Security-Policy"].split(";")]
    return {name: value for name, _, value in parts}


@pytest.mark.parametrize("url", ["/admin/", "/admin/payments/paymentlog/", "/admin/nothing/", "/admin/auth/group/"])
def test_pages_of_the_back_office_take_nothing_from_elsewhere(superuser, url):
    answer = superuser.get(url)

    assert policy_of(answer) == POLICY
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("url", ["/admin/login/", "/nothing/"])
def test_pages_before_the_log_in_have_the_same_policy(anonymous, url):
    assert policy_of(anonymous.get(url)) == POLICY


@pytest.mark.parametrize("url", ["/admin/", "/admin/payments/paymentlog/"])
def test_pages_are_kept_by_no_cache(superuser, url):
    assert "no-store" in superuser.get(url)["Cache-Control"]


def test_what_is_forbidden_is_told_on_a_page_of_ours(staff):
    answer = staff("Support").get("/admin/audit/auditentry/")

    assert answer.status_code == 403
    assert "You may not do this" in answer.content.decode()


@pytest.mark.parametrize(
    ("method", "url", "action"),
    [
        ("get", "/admin/audit/auditentry/", "page.open"),
        ("post", "/admin/auth/user/add/", "page.send"),
        ("get", "/admin/approvals/", "page.open"),
        ("get", "/admin/billing/exchangerate/NGN/set/", "exchange_rate.set"),
        ("post", "/admin/payments/paymentlog/export/", "paymentlog.export"),
    ],
)
def test_what_is_forbidden_is_in_the_audit_log_once(staff, method, url, action):
    client = staff("Support")

    assert getattr(client, method)(url).status_code == 403

    refused = AuditEntry.objects.filter(outcome="refused").values_list("actor", "action", "reason")
    assert list(refused) == [(client.user.pk, action, "not permitted")]


@pytest.mark.parametrize("url", ["/admin/audit/auditentry/", "/admin/billing/exchangerate/NGN/set/"])
def test_what_is_forbidden_is_written_once_in_a_while_but_for_forms_that_are_sent(staff, url):
    client = staff(None)

    for _ in range(3):
        client.get(url)
    opened = AuditEntry.objects.filter(outcome="refused").count()
    for _ in range(2):
        client.post(url)

    assert (opened, AuditEntry.objects.filter(outcome="refused").count()) == (1, 3)


@pytest.mark.parametrize("url", ["/admin/nothing/", "/admin/search/?s=payment", "/nothing/"])
def test_what_is_not_there_is_told_on_a_page_of_ours(superuser, url):
    answer = superuser.get(url)

    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()


@pytest.mark.parametrize(("url", "row"), [("/admin/payments/paymentlog/", "none"), ("/admin/auth/user/", "x")])
def test_row_that_is_not_there_leads_back_to_its_list(superuser, url, row):
    answer = superuser.get(f"{url}{row}/change/")

    assert (answer.status_code, answer["Location"]) == (302, url)


@pytest.mark.urls("tests.integration.back_office.test_answers")
def test_what_broke_is_told_without_what_broke(superuser):
    superuser.raise_request_exception = False

    answer = superuser.get("/admin/broken/")

    text = answer.content.decode()
    assert answer.status_code == 500
    assert "Something went wrong" in text
    assert "ZeroDivisionError" not in text


@pytest.mark.parametrize("kind", ["plain", "with a session"])
def test_api_knows_no_session_no_cookie_and_no_policy_of_pages(superuser, kind, django_assert_num_queries):
    """Whatever a browser brings along: the key alone says who asks."""
    client = superuser if kind == "with a session" else Client()
    _, secret = make_api_key(UserFactory())
    headers = {"Authorization": f"Bearer {secret}"}
    client.get("/api/v1/billing/balance", headers=headers)

    with django_assert_num_queries(2) as queries:
        answer = client.get("/api/v1/billing/balance", headers=headers)

    assert answer.status_code == 200
    assert answer.cookies == {}
    assert "Cookie" not in answer.get("Vary", "")
    assert "Content-Security-Policy" not in answer
    assert not [query for query in queries if "django_session" in query["sql"] or "otp_" in query["sql"]]


def test_api_takes_no_session_for_a_key(superuser):
    assert superuser.get("/api/v1/billing/balance").status_code == 401


@pytest.mark.parametrize("url", ["/api/docs", "/api/problems"])
def test_pages_of_the_api_keep_their_stricter_policy(anonymous, url):
    policy = policy_of(anonymous.get(url))

    assert policy["object-src"] == "'none'"
    assert "unsafe" not in str(policy)
