"""The second factor: enrolment, codes, recovery codes, waiting, and proving anew who sits there."""

import re
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.utils import timezone
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from namaskah.audit.models import AuditEntry
from namaskah.back_office import second_factor, step_up
from tests.integration.actors import run_together
from tests.integration.back_office.second_factors import (
    ENROL,
    LOG_IN,
    MINE,
    SHOW,
    code_of,
    enrol,
    let_time_pass,
    log_in,
    make_member,
    read_key,
    sit_down,
    wrong_code,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _second_factor(settings):
    settings.STAFF_SECOND_FACTOR = True
    # What a slow machine takes between making a code and sending it is no drift of a clock.
    settings.OTP_TOTP_SYNC = False


@pytest.fixture
def second_browser():
    return Client()


def get_in(client, member, code):
    """Log in with password and code; return what the code was answered with."""
    log_in(client, member)
    return client.post(SHOW, {"code": code})


def is_in(client):
    return client.get("/admin/").status_code == 200


def entries(**where):
    return list(AuditEntry.objects.filter(**where).order_by("pk").values_list("action", "outcome"))


def test_enrolment_shows_picture_and_key_and_hands_out_ten_codes_once(client):
    member = make_member()
    log_in(client, member)
    page = client.get(ENROL)

    done = client.post(ENROL, {"code": code_of(read_key(page))})

    assert "<svg" in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    assert "no-store" in done["Cache-Control"]
    codes = done.context["codes"]
    assert (len(codes), len(set(codes))) == (10, 10)
    assert is_in(client)
    assert all(code not in client.get(MINE).content.decode() for code in codes)
    assert entries(action__startswith="second_factor") == [("second_factor.enrol", "done")]


def test_enrolment_with_a_wrong_code_keeps_the_key_and_enrols_nothing(client):
    log_in(client, make_member())
    key = read_key(client.get(ENROL))

    refused = client.post(ENROL, {"code": wrong_code(key)})

    assert refused.status_code == 400
    assert "not the code that the app shows" in refused.content.decode()
    assert read_key(refused) == key
    assert TOTPDevice.objects.count() == StaticToken.objects.count() == 0
    assert not is_in(client)


def test_two_browsers_with_the_password_are_shown_different_keys(client, second_browser):
    member = make_member()
    log_in(client, member)
    log_in(second_browser, member)
    stolen = read_key(second_browser.get(ENROL))

    key, _ = enrol(client)

    assert stolen != key
    # Who was slower shows a code of the app that is enrolled now, and gets no other.
    late = second_browser.post(ENROL, {"code": code_of(stolen)})
    assert late["Location"].startswith(SHOW)
    assert TOTPDevice.objects.get().bin_key == key
    assert not is_in(second_browser)


@pytest.mark.django_db(transaction=True)
def test_two_enrolments_at_once_leave_one_app(client, second_browser):
    member = make_member()
    for browser in (client, second_browser):
        log_in(browser, member)
    keys = [read_key(browser.get(ENROL)) for browser in (client, second_browser)]

    answers = run_together(
        [
            lambda browser=browser, key=key: browser.post(ENROL, {"code": code_of(key)})
            for browser, key in zip((client, second_browser), keys, strict=True)
        ]
    )

    assert sorted(answer.status_code for answer in answers) in ([200, 302], [200, 400])
    assert TOTPDevice.objects.count() == StaticDevice.objects.count() == 1
    assert StaticToken.objects.count() == 10
    assert [is_in(client), is_in(second_browser)].count(True) == 1


def test_the_code_of_the_app_lets_in_and_is_not_taken_twice(client, second_browser):
    member, key, _ = sit_down(client)
    code = code_of(key, steps=1)

    assert get_in(second_browser, member, code).status_code == 302
    assert is_in(second_browser)
    third = Client()
    refused = get_in(third, member, code)

    assert refused.status_code == 400
    assert "wrong or was used before" in refused.content.decode()
    assert not is_in(third)


def test_the_code_that_enrolled_is_not_taken_for_a_log_in(client, second_browser):
    member = make_member()
    log_in(client, member)
    key = read_key(client.get(ENROL))
    code = code_of(key)
    client.post(ENROL, {"code": code})

    assert get_in(second_browser, member, code).status_code == 400


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["code", "recovery_code"])
def test_one_code_sent_by_two_browsers_at_once_lets_one_in(client, kind):
    member, key, codes = sit_down(client)
    code = code_of(key, steps=1) if kind == "code" else codes[0]
    browsers = [Client(), Client()]
    for browser in browsers:
        log_in(browser, member)

    answers = run_together([lambda browser=browser: browser.post(SHOW, {"code": code}) for browser in browsers])

    assert sorted(answer.status_code for answer in answers) == [302, 400]
    assert [is_in(browser) for browser in browsers].count(True) == 1


