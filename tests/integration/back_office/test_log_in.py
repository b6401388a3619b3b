"""The log-in: password, lock-out, where it leads, and how long it lasts."""

import os
import subprocess
import sys
from datetime import timedelta
from urllib.parse import quote

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import Permission
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from namaskah.audit.models import AuditEntry
from tests.factories.users import UserFactory
from tests.integration.back_office.second_factors import (
    ENROL,
    LOG_IN,
    MINE,
    PASSWORD,
    SHOW,
    code_of,
    enrol,
    log_in,
    make_member,
    sit_down,
)

pytestmark = pytest.mark.django_db

CUSTOMERS = "/admin/auth/user/"


@pytest.fixture(autouse=True)
def _second_factor(settings):
    settings.STAFF_SECOND_FACTOR = True
    # What a slow machine takes between making a code and sending it is no drift of a clock.
    settings.OTP_TOTP_SYNC = False


def entries():
    return list(AuditEntry.objects.order_by("pk").values_list("action", "subject", "outcome"))


def test_the_first_log_in_leads_through_enrolment_to_the_page_that_was_asked_for(client):
    member = make_member(is_superuser=True)

    asked = client.get(f"{CUSTOMERS}?q=ada")
    assert asked["Location"] == f"{LOG_IN}?next=/admin/auth/user/%3Fq%3Dada"
    assert client.get(asked["Location"]).status_code == 200
    logged_in = log_in(client, member, to=f"{CUSTOMERS}?q=ada")
    assert logged_in["Location"] == f"{CUSTOMERS}?q=ada"
    again = client.get(logged_in["Location"])
    to_enrol = client.get(again["Location"])
    assert to_enrol["Location"] == f"{ENROL}?next=%2Fadmin%2Fauth%2Fuser%2F%3Fq%3Dada"
    page = client.get(to_enrol["Location"])

    assert page.status_code == 200
    assert page.context["next"] == f"{CUSTOMERS}?q=ada"


def test_after_the_code_comes_the_page_that_was_asked_for(client):
    member, key, _ = sit_down(client, is_superuser=True)
    other = Client()
    log_in(other, member, to=CUSTOMERS)
    asked = other.get(other.get(CUSTOMERS)["Location"])
    assert asked["Location"] == f"{SHOW}?next=%2Fadmin%2Fauth%2Fuser%2F"

    answer = other.post(asked["Location"], {"code": code_of(key, steps=1), "next": CUSTOMERS})

    assert answer["Location"] == CUSTOMERS
    assert other.get(CUSTOMERS).status_code == 200


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example.com/",
        "//evil.example.com/",
        "/\\evil.example.com",
        "javascript:alert(1)",
        "http:///evil.example.com",
        "/admin/\nSet-Cookie: a=b",
        "\x00",
    ],
)
def test_next_leads_nowhere_else(client, elsewhere):
    member, key, _ = sit_down(client, is_superuser=True)
    other = Client()
    logged_in = other.post(LOG_IN, {"username": member.username, "password": PASSWORD, "next": elsewhere})
    assert logged_in["Location"].startswith("/admin/")

    answer = other.post(SHOW, {"code": code_of(key, steps=1), "next": elsewhere})

    assert answer["Location"] == "/admin/"
    assert client.get(LOG_IN, {"next": elsewhere})["Location"] == "/admin/"


def test_whoever_is_in_goes_on_to_the_page_in_the_link(client):
    sit_down(client, is_superuser=True)

    assert client.get(LOG_IN, {"next": CUSTOMERS})["Location"] == CUSTOMERS


