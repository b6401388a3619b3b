"""Changing one's own password: the old one is checked as at the log-in, and other sessions end."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from namaskah.audit.models import AuditEntry
from namaskah.back_office import step_up
from tests.integration.back_office.second_factors import PASSWORD, SHOW, log_in, make_member, sit_down

pytestmark = pytest.mark.django_db

CHANGE = "/admin/password_change/"
NEW = "another-password-1"


@pytest.fixture
def member(client):
    member = make_member()
    log_in(client, member)
    return member


def change(client, *, old=PASSWORD):
    return client.post(CHANGE, {"old_password": old, "new_password1": NEW, "new_password2": NEW})


def has_new_password(member):
    member.refresh_from_db()
    return member.check_password(NEW)


def refusals(member):
    return AuditEntry.objects.filter(action="password.change", outcome="refused", actor=member).count()


def test_a_changed_password_ends_the_other_sessions(client, member):
    other = Client()
    log_in(other, member)

    answer = change(client)

    assert (answer.status_code, has_new_password(member)) == (302, True)
    assert [browser.get("/admin/").status_code for browser in (client, other)] == [200, 302]


def test_a_wrong_old_password_is_written_down(client, member):
    answer = change(client, old="a-guess")

    assert (answer.status_code, has_new_password(member), refusals(member)) == (200, False, 1)
    assert "was entered incorrectly" in answer.content.decode()


def test_whoever_guesses_the_old_password_is_locked_out(client, member):
    answers = [change(client, old=f"guess-{number}").status_code for number in range(5)]

    right = change(client)

    assert (answers[-1], right.status_code, has_new_password(member)) == (429, 429, False)
    assert refusals(member) == 6


def test_guesses_are_counted_with_the_log_ins_of_the_address(client, member, settings):
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"authentication": 3}

    answers = [change(client, old="").status_code for _ in range(5)]
    answers += [change(client, old="a-guess").status_code for _ in range(4)]

    assert answers == [200] * 8 + [429]
    assert refusals(member) == 3


def test_a_code_is_asked_for_when_the_last_is_old(client, settings):
    settings.STAFF_SECOND_FACTOR = True
    member, _, _ = sit_down(client)
    session = client.session
    session["proved_at"] = (timezone.now() - step_up.FRESH_FOR - timedelta(seconds=1)).timestamp()
    session.save()

    answers = [client.get(CHANGE), change(client)]

    assert [answer["Location"] for answer in answers] == [f"{SHOW}?next=%2Fadmin%2Fpassword_change%2F"] * 2
    assert not has_new_password(member)
