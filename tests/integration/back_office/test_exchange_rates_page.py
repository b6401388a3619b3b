"""Exchange rates: what is in force, its history, and setting a new one."""

from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
from django.utils import timezone

from billing.models import ExchangeRate
from namaskah.audit.models import AuditEntry
from tests.factories.billing import ExchangeRateFactory
from tests.integration.actors import run_together
from tests.integration.back_office.forms import (
    keep_form_open,
    open_form,
    read_form,
    read_messages,
    second_tab,
    send,
)
from tests.integration.back_office.reading import count_queries, forget_proof, list_audit, list_offers, read, words_of

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/admin/billing/exchangerate/"
FORM = f"{LIST}NGN/set/"


@pytest.fixture
def current(db):
    """1650 naira per dollar, set an hour ago."""
    return ExchangeRateFactory(valid_from=timezone.now() - timedelta(hours=1, minutes=1))


def set_rate(client, rate, url=FORM, **fields):
    return send(client, url, open_form(client, url), units_per_usd=rate, **fields)


def rates():
    newest_first = ExchangeRate.objects.filter(currency="NGN").order_by("-valid_from")
    return list(newest_first.values_list("units_per_usd", flat=True))


def test_the_list_marks_the_rate_in_force_and_keeps_history(staff, current):
    ExchangeRateFactory(units_per_usd=Decimal(1600), valid_from=timezone.now() - timedelta(days=2, minutes=1))

    page = read(staff("Support"), LIST)

    assert "NGN 1,650.00 NGN In force 1 hour ago" in page
    assert "NGN 1,600.00 NGN Replaced 2 days ago" in page
    assert "ZAR – Not set" in page


def test_the_list_says_when_the_rate_in_force_is_too_old_to_sell_at(staff, settings):
    settings.EXCHANGE_RATE_MAX_AGE_HOURS = 48
    ExchangeRateFactory(valid_from=timezone.now() - timedelta(hours=49))
    ExchangeRateFactory(currency="GHS", units_per_usd=Decimal("15.5"), valid_from=timezone.now() - timedelta(hours=47))

    page = read(staff("Support"), LIST)

    assert "NGN 1,650.00 NGN Out of date 2 days ago" in page
    assert "GHS 15.50 GHS In force 1 day ago" in page


@pytest.mark.parametrize(("role", "is_offered"), [("Finance", True), ("Support", False), ("Auditor", False)])
def test_setting_is_offered_to_who_may(staff, current, role, is_offered):
    assert (FORM in staff(role).get(LIST).content.decode()) == is_offered


def test_the_page_of_one_rate_tells_who_set_it(staff, current):
    old = ExchangeRateFactory(units_per_usd=Decimal(1600), valid_from=timezone.now() - timedelta(days=2))
    client, page = staff("Finance"), f"{LIST}{old.pk}/change/"

    assert "State Replaced One dollar costs 1,600.00 NGN Valid from" in read(client, page)
    assert list_offers(client, page) == ["Set a new rate"]
    assert list_offers(staff("Support"), page) == []


def test_a_rate_is_set_from_now_on_and_the_change_is_told(staff, current):
    client = staff("Finance")

    answer = set_rate(client, "1700.5")

    assert read_messages(answer) == ["From now on a dollar costs 1,700.50 NGN: +3.06 % against 1,650.00."]
    assert rates() == [Decimal("1700.5"), Decimal(1650)]
    assert ExchangeRate.objects.order_by("-valid_from")[0].set_by == client.user
    entry = AuditEntry.objects.get(action="exchange_rate.set")
    assert (entry.actor, entry.subject, entry.before, entry.after) == (
        client.user,
        "NGN",
        {"units_per_usd": "1650.000000"},
        {"units_per_usd": "1700.5"},
    )


def test_a_first_rate_is_for_whoever_has_a_shell(staff):
    client, url = staff("Finance"), f"{LIST}ZAR/set/"

    sent = send(client, url, keep_form_open(client, url), units_per_usd="18.2")
    opened = client.get(url)

    assert (sent.status_code, "manage.py set_exchange_rate ZAR 18.2" in words_of(sent)) == (400, True)
    assert "The first rate of a currency is set by somebody with a shell" in read_messages(opened)[0]
    assert url not in client.get(LIST).content.decode()
    assert (ExchangeRate.objects.count(), list_audit()) == (0, [("exchange_rate.set", "ZAR", "refused")])


@pytest.mark.parametrize("rate", ["1815.000001", "1484.99", "165", "0.000010"])
@pytest.mark.parametrize("ticked", [{}, {"is_confirmed": "on"}])
def test_nobody_comes_further_than_ten_percent_alone(staff, current, rate, ticked):
    client = staff("Finance")

    refused = set_rate(client, rate)
    again = send(client, FORM, read_form(refused), units_per_usd=rate, looked_at=rate, **ticked)

    assert (refused.status_code, again.status_code, rates()) == (400, 400, [1650])
    assert "% against 1650" in words_of(again)
    assert f"manage.py set_exchange_rate NGN {rate} --by … --confirm" in words_of(again)
    assert [outcome for _, _, outcome in list_audit()] == ["refused", "refused"]
    assert "--confirm" in AuditEntry.objects.latest("pk").reason


