"""A stolen recovery code is worth nothing, nor what was entered with it, once its owner renews what they have."""

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.plugins.otp_totp.models import TOTPDevice

from namaskah.audit.models import AuditEntry
from tests.integration.back_office.second_factors import MINE, SHOW, code_of, enrol, log_in, sit_down

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _second_factor(settings):
    settings.STAFF_SECOND_FACTOR = True
    settings.OTP_TOTP_SYNC = False


@pytest.fixture
def second_browser():
    return Client()


def get_in(client, member, code):
    log_in(client, member)
    client.post(SHOW, {"code": code})


def is_in(client):
    return client.get("/admin/").status_code == 200


@pytest.mark.parametrize("renew", [lambda client: client.post(MINE), enrol])
def test_a_session_that_a_stolen_recovery_code_opened_ends_with_the_codes(client, second_browser, renew):
    member, key, codes = sit_down(client)
    get_in(second_browser, member, codes[0])
    third_browser = Client()
    get_in(third_browser, member, code_of(key, steps=1))
    assert (is_in(second_browser), is_in(third_browser)) == (True, True)

    renew(client)

    assert [is_in(browser) for browser in (client, second_browser, third_browser)] == [True, False, False]
    assert AuditEntry.objects.latest("pk").after == {"sessions_ended": 2}


@pytest.mark.parametrize("renew", [lambda client: client.post(MINE), enrol])
def test_whoever_came_in_with_a_recovery_code_renews_and_stays(client, second_browser, renew):
    member, _, codes = sit_down(client)
    get_in(second_browser, member, codes[0])

    renew(second_browser)

    assert [is_in(browser) for browser in (client, second_browser)] == [False, True]
    # The session names a device that is there: not one that a later one could take for its own.
    assert Session.objects.get().get_decoded()[DEVICE_ID_SESSION_KEY] == TOTPDevice.objects.get().persistent_id


def test_renewing_ends_nobody_elses_sessions(client, second_browser):
    sit_down(client)
    sit_down(second_browser)

    client.post(MINE)

    assert is_in(second_browser)