def test_a_recovery_code_lets_in_once_however_it_is_written(client, second_browser):
    member, _, codes = sit_down(client)
    written = f" {codes[0][:5].upper()}-{codes[0][5:]} "

    assert get_in(second_browser, member, written).status_code == 302
    assert is_in(second_browser)
    assert get_in(Client(), member, codes[0]).status_code == 400
    assert StaticToken.objects.count() == 9
    assert entries(action="second_factor.recovery_code") == [
        ("second_factor.recovery_code", "done"),
        ("second_factor.recovery_code", "refused"),
    ]


def test_of_recovery_codes_the_database_holds_digests_alone(client):
    _, _, codes = sit_down(client)

    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(token, ' ') FROM otp_static_statictoken")
        (stored,) = cursor.fetchone()

    assert not any(code in stored or code[:5] in stored for code in codes)
    # Nor does what is stored let in.
    device = StaticDevice.objects.get()
    assert second_factor._digest(device, stored.split()[0]) not in stored


def test_the_same_code_of_two_members_is_stored_differently(client, second_browser):
    sit_down(client)
    sit_down(second_browser)
    first, second = StaticDevice.objects.order_by("pk")

    assert second_factor._digest(first, "same") != second_factor._digest(second, "same")


def test_a_wrong_code_says_how_long_to_wait_and_the_next_is_not_looked_at(client, second_browser):
    member, key, _ = sit_down(client)
    log_in(second_browser, member)
    for _ in range(4):
        let_time_pass(member)
        wrong = second_browser.post(SHOW, {"code": wrong_code(key)})
    assert re.search(r"You can try again in [678] seconds", wrong.content.decode())

    early = second_browser.post(SHOW, {"code": code_of(key, steps=1)})

    assert early.status_code == 400
    assert "this one was not looked at. Try again in " in early.content.decode()
    let_time_pass(member)
    assert second_browser.post(SHOW, {"code": code_of(key, steps=1)}).status_code == 302
    assert TOTPDevice.objects.get().throttling_failure_count == 0
    refused = AuditEntry.objects.filter(action="second_factor.code", outcome="refused").order_by("pk")
    assert list(refused.values_list("reason", flat=True)) == ["", "", "", "", "too soon after wrong ones"]


def test_long_waits_are_told_in_minutes(client, second_browser):
    member, key, _ = sit_down(client)
    TOTPDevice.objects.update(throttling_failure_count=9)

    page = get_in(second_browser, member, wrong_code(key)).content.decode()

    assert "You can try again in 9 minutes" in page


def test_waiting_for_the_app_keeps_nobody_from_a_recovery_code(client, second_browser):
    member, key, codes = sit_down(client)
    get_in(second_browser, member, wrong_code(key))

    assert second_browser.post(SHOW, {"code": codes[3]}).status_code == 302


def test_codes_of_another_member_let_nobody_in(client, second_browser):
    _, key, codes = sit_down(client)
    member, _, _ = sit_down(second_browser)
    third = Client()

    for code in (code_of(key, steps=1), codes[0]):
        let_time_pass(member)
        assert get_in(third, member, code).status_code == 400
    assert not is_in(third)


@pytest.mark.parametrize("odd", ["", " ", "\x00", "x" * 5000, "１２３４５６", "-12345", "1e5", "é" * 20, "½"])
def test_odd_codes_are_refused(client, second_browser, odd):
    member, _, _ = sit_down(client)

    assert get_in(second_browser, member, odd).status_code == 400
    log_in(second_browser, make_member())
    assert second_browser.post(ENROL, {"code": odd}).status_code == 400


def test_new_recovery_codes_replace_the_old_and_are_shown_once(client, second_browser):
    member, _, old = sit_down(client)

    page = client.post(MINE)

    new = page.context["codes"]
    assert len(set(new) | set(old)) == 20
    assert "no-store" in page["Cache-Control"]
    assert get_in(second_browser, member, old[0]).status_code == 400
    let_time_pass(member)
    assert get_in(second_browser, member, new[0]).status_code == 302
    assert "<strong>9</strong> recovery codes left" in client.get(MINE).content.decode()
    assert entries(action="second_factor.recovery_codes") == [("second_factor.recovery_codes", "done")]


