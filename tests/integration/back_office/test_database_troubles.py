"""Rows that somebody else holds, a database that takes no writes, and one that is away: told in words, nothing lost."""

import pytest
from django.db import connection
from django.test import Client

from namaskah.audit.models import AuditEntry, FormToken
from payments.models import Refund
from tests.factories.users import StaffFactory
from tests.integration.back_office import payment_cases
from tests.integration.back_office.forms import open_form, read_form, send
from tests.integration.back_office.reading import words_of

pytestmark = pytest.mark.django_db(transaction=True)

REFUND = {"amount": "10", "reason_code": "Paid twice", "ticket": "T-7", "note": "Seen the receipt"}
READ_ONLY = "The database takes no writes at this moment"
AWAY = "The database does not answer at this moment"


@pytest.fixture
def payment(sandbox, settings):
    return payment_cases.completed(sandbox, settings)


@pytest.fixture
def other_session():
    """Return another session of the database, which ends with the test."""
    other = connection.copy()
    yield other
    other.close()


@pytest.fixture
def read_only():
    """Make the database what it is after a failover to a standby, as far as this session goes."""

    def switch(word):
        with connection.cursor() as cursor:
            cursor.execute(f"SET default_transaction_read_only = {word}")

    yield switch
    switch("off")


def page_of(payment):
    return f"/admin/payments/paymentlog/{payment.pk}/change/"


def refund_of(payment):
    return f"/admin/payments/paymentlog/{payment.pk}/refund/"


def hold(session, query, *parameters):
    session.set_autocommit(False)
    with session.cursor() as cursor:
        cursor.execute(query, parameters)


def test_a_form_about_a_row_that_somebody_holds_says_so_and_keeps_what_was_typed(staff, payment, other_session):
    client = staff("Support")
    form = open_form(client, refund_of(payment))
    hold(other_session, "SELECT 1 FROM payment_logs WHERE id = %s FOR UPDATE", payment.pk)

    answer = send(client, refund_of(payment), form, **REFUND)

    assert answer.status_code == 400
    assert "Somebody is working on this at this moment, so it could not be done." in words_of(answer)
    assert answer.context["form"].data["note"] == REFUND["note"]
    assert read_form(answer).hidden == form.hidden
    assert (Refund.objects.count(), FormToken.objects.get(pk=form.token).used_at) == (0, None)
    other_session.rollback()
    assert send(client, refund_of(payment), form, **REFUND).status_code == 302
    assert Refund.objects.count() == 1


def test_a_page_that_waits_for_somebody_too_long_says_so(staff, payment, other_session):
    client = staff("Support")
    hold(other_session, "LOCK TABLE refunds")

    answer = client.get(page_of(payment))

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "Somebody is working on this at this moment" in words_of(answer)


@pytest.mark.parametrize("page", [page_of, refund_of])
def test_no_payment_is_read_while_nobody_can_write_down_who_read_it(page, staff, payment, read_only):
    client = staff("Support")
    read_only("on")

    answer = client.get(page(payment))

    assert (answer.status_code, answer["Retry-After"]) == (503, "60")
    assert READ_ONLY in words_of(answer)
    assert payment.reference not in answer.content.decode()
    read_only("off")
    assert client.get(page(payment)).status_code == 200


def test_a_form_does_nothing_while_the_database_takes_no_writes(staff, payment, read_only):
    client = staff("Support")
    form = open_form(client, refund_of(payment))
    read_only("on")

    answer = send(client, refund_of(payment), form, **REFUND)

    assert answer.status_code == 503
    assert "Nothing was half done. Try again in a minute." in words_of(answer)
    read_only("off")
    assert Refund.objects.count() == 0
    assert send(client, refund_of(payment), form, **REFUND).status_code == 302


def test_the_log_in_says_that_the_database_takes_no_writes(read_only):
    user = StaffFactory()
    user.set_password("correct horse battery staple")
    user.save()
    read_only("on")

    answer = Client().post("/admin/login/", {"username": user.username, "password": "correct horse battery staple"})

    assert (answer.status_code, READ_ONLY in words_of(answer)) == (503, True)
    read_only("off")
    assert not AuditEntry.objects.filter(action__startswith="log_in").exists()


def test_lists_that_write_nothing_are_read_on(staff, payment, read_only):
    client = staff("Support")
    read_only("on")

    assert client.get("/admin/payments/webhookevent/").status_code == 200


def test_a_session_that_cannot_be_kept_is_told_in_the_same_words(staff, payment, read_only, settings):
    """Sessions are kept after the page was made, where no view is asked any more."""
    settings.DEBUG, settings.SESSION_SAVE_EVERY_REQUEST = False, True
    client = staff("Support")
    client.raise_request_exception = False
    read_only("on")

    answer = client.get("/admin/payments/webhookevent/")

    assert (answer.status_code, READ_ONLY in words_of(answer)) == (503, True)


def test_a_database_that_is_away_is_told_in_words(staff, payment):
    client = staff("Support")
    there = connection.settings_dict["PORT"]
    connection.close()
    connection.settings_dict["PORT"] = "1"
    try:
        answer = client.get(page_of(payment))
    finally:
        connection.close()
        connection.settings_dict["PORT"] = there

    assert (answer.status_code, AWAY in words_of(answer)) == (503, True)
