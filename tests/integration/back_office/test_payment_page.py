"""The list of payments, and the page of one: what they show, to whom, and at what cost."""

import csv
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.utils import timezone

from billing.models import Wallet
from namaskah.audit.models import AuditEntry
from namaskah.audit.notes import add_note
from payments.lifecycles import PaymentState, ReviewReason
from payments.models import Refund, WebhookEvent
from payments.services import replays
from tests.factories.payments import PaymentFactory, WebhookAttemptFactory, WebhookEventFactory
from tests.factories.people import ReviewDecisionFactory
from tests.factories.refunds import request
from tests.factories.users import StaffFactory, UserFactory
from tests.integration.back_office import payment_cases
from tests.integration.back_office.forms import read_messages
from tests.integration.back_office.reading import count_queries, list_offers, read
from tests.unit.payments.services.purchases import read as reread
from tests.unit.payments.services.purchases import supersede
from tests.unit.payments.services.reviewing import plant, review
from tests.unit.payments.services.told_events import bury

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/admin/payments/paymentlog/"


@pytest.fixture
def completed(sandbox, settings):
    return reread(payment_cases.completed(sandbox, settings))


def page_of(payment):
    return f"{LIST}{payment.pk}/change/"


def shown(client, **query):
    return [row.reference for row in client.get(LIST, query).context["cl"].result_list]


def titles(client, payment):
    return [moment.title for moment in client.get(page_of(payment)).context["moments"]]


def test_the_list_tells_state_money_customer_age_review_and_dead_letter(staff):
    user = UserFactory(username="ada", email="ada@example.com")
    payment = PaymentFactory(user=user, created_at=timezone.now() - timedelta(hours=3))
    plant(payment, review_reason=ReviewReason.PARTIAL_DEBIT)
    bury(WebhookEventFactory(reference=payment.reference))

    page = read(staff("Support"), LIST)

    shortly = f"{payment.reference[:4]}…{payment.reference[-8:]}"
    row = f"{shortly} Pending 25.00 41,250.00 NGN ada ada@example.com 3 hours ago Partial debit Dead letter"
    assert row in page


def test_the_file_of_the_list_has_exact_values(staff):
    payment = plant(PaymentFactory(credit_amount=Decimal("1234.5")), review_reason=ReviewReason.PARTIAL_DEBIT)
    bury(WebhookEventFactory(reference=payment.reference))
    PaymentFactory(at=PaymentState.FAILED)

    answer = staff("Finance").post(f"{LIST}export/?state__exact=pending")

    rows = list(csv.DictReader(b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()))
    assert len(rows) == 1
    assert (rows[0]["reference"], rows[0]["state"], rows[0]["amount_usd"]) == (
        payment.reference,
        "pending",
        "1234.5000",
    )
    assert (rows[0]["amount_minor"], rows[0]["currency"]) == ("4125000", "NGN")
    assert (rows[0]["review_reason"], rows[0]["has_dead_letter"]) == ("partial_debit", "yes")


def test_the_list_has_the_newest_first_whatever_else_is_asked_for(staff):
    old, new = (PaymentFactory(created_at=timezone.now() - timedelta(hours=hours)) for hours in (2, 1))

    assert shown(staff("Support")) == shown(staff("Support"), o="3") == [new.reference, old.reference]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"state__exact": "failed"}, "failed"),
        ({"currency": "GHS"}, "ghanaian"),
        ({"review_reason": "overpaid"}, "reviewed"),
        ({"review_reason": "any"}, "reviewed"),
        ({"dead_letter": "yes"}, "dead"),
        ({"created_at_to": "2026-01-31"}, "old"),
        ({"q": "ada@example.com", "state__exact": "failed"}, "failed"),
    ],
)
def test_the_list_is_narrowed_by(staff, query, found):
    payments = {
        "failed": PaymentFactory(at=PaymentState.FAILED, email="ada@example.com"),
        "ghanaian": PaymentFactory(currency="GHS"),
        "reviewed": plant(PaymentFactory(), review_reason=ReviewReason.OVERPAID),
        "dead": PaymentFactory(email="ada@example.com"),
        "old": PaymentFactory(created_at=datetime(2026, 1, 31, 12, tzinfo=UTC)),
    }
    bury(WebhookEventFactory(reference=payments["dead"].reference))

    assert shown(staff("Support"), **query) == [payments[found].reference]


def test_the_list_costs_the_same_for_one_row_and_for_three(staff):
    client, costs = staff("Support"), []
    for count in (1, 2):
        for payment in PaymentFactory.create_batch(count):
            plant(payment, review_reason=ReviewReason.OVERPAID)
            bury(WebhookEventFactory(reference=payment.reference))
        costs.append(count_queries(client, LIST))

    assert costs[0] == costs[1]


def test_the_page_tells_money_people_and_times(staff, completed):
    wallet = Wallet.objects.get(user=completed.user)

    client = staff("Support")
    page, html = read(client, page_of(completed)), client.get(page_of(completed)).content.decode()

    for words in (
        f"Payment {completed.reference}",
        "State Completed Money 25.00 USD as 41,250.00 NGN Exchange rate 1,650 NGN per dollar Credited 25.00 credits",
        "Paid 41,250.00 NGN, by card, of which Paystack kept 618.75 NGN",
        f"Transaction at Paystack {completed.gateway_transaction_id} · Open in Paystack",
        f"Customer {completed.user.username} E-mail {completed.email} Wallet 25.00 credits available",
        "Nobody asked for any of it back.",
    ):
        assert words in page
    assert f'href="/admin/billing/wallet/{wallet.pk}/change/"' in html
    assert f'href="/admin/auth/user/{completed.user_id}/change/"' in html
    assert (
        f'<a href="https://dashboard.paystack.com/#/transactions/{completed.gateway_transaction_id}" '
        'target="_blank" rel="noopener noreferrer"'
    ) in html