def test_new_recovery_codes_need_a_proof_that_is_not_old(client):
    _, key, _ = sit_down(client)
    make_old(client)

    asked = client.post(MINE)

    assert asked["Location"] == f"{SHOW}?next=%2Fadmin%2Fsecond-factor%2Fmine%2F"
    assert entries(action="second_factor.recovery_codes") == []
    assert client.post(asked["Location"], {"code": code_of(key, steps=1), "next": MINE})["Location"] == MINE
    assert len(client.post(MINE).context["codes"]) == 10


def test_another_app_needs_a_proof_that_is_not_old_and_replaces_the_first(client, second_browser):
    member, old, _ = sit_down(client)
    get_in(second_browser, member, code_of(old, steps=1))
    make_old(client)
    assert client.get(ENROL)["Location"].startswith(SHOW)
    assert client.post(ENROL, {"code": "123456"})["Location"].startswith(SHOW)
    let_time_pass(member)
    TOTPDevice.objects.update(last_t=-1)
    client.post(SHOW, {"code": code_of(old)})

    new, _ = enrol(client)

    assert TOTPDevice.objects.get().bin_key == new
    assert is_in(client)
    # Whoever has the first app, or a session that it opened, is out.
    assert not is_in(second_browser)


def test_whoever_lost_the_app_sets_up_another_with_a_recovery_code(client, second_browser):
    member, old, codes = sit_down(client)
    get_in(second_browser, member, codes[0])

    new, _ = enrol(second_browser)

    assert new != old
    assert not is_in(client)
    assert get_in(Client(), member, code_of(new, steps=1)).status_code == 302


@pytest.mark.parametrize("path", [SHOW, ENROL, MINE])
@pytest.mark.parametrize("method", ["get", "post"])
def test_the_pages_are_for_whoever_has_shown_the_password(client, path, method):
    assert getattr(client, method)(path)["Location"].startswith(LOG_IN)


def test_my_second_factor_is_not_shown_before_the_second_factor(client, second_browser):
    member, _, _ = sit_down(client)
    log_in(second_browser, member)

    for method in ("get", "post"):
        assert getattr(second_browser, method)(MINE)["Location"].startswith(SHOW)
    assert StaticToken.objects.count() == 10


def test_a_code_is_taken_as_proof_by_a_form_and_so_is_a_recovery_code(client):
    _, key, codes = sit_down(client, is_superuser=True)
    subject = make_member()
    url = f"/admin/auth/user/{subject.pk}/deactivate/"

    for proof, status in ((wrong_code(key), 400), (codes[0], 302)):
        make_old(client)
        form = read_fields(client.get(url))
        assert client.post(url, form | {"reason": "Left.", "proof": proof}).status_code == status

    subject.refresh_from_db()
    assert not subject.is_active


def test_a_wrong_proof_in_a_form_says_how_long_to_wait(client):
    _, key, _ = sit_down(client, is_superuser=True)
    url = f"/admin/auth/user/{make_member().pk}/deactivate/"
    make_old(client)
    form = read_fields(client.get(url)) | {"reason": "Left."}
    TOTPDevice.objects.update(throttling_failure_count=5)

    client.post(url, form | {"proof": wrong_code(key)})
    page = client.post(url, form | {"proof": code_of(key, steps=1)}).content.decode()

    assert re.search(r"this one was not looked at. Try again in [123][0-9] seconds", page)


def test_a_form_sent_without_the_proof_it_asks_for_does_nothing(client):
    sit_down(client, is_superuser=True)
    subject = make_member()
    url = f"/admin/auth/user/{subject.pk}/deactivate/"
    make_old(client)
    form = read_fields(client.get(url)) | {"reason": "Left."}

    assert client.post(url, form).status_code == 400

    subject.refresh_from_db()
    assert subject.is_active


def test_a_device_that_is_gone_ends_what_it_opened(client):
    sit_down(client)
    TOTPDevice.objects.all().delete()

    assert not is_in(client)
    assert Session.objects.count() == 1


def make_old(client):
    """Let the last proof of who sits there be longer ago than forms take."""
    session = client.session
    session["proved_at"] = (timezone.now() - step_up.FRESH_FOR - timedelta(seconds=1)).timestamp()
    session.save()


def read_fields(page):
    return {"token": str(page.context["token"]), "version": page.context["version"]}