def test_steps_come_no_further_than_one(staff, current):
    client = staff("Finance")

    answers = [set_rate(client, rate).status_code for rate in ("1500", "1400", "1484.99", "1485")]

    assert (answers, rates()) == ([302, 400, 400, 302], [1485, 1500, 1650])


def test_after_a_large_change_one_comes_back_through_the_shell_alone(staff, current):
    """Whoever sells cheaply for a moment must not be able to hide it."""
    ExchangeRateFactory(units_per_usd=Decimal("0.00001"), valid_from=timezone.now() - timedelta(minutes=1))
    client = staff("Finance")

    form = open_form(client, FORM)
    answer = send(client, FORM, form, units_per_usd="1650")

    assert "the rates of the last 24 hours are too far apart" in words_of(form.page)
    assert (answer.status_code, rates()) == (400, [Decimal("0.00001"), 1650])


def test_the_form_tells_how_far_one_may_go(staff, current):
    page = read(staff("Finance"), FORM)

    assert "1,485.00 to 1,815.00, which is within 10 % of each rate of the last 24 hours" in page


def test_steps_of_two_people_at_once_come_no_further_than_one(staff, current):
    set_rate(staff("Finance"), "1800")
    clients = [staff("Finance"), staff("Finance")]
    forms = [open_form(client, FORM) for client in clients]

    answers = run_together(
        [
            partial(send, client, FORM, form, units_per_usd=rate)
            for client, form, rate in zip(clients, forms, ("1810", "1900"), strict=True)
        ]
    )

    assert 400 in [answer.status_code for answer in answers]
    assert max(rates()) <= 1815


@pytest.mark.parametrize("rate", ["1815", "1485"])
def test_ten_percent_are_set_at_once(staff, current, rate):
    assert set_rate(staff("Finance"), rate).status_code == 302
    assert rates() == [Decimal(rate), 1650]


@pytest.mark.parametrize("rate", ["", "0", "-1", "NaN", "Infinity", "1e999999", "1.0000001", "abc", "1000000000000"])
def test_what_is_no_rate_is_refused_beside_its_field(staff, current, rate):
    answer = set_rate(staff("Finance"), rate)

    assert (answer.status_code, list(answer.context["form"].errors)) == (400, ["units_per_usd"])
    assert (rates(), list_audit()) == ([1650], [])


@pytest.mark.parametrize("currency", ["USD", "EUR", "ngn", "x%27"])
def test_a_currency_without_a_rate_leads_back(staff, currency):
    answer = staff("Finance").get(f"{LIST}{currency}/set/")

    assert "Nothing is sold in" in read_messages(answer)[0]


@pytest.mark.parametrize("role", ["Support", "Operator", "Auditor"])
def test_who_may_not_set_is_refused_and_noted(staff, current, role):
    answer = staff(role).post(FORM, {"units_per_usd": "1"})

    assert (answer.status_code, rates(), list_audit()) == (403, [1650], [("exchange_rate.set", "NGN", "refused")])


def test_a_form_that_shows_an_old_rate_does_nothing(staff, current):
    client = staff("Finance")
    form = open_form(client, FORM)
    set_rate(staff("Finance"), "1660")

    answer = send(client, FORM, form, units_per_usd="1700")

    assert ("Something changed" in words_of(answer), "1,660.00 NGN" in words_of(answer)) == (True, True)
    assert rates() == [1660, 1650]


def test_the_same_form_twice_and_from_two_threads_sets_it_once(staff, current):
    client = staff("Finance")
    form = open_form(client, FORM)
    tabs = [second_tab(client), second_tab(client)]

    run_together([partial(send, tab, FORM, form, units_per_usd="1700") for tab in tabs])
    again = send(client, FORM, form, units_per_usd="1700")

    assert "This form was sent before" in read_messages(again)[-1]
    assert rates() == [1700, 1650]
    assert str(ExchangeRate.objects.order_by("-valid_from")[0].pk) == form.token


def test_two_people_at_once_set_one_rate(staff, current):
    clients = [staff("Finance"), staff("Finance")]
    forms = [open_form(client, FORM) for client in clients]

    answers = run_together(
        [
            partial(send, client, FORM, form, units_per_usd=rate)
            for client, form, rate in zip(clients, forms, ("1700", "1710"), strict=True)
        ]
    )

    assert sorted(answer.status_code for answer in answers) == [302, 400]
    assert len(rates()) == 2


def test_a_password_is_asked_for_when_the_proof_is_old(staff, current):
    client = staff("Finance")
    forget_proof(client)

    answer = set_rate(client, "1700")

    assert (list(answer.context["form"].errors), rates()) == (["proof"], [1650])


def test_queries_do_not_grow_with_the_rows(staff, current):
    client = staff("Finance")
    count_queries(client, LIST)
    before = count_queries(client, LIST)

    for hours in (2, 3):
        ExchangeRateFactory(valid_from=timezone.now() - timedelta(hours=hours), set_by=client.user)

    assert count_queries(client, LIST) == before