@pytest.mark.parametrize(
    "path",
    ["/admin/", CUSTOMERS, "/admin/auth/user/1/change/", "/admin/auth/user/add-staff/", "/admin/password_change/"],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_without_the_second_factor_every_page_leads_to_it(client, path, method):
    log_in(client, make_member(is_superuser=True))

    answer = getattr(client, method)(path)

    assert answer.status_code == 302
    assert answer["Location"].startswith(LOG_IN)
    assert client.get(answer["Location"])["Location"].startswith(ENROL)


def test_a_session_of_before_is_worth_nothing_once_the_factor_is_shown(client):
    member = make_member()
    keys = [client.session.session_key]
    log_in(client, member)
    keys.append(client.session.session_key)
    key, _ = enrol(client)
    keys.append(client.session.session_key)
    client.post(LOG_IN, {"username": member.username, "password": PASSWORD})
    keys.append(client.session.session_key)
    client.post(SHOW, {"code": code_of(key, steps=1)})
    keys.append(client.session.session_key)

    assert len(set(keys)) == len(keys)
    assert Session.objects.filter(pk__in=keys[1:-1]).count() == 0


def test_customers_and_the_deactivated_are_not_let_in(client):
    customer, former = UserFactory(), make_member(is_active=False)
    customer.set_password(PASSWORD)
    customer.save()

    for user in (customer, former):
        assert log_in(client, user).status_code == 200
        assert "_auth_user_id" not in client.session


def test_five_wrong_passwords_lock_the_name_out_from_this_address(client):
    member = make_member()

    answers = [log_in(client, member, password="wrong").status_code for _ in range(5)]

    assert answers == [200, 200, 200, 200, 429]
    locked = log_in(client, member)
    assert locked.status_code == 429
    assert "for 15 minutes" in " ".join(locked.content.decode().split())
    assert "_auth_user_id" not in client.session
    assert entries().count(("log_in", member.username, "refused")) == 6
    assert entries()[:4] == [("log_in", member.username, "refused")] * 4
    assert ("lock_out", member.username, "refused") in entries()[4:6]


def test_another_address_and_another_name_are_not_locked_out(client):
    member, other = make_member(), make_member()
    for _ in range(5):
        log_in(client, member, password="wrong")

    assert log_in(client, other).status_code == 302
    assert log_in(Client(REMOTE_ADDR="192.0.2.7"), member).status_code == 302


def test_nobody_fills_the_audit_log_with_made_up_names(client, settings):
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"authentication": 3}

    answers = [log_in(client, UserFactory.build(username=f"nobody-{number}")) for number in range(5)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert 1 <= int(answers[-1]["Retry-After"]) <= 60
    assert "Too many log-ins from your address" in answers[-1].content.decode()
    assert len(entries()) == 3
    # Nor does that keep anybody else out.
    assert log_in(Client(REMOTE_ADDR="192.0.2.7"), make_member()).status_code == 302


def test_codes_are_counted_with_the_passwords(client, settings):
    member, _, _ = sit_down(client)
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"authentication": 3}
    other = Client(REMOTE_ADDR="192.0.2.7")
    log_in(other, member)

    assert [other.post(SHOW, {"code": "000000"}).status_code for _ in range(3)] == [400, 400, 429]


def test_the_lock_out_ends_with_its_time(client):
    member = make_member()
    for _ in range(5):
        log_in(client, member, password="wrong")
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=16))

    assert log_in(client, member).status_code == 302


def test_log_ins_and_log_outs_are_in_the_audit_log_with_their_address(client):
    member = make_member()
    log_in(client, member, password="wrong")
    log_in(client, member)
    client.post("/admin/logout/")

    assert entries() == [
        ("log_in", member.username, "refused"),
        ("log_in", member.username, "done"),
        ("log_out", member.username, "done"),
    ]
    assert set(AuditEntry.objects.values_list("address", flat=True)) == {"127.0.0.1"}
    assert "_auth_user_id" not in client.session


def test_a_session_ends_eight_hours_after_the_log_in_whatever_is_written_to_it(client):
    before = timezone.now()
    sit_down(client, is_superuser=True)
    first = Session.objects.get(pk=client.session.session_key).expire_date

    session = client.session
    session["anything"] = "new"
    session.save()
    client.get(CUSTOMERS)
    client.post(MINE)

    assert timedelta(hours=8) <= first - before < timedelta(hours=8, minutes=1)
    assert Session.objects.get(pk=client.session.session_key).expire_date == first
    assert client.cookies["sessionid"]["max-age"] <= 8 * 60 * 60
    Session.objects.update(expire_date=timezone.now())
    assert client.get(CUSTOMERS)["Location"].startswith(LOG_IN)