def test_the_page_of_what_paystack_does_not_know_leads_nowhere(staff):
    page = staff("Support").get(page_of(PaymentFactory())).content.decode()

    assert "dashboard.paystack.com" not in page


def test_the_page_links_what_the_member_may_see_alone(staff, completed):
    bury(WebhookEventFactory(reference=completed.reference))

    page = staff("Operator").get(page_of(completed)).content.decode()

    assert "/admin/billing/wallet/" not in page
    assert "Nobody asked for any of it back." not in page
    assert "/admin/payments/webhookevent/" in page


def test_the_page_names_the_other_attempts_at_the_purchase(staff):
    first = PaymentFactory(at=PaymentState.PROCESSING)
    second = supersede(first)

    assert f"Attempt 2 at this purchase {second.reference}" in read(staff("Support"), page_of(first))
    assert f"Attempt 1 at this purchase {first.reference}" in read(staff("Support"), page_of(second))


def test_the_page_tells_the_whole_story_in_one_timeline(staff, completed, settings):
    settings.REFUND_APPROVAL_USD = Decimal(0)
    colleague = StaffFactory(username="eve")
    replays.replay_event(event_id=WebhookEvent.objects.get().pk, by=colleague, reason="to be sure")
    request(completed, "10", by=colleague)
    add_note(subject=completed.reference, text="Called twice.", key=uuid4(), by=colleague, now=timezone.now())

    client = staff("Support")
    told = client.get(page_of(completed)).context["moments"]

    assert [moment.at for moment in told] == sorted(moment.at for moment in told)
    assert sorted(moment.title for moment in told) == [
        "Checkout page opened",
        "Event charge.success processed",
        "Event charge.success received",
        "Event charge.success, attempt 1",
        "Ledger: +25.00 credits",
        "Looked at",
        "Note",
        "Paid and credited",
        "Purchase begun",
        "Refund asked for, waits for approval",
    ]
    note, look = (next(moment for moment in told if moment.title == title) for title in ("Note", "Looked at"))
    assert (note.detail, note.who) == ("Called twice.", "eve")
    assert look.who == client.user.username


def test_what_customers_and_staff_wrote_is_shown_as_text(staff):
    payment = PaymentFactory(user=UserFactory(username="<b>ada</b>"))
    note = {"text": "<script>alert(1)</script>", "key": uuid4(), "now": timezone.now()}
    add_note(subject=payment.reference, by=StaffFactory(), **note)

    page = staff("Support").get(page_of(payment)).content.decode()

    assert "<script>alert(1)" not in page
    assert "<b>ada</b>" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_opening_the_page_is_noted_once_in_ten_minutes(staff):
    payment, client = PaymentFactory(), staff("Auditor")

    client.get(page_of(payment))
    client.get(page_of(payment))

    entry = AuditEntry.objects.get(action="payment.view")
    assert (entry.actor, entry.subject, entry.outcome) == (client.user, payment.reference, "done")
    assert titles(client, payment) == ["Purchase begun", "Looked at"]


def test_a_page_that_is_refused_or_missing_is_no_look(staff, superuser):
    payment = PaymentFactory()

    assert staff(None).get(page_of(payment)).status_code == 403
    for what in (str(uuid4()), "nonsense"):
        answer = superuser.get(f"{LIST}{what}/change/")
        # Nothing was deleted: nothing ever is.
        assert (answer.status_code, answer["Location"]) == (302, LIST)
        assert read_messages(answer) == [f'There is no payment with the id "{what}".']
    assert not AuditEntry.objects.filter(action="payment.view").exists()


def test_the_page_costs_the_same_for_one_of_each_and_for_three(superuser, completed):
    costs = []
    for count in (1, 2):
        for event in WebhookEventFactory.create_batch(count, reference=completed.reference):
            WebhookAttemptFactory(event=event, by=StaffFactory())
            request(completed, "1", by=StaffFactory())
            note = {"text": "Seen.", "key": uuid4(), "now": timezone.now()}
            add_note(subject=completed.reference, by=StaffFactory(), **note)
            ReviewDecisionFactory(payment=completed, decided_by=StaffFactory())
        # The first look of all is written down too.
        superuser.get(page_of(completed))
        costs.append(count_queries(superuser, page_of(completed)))

    assert Refund.objects.count() == 3
    assert costs[0] == costs[1] <= 30


OFFERED = {
    "Support": ["Verify now", "Refund", "Add a note"],
    "Finance": ["Verify now", "Credit what was paid", "Refund", "Dismiss the review", "Add a note"],
    "Operator": ["Verify now", "Add a note"],
    "Auditor": [],
}


@pytest.mark.parametrize("role", OFFERED)
def test_each_role_is_offered_what_it_may(staff, sandbox, role):
    assert list_offers(staff(role), page_of(review(sandbox))) == OFFERED[role]


def test_nobody_is_offered_to_decide_about_their_own_payment(staff, sandbox):
    client = staff("Finance")
    own = review(sandbox, amount_minor=2_000_000, purchase={"user": client.user})

    assert list_offers(client, page_of(own)) == ["Verify now", "Add a note"]
