from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.utils import timezone

from payments.lifecycles import PaymentState
from payments.models import PaymentLog
from payments.selectors import dashboard
from payments.selectors.dashboard import find_median, find_midnight, measure_figures
from payments.services import crediting
from tests.factories.payments import CAUSE, EvidenceFactory, PaymentFactory, WebhookEventFactory, bring_to

pytestmark = pytest.mark.django_db

# Half past midnight in Lagos, and still the day before in London.
NOW = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
TODAY = datetime(2026, 11, 21, tzinfo=UTC).date()


def make(*, at=NOW, **fields):
    return PaymentFactory(created_at=at, **fields)


def counts(now=NOW):
    return sorted(measure_figures(now=now).counts, key=lambda count: (count.day, count.outcome))


def test_measure_figures_of_nothing_is_nothing():
    figures = measure_figures(now=NOW)

    assert (figures.counts, figures.wait_today, figures.wait_month, figures.lags) == ((), None, None, ())
    assert figures.is_whole


def test_measure_figures_counts_a_paid_payment_with_its_credits_and_what_was_paid():
    bring_to(make(at=timezone.now()), PaymentState.COMPLETED)

    (count,) = measure_figures(now=timezone.now()).counts

    assert (count.currency, count.outcome, count.cause) == ("NGN", "paid", "")
    assert (count.payments, count.credits, count.paid_minor) == (1, Decimal("25.0000"), 4_125_000)


def test_measure_figures_puts_a_payment_on_its_day_where_reports_are_read():
    make(next_check_at=NOW)
    make(at=NOW - timedelta(hours=1), next_check_at=NOW)

    found = [(count.day, count.outcome, count.payments) for count in counts()]

    assert found == [(TODAY - timedelta(days=1), "open", 1), (TODAY, "open", 1)]


def test_measure_figures_tells_failures_by_their_cause():
    bring_to(make(), PaymentState.FAILED)
    bring_to(make(currency="GHS"), PaymentState.FAILED)
    bring_to(make(), PaymentState.FAILED)

    found = {(count.currency, count.outcome, count.cause, count.payments) for count in counts()}

    assert found == {("NGN", "failed", "gateway_failed", 2), ("GHS", "failed", "gateway_failed", 1)}


def test_measure_figures_counts_what_is_open_and_under_review_apart():
    payment = make()
    payment.review_reason = "amount_mismatch"
    with transaction.atomic():
        PaymentLog.write([payment], now=NOW)
    make(next_check_at=NOW)

    assert {(count.outcome, count.payments) for count in counts()} == {("review", 1), ("open", 1)}


def test_measure_figures_calls_money_that_went_back_uncredited_failed():
    sent_back = make()
    bring_to(sent_back, PaymentState.FAILED)
    credited = make()
    evidence = EvidenceFactory(of=credited)
    crediting.credit_user(reference=credited.reference, evidence=evidence, cause=CAUSE, now=NOW)
    credited.refresh_from_db()
    sent_back.error_code = ""
    sent_back.note_evidence(EvidenceFactory(of=sent_back))
    for payment in (sent_back, credited):
        payment.note_refunded(cause=CAUSE, now=NOW)
        with transaction.atomic():
            PaymentLog.write([payment], now=NOW)

    found = {(count.outcome, count.cause, count.payments, count.credits) for count in counts()}

    assert found == {("paid", "", 1, Decimal("25.0000")), ("failed", "refunded", 1, Decimal(0))}


def test_measure_figures_leaves_out_what_is_older_than_thirty_days():
    midnight = find_midnight(TODAY - timedelta(days=29))
    bring_to(make(at=midnight), PaymentState.FAILED)
    bring_to(make(at=midnight - timedelta(seconds=1)), PaymentState.FAILED)
    make(at=midnight - timedelta(seconds=1), next_check_at=NOW)

    assert [(count.day, count.payments) for count in counts()] == [(TODAY - timedelta(days=29), 1)]


def test_measure_figures_finds_the_median_from_paid_to_credited_of_today_and_of_all():
    for days, waited in ((0, 2), (0, 4), (0, 90), (3, 600), (3, 700)):
        paid_at = NOW - timedelta(days=days)
        payment = make(at=paid_at)
        evidence = EvidenceFactory(of=payment, paid_at=paid_at)
        credited_at = paid_at + timedelta(seconds=waited)
        crediting.credit_user(reference=payment.reference, evidence=evidence, cause=CAUSE, now=credited_at)

    figures = measure_figures(now=NOW)

    assert (figures.wait_today, figures.wait_month) == (4.0, 90.0)


def test_measure_figures_tells_how_long_events_waited_in_each_hour():
    now = timezone.now()
    received_at = now.replace(minute=0, second=0, microsecond=0)
    for waited in (1, 2, 3):
        WebhookEventFactory(
            received_at=received_at,
            status="processed",
            next_attempt_at=None,
            processed_at=received_at + timedelta(seconds=waited),
        )
    WebhookEventFactory(received_at=received_at)

    (lag,) = measure_figures(now=now).lags

    assert (lag.hour, lag.events, lag.median) == (received_at, 3, 2.0)
    assert lag.slow == pytest.approx(2.9)


def test_measure_figures_leaves_out_what_takes_too_long(monkeypatch):
    make(next_check_at=NOW)
    monkeypatch.setattr(dashboard, "_LAGS", "SELECT pg_sleep(5)")
    monkeypatch.setattr(dashboard, "_PATIENCE_MILLISECONDS", 700)

    figures = measure_figures(now=NOW)

    assert (figures.lags, figures.is_whole, len(figures.counts)) == (None, False, 1)


def test_measure_figures_reads_what_has_ended_from_the_index_alone():
    bring_to(make(), PaymentState.FAILED)

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        days = {"days": [TODAY], "starts": [find_midnight(TODAY)], "ends": [NOW + timedelta(days=1)]}
        plans = []
        for query in (dashboard._COUNT_ENDED, dashboard._COUNT_WAITS):
            cursor.execute(f"EXPLAIN {query}", days)
            plans.append("\n".join(row[0] for row in cursor.fetchall()))

    assert all("Index Only Scan using payments_paymentlog_ended" in plan for plan in plans)


@pytest.mark.parametrize(
    ("counted", "median"),
    [([], None), ([(5, 1)], 0.5), ([(90, 1), (10, 3)], 1.0), ([(10, 1), (20, 1), (30, 1)], 2.0)],
)
def test_find_median_of_counted_tenths(counted, median):
    assert find_median(counted) == median