def test_the_second_factor_off_asks_for_none_and_says_so_on_every_page(client, settings):
    settings.STAFF_SECOND_FACTOR = False
    log_in(client, make_member(is_superuser=True))

    page = client.get(CUSTOMERS)

    assert page.status_code == 200
    assert "The second factor is off (STAFF_SECOND_FACTOR)" in page.content.decode()
    for path in (SHOW, ENROL, MINE):
        assert client.get(path)["Location"] == "/admin/"
        assert client.post(path)["Location"] == "/admin/"


def test_the_second_factor_on_shows_no_banner(client):
    sit_down(client, is_superuser=True)

    assert "STAFF_SECOND_FACTOR" not in client.get(CUSTOMERS).content.decode()


@pytest.mark.parametrize("odd", ["\x00", "a\x00b", "x" * 5000, "é" * 200, "' OR 1=1 --", "\ud800"])
@pytest.mark.parametrize("field", ["username", "password", "next", "csrfmiddlewaretoken"])
def test_odd_input_to_the_log_in_is_no_error_of_ours(client, field, odd):
    fields = {"username": "nobody", "password": "wrong", "next": "/admin/"} | {field: odd}

    body = "&".join(f"{name}={quote(value.encode('utf-8', 'surrogatepass'))}" for name, value in fields.items())
    answer = client.post(LOG_IN, body, content_type="application/x-www-form-urlencoded")

    assert answer.status_code == 200


@pytest.mark.parametrize("query", ["next=%00", "%00=1", "next=%ff", "a=" + "b" * 4000])
def test_odd_addresses_of_the_log_in_are_no_error_of_ours(client, query):
    member = make_member()

    assert client.get(f"{LOG_IN}?{query}").status_code == 200
    assert client.post(f"{LOG_IN}?{query}", {"username": member.username, "password": "wrong"}).status_code == 200


@pytest.mark.parametrize("header", ["User-Agent", "Accept", "X-Forwarded-For"])
def test_odd_headers_at_the_log_in_are_no_error_of_ours(client, header):
    member = make_member()

    for value in ("x" * 9000, "é", "\x01"):
        assert client.post(
            LOG_IN, {"username": member.username, "password": "wrong"}, headers={header: value}
        ).status_code in {200, 429}


def test_a_changed_password_is_in_the_audit_log_and_ends_the_other_sessions(client):
    member, key, _ = sit_down(client)
    other = Client()
    log_in(other, member)
    other.post(SHOW, {"code": code_of(key, steps=1)})
    assert other.get("/admin/").status_code == 200

    answer = client.post(
        "/admin/password_change/",
        {"old_password": PASSWORD, "new_password1": "another-password-1", "new_password2": "another-password-1"},
    )

    assert answer.status_code == 302
    assert client.get("/admin/").status_code == 200
    assert other.get("/admin/").status_code == 302
    assert ("password.change", member.username, "done") in entries()


def test_a_member_without_a_role_sees_the_dashboard_and_nothing_behind_it(client):
    member, _, _ = sit_down(client)

    assert client.get("/admin/").status_code == 200
    assert client.get(CUSTOMERS).status_code == 403
    member.user_permissions.add(Permission.objects.get(codename="view_user"))
    assert client.get(CUSTOMERS).status_code == 200


def test_cookies_of_production_are_secure():
    script = (
        "import django; django.setup(); from django.conf import settings as s;"
        "print(s.SESSION_COOKIE_SECURE, s.SESSION_COOKIE_HTTPONLY, s.SESSION_COOKIE_SAMESITE, s.CSRF_COOKIE_SECURE,"
        " s.STAFF_SECOND_FACTOR, s.SESSION_ENGINE)"
    )
    environment = {**os.environ, "DEBUG": "off", "DJANGO_SETTINGS_MODULE": "namaskah.settings"}
    environment.pop("STAFF_SECOND_FACTOR", None)

    said = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)

    assert said.stdout.split() == ["True", "True", "Lax", "True", "True", "django.contrib.sessions.backends.db"]


def test_the_session_cookie_carries_its_flags(client, settings):
    settings.SESSION_COOKIE_SECURE = True

    log_in(client, make_member())

    cookie = client.cookies["sessionid"]
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"]) == (True, True, "Lax")
