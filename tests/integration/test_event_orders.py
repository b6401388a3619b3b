"""The same events in every order end in the same state, the same ledger and the same wallet.

The sandbox sends its own signed events over HTTP. Payments of all orders go side by side: first the first
event of each order is sent and processed, then the second of each, and so on.
"""

import json
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from itertools import permutations

import pytest
from django.utils import timezone

from billing.models import Hold, Receivable, Transaction, Wallet
from payments.gateways.paystack import transactions
from payments.lifecycles import PaymentState, TransitionSource
from payments.models import Cause, Dispute, PaymentLog, Refund, WebhookAttempt, WebhookEvent
from payments.services import gateway_calls, invariants, refund_submission, refunds, webhooks
from payments.services.crediting import credit_user
from payments.services.refunds import RefundRequest
from tests.factories.payments import PaymentFactory
from tests.factories.users import StaffFactory
from tests.integration.api.clients import BALANCE, TRANSACTIONS, ApiClient, problem, read

pytestmark = pytest.mark.django_db(transaction=True)

CAUSE = Cause(source=TransitionSource.ADMIN)
PAID, AGAIN, PROCESSING, PROCESSED, FAILED = "success", "success again", "processing", "processed", "stale failed"
CREATE, REMIND, RESOLVE = "charge.dispute.create", "charge.dispute.remind", "charge.dispute.resolve"
REFUND_ORDERS = list(permutations([PAID, AGAIN, PROCESSING, PROCESSED, FAILED]))
DISPUTE_ORDERS = list(permutations([PAID, CREATE, REMIND, RESOLVE]))
PART_MINOR = 1_650_000


@pytest.fixture
def sandbox(sandbox, live_server, monkeypatch):
    """The gateway, which delivers to the product's own address; `deliveries=0` and no address tell nobody."""
    address = f"{live_server.url}/api/v1/payments/paystack/webhook"
    monkeypatch.setattr(sandbox.settings, "webhook_url", address)
    return sandbox


class Story:
    """One payment's life at the gateway, told step by step and told of in any order."""

    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.payment = PaymentFactory(at=PaymentState.PROCESSING)
        self.reference = self.payment.reference
        self.steps_done = 0
        self.refund_id = None
        self.dispute_id = None
        transactions.initialize_transaction(
            email=self.payment.email,
            amount_minor=self.payment.amount_minor,
            currency=self.payment.currency,
            reference=self.reference,
        )
        sandbox.pay(self.reference, deliveries=0, outcome="failed")

    def come_to(self, step):
        """Let happen at the gateway what has not happened yet, up to `step`."""
        for happen in self.steps[self.steps_done : step]:
            happen()
        self.steps_done = max(self.steps_done, step)

    def tell(self, label):
        """Have the gateway deliver an event of what happened."""
        assert self._deliver(label) == [200]

    def _deliver(self, label):
        if label == AGAIN:
            deliveries = self.sandbox.send_event(raw=self._charge("charge.success", "success"))
        elif label == FAILED:
            deliveries = self.sandbox.send_event(raw=self._charge("charge.failed", "failed"))
        else:
            deliveries = self.sandbox.deliver(self.reference, event=self.event_names[label])
        return [delivery["status"] for delivery in deliveries]

    def _charge(self, event, status):
        """Return an event of the charge in other bytes than those that were stored when it was paid."""
        [told] = [row for row in self.sandbox.transactions() if row["reference"] == self.reference]
        data = {
            "id": told["id"],
            "domain": told["domain"],
            "status": status,
            "reference": self.reference,
            "amount": told["amount_minor"],
            "requested_amount": told["requested_amount_minor"],
            "currency": told["currency"],
            "fees": told["fees_minor"],
            "channel": told["channel"],
            "paid_at": told["paid_at"],
        }
        return json.dumps({"event": event, "data": data})

    def pay(self):
        self.sandbox.pay(self.reference, deliveries=0)


class RefundStory(Story):
    """Paid at the second attempt, then refunded as a whole on the gateway's own dashboard."""

    event_names = {PAID: "charge.success", PROCESSING: "refund.processing", PROCESSED: "refund.processed"}
    step_of = {FAILED: 0, PAID: 1, AGAIN: 1, PROCESSING: 2, PROCESSED: 3}

    @property
    def steps(self):
        return [self.pay, self.refund, lambda: self.move("processed")]

    def refund(self):
        refund, _ = self.sandbox.request_refund(self.reference, amount_minor=None, currency=None)
        self.refund_id = refund.id
        self.move("processing")

    def move(self, status):
        self.sandbox.move_refund(self.refund_id, status, deliveries=0)


class OwnRefundStory(RefundStory):
    """Paid, seen by verify, and refunded by us before the first event came."""

    def refund(self):
        now = timezone.now()
        evidence = gateway_calls.ask_about(self.reference, payment_id=self.payment.pk, request_id="", now=now)
        credit_user(reference=self.reference, evidence=evidence, cause=CAUSE, now=now)
        request = RefundRequest(
            payment_id=self.payment.pk, amount_usd=None, reason="Bought twice", idempotency_key=self.payment.pk
        )
        refund = refunds.request_refund(request=request, by=StaffFactory(), cause=CAUSE, now=now)
        sent = refund_submission.submit_refund(refund_id=refund.pk, cause=CAUSE, now=now)
        self.refund_id = sent.gateway_refund_id
        self.move("processing")


class DisputeStory(Story):
    """Paid, disputed by the payer's bank, and resolved."""

    event_names = {PAID: "charge.success", CREATE: CREATE, REMIND: REMIND, RESOLVE: RESOLVE}
    step_of = {PAID: 1, CREATE: 2, REMIND: 3, RESOLVE: 4}
    resolution = ""
    final_minor = None

    @property
    def steps(self):
        return [self.pay, self.dispute, self.remind, self.resolve]

    def dispute(self):
        self.dispute_id = self.sandbox.open_dispute(self.reference, deliveries=0)["dispute"]["id"]

    def remind(self):
        self.sandbox.remind_of_dispute(self.dispute_id, deliveries=0)

    def resolve(self):
        self.sandbox.resolve_dispute(
            self.dispute_id, self.resolution, refund_amount_minor=self.final_minor, deliveries=0
        )


class DisputeLost(DisputeStory):
    resolution = "merchant-accepted"


class DisputeWon(DisputeStory):
    resolution = "declined"


class DisputeLostInPart(DisputeStory):
    resolution = "merchant-accepted"
    final_minor = PART_MINOR


class DisputeLostByDeadline(DisputeStory):
    resolution = "auto-accepted"


class DisputeResolvedOddly(DisputeStory):
    resolution = "split-with-the-bank"


def tell_all(
    stories: list[Story],
    orders: list[tuple[str, ...]],
    *,
    before: Callable[[Story, str], None],
    is_processed_between: bool = True,
) -> None:
    for turn in range(len(orders[0])):
        for story, order in zip(stories, orders, strict=True):
            before(story, order[turn])
            story.tell(order[turn])
        if is_processed_between:
            drain()
    drain()


def drain():
    while webhooks.drain_inbox():
        pass


def all_has_happened(story, _label):
    """The gateway's truth is the end of the story before the first event comes."""
    story.come_to(len(story.steps))


def it_happens_now(story, label):
    """The gateway's truth moves with the events: what an event tells has happened when it comes, and no more."""
    story.come_to(story.step_of[label])


def business_columns(payment):
    """Return what a payment came to, but for ids, times, and the path on which it got there."""
    stored = PaymentLog.objects.get(pk=payment.pk)
    wallet = Wallet.objects.get(user=payment.user)
    return {
        "payment": (
            stored.state,
            stored.credited_amount,
            stored.amount_paid_minor,
            stored.gateway_fee_minor,
            stored.amount_refunded_minor,
            stored.payment_method,
            stored.webhook_received,
            stored.next_check_at,
        ),
        "objections": (stored.review_reason, stored.error_code, stored.error_message),
        "wallet": (wallet.balance, wallet.held, wallet.sequence),
        "ledger": _rows(
            Transaction, "type", "amount", "balance_after", "counter_account", "description", user=payment.user
        ),
        "holds": _rows(Hold, "reason", "state", "amount", wallet=wallet),
        "receivables": _rows(Receivable, "reason", "amount", "cancelled_at", user=payment.user),
        "refunds": _rows(Refund, "state", "amount_minor", "credit_amount", "reversal_id", payment=payment),
        "disputes": _rows(
            Dispute, "state", "resolution", "gateway_status", "amount_minor", "credit_amount", payment=payment
        ),
    }


def _rows(model, *columns, **conditions):
    described = model.objects.filter(**conditions).order_by("created_at", "pk").values_list(*columns)
    # What is named after a reference is named alike.
    return [tuple(_without_reference(value) for value in row) for row in described]


def _without_reference(value):
    return value.split("nmk-")[0] if isinstance(value, str) else value


def digest(stories):
    """Return how often each end was reached."""
    return Counter(repr(business_columns(story.payment)) for story in stories)


def check_that_every_event_passed_clean():
    assert set(WebhookEvent.objects.values_list("status", flat=True)) == {"processed"}
    assert not WebhookAttempt.objects.exists()
    assert invariants.check_invariants() == []


def check_that_the_gateway_agrees(stories):
    assert {
        (story.payment.pk, story.payment.reference): [
            row["id"] for row in story.sandbox.transactions() if row["reference"] == story.reference
        ]
        for story in stories
    } == {
        (payment.pk, payment.reference): [payment.gateway_transaction_id]
        for payment in PaymentLog.objects.filter(pk__in=[story.payment.pk for story in stories])
    }


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("before", "is_processed_between", "orders"),
    [
        pytest.param(all_has_happened, True, REFUND_ORDERS[::10], id="12 of them"),
        pytest.param(all_has_happened, True, REFUND_ORDERS, id="when all has happened", marks=pytest.mark.slow),
        pytest.param(it_happens_now, True, REFUND_ORDERS, id="while it happens", marks=pytest.mark.slow),
        pytest.param(all_has_happened, False, REFUND_ORDERS, id="after an hour of nobody", marks=pytest.mark.proof),
    ],
)
def test_five_events_of_a_payment_refunded_elsewhere_end_alike_in_all_120_orders(
    sandbox, before, is_processed_between, orders
):
    stories = [RefundStory(sandbox) for _ in orders]

    tell_all(stories, orders, before=before, is_processed_between=is_processed_between)

    end = business_columns(stories[0].payment)
    assert digest(stories) == {repr(end): len(orders)}
    assert end["payment"] == ("refunded", Decimal(25), 4_125_000, 61_875, 4_125_000, "card", True, None)
    assert end["objections"] == ("", "", "")
    assert end["wallet"] == (0, 0, 2)
    assert [row[:3] for row in end["ledger"]] == [("credit", 25, 25), ("refund", -25, 0)]
    assert end["refunds"] == [("processed", 4_125_000, 25, None)]
    assert end["holds"] == [("refund", "taken", 25)]
    check_that_every_event_passed_clean()
    check_that_the_gateway_agrees(stories)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_five_events_of_a_payment_refunded_here_end_alike_in_all_120_orders(sandbox):
    stories = [OwnRefundStory(sandbox) for _ in REFUND_ORDERS]

    tell_all(stories, REFUND_ORDERS, before=all_has_happened)

    end = business_columns(stories[0].payment)
    assert digest(stories) == {repr(end): 120}
    assert end["payment"] == ("refunded", Decimal(25), 4_125_000, 61_875, 4_125_000, "card", True, None)
    assert end["wallet"] == (0, 0, 2)
    assert end["refunds"] == [("processed", 4_125_000, 25, None)]
    check_that_every_event_passed_clean()
    sent = Counter(row["reference"] for row in sandbox.ledger()["refunds"])
    assert {story.reference: sent[story.reference] for story in stories} == {story.reference: 1 for story in stories}


@pytest.mark.parametrize(
    "orders",
    [
        pytest.param(DISPUTE_ORDERS[::6], id="each event first"),
        pytest.param(DISPUTE_ORDERS, id="all orders", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("before", [all_has_happened, it_happens_now])
@pytest.mark.parametrize(
    ("story_type", "state", "taken", "wallet", "hold"),
    [
        (DisputeLost, "lost", Decimal(-25), (0, 0, 2), "taken"),
        (DisputeLostByDeadline, "lost", Decimal(-25), (0, 0, 2), "taken"),
        (DisputeLostInPart, "lost", Decimal(-10), (15, 0, 2), "taken"),
        (DisputeWon, "won", None, (25, 0, 1), "released"),
        (DisputeResolvedOddly, "review", None, (25, 25, 1), "held"),
    ],
)
def test_events_of_a_dispute_end_alike_in_all_24_orders(
    sandbox, before, orders, story_type, state, taken, wallet, hold
):
    stories = [story_type(sandbox) for _ in orders]

    tell_all(stories, orders, before=before)

    ends = [business_columns(story.payment) for story in stories]
    if story_type is DisputeLostInPart and before is it_happens_now:
        # What was claimed before less was granted is known only to those who were told then.
        ends = [{**end, "disputes": [row[:3] for row in end["disputes"]], "holds": []} for end in ends]
    end = ends[0]
    assert Counter(map(repr, ends)) == {repr(end): len(orders)}
    assert end["payment"] == ("completed", Decimal(25), 4_125_000, 61_875, 0, "card", True, None)
    assert end["objections"] == ("", "", "")
    assert end["wallet"] == wallet
    assert [row[1] for row in end["ledger"]] == [amount for amount in (Decimal(25), taken) if amount]
    assert [row[0] for row in end["disputes"]] == [state]
    assert {row[1] for row in end["holds"]} <= {hold}
    assert end["receivables"] == []
    check_that_every_event_passed_clean()
    check_that_the_gateway_agrees(stories)


def test_disputed_credits_show_in_the_wallet_and_cannot_be_spent_until_the_dispute_is_won(sandbox, service):
    story = DisputeWon(sandbox)
    customer = ApiClient(story.payment.user)
    for label in (PAID, CREATE):
        it_happens_now(story, label)
        story.tell(label)
    drain()

    shown = read(customer.get(BALANCE))
    assert (shown["balance"], shown["held"], shown["available"]) == ("25.00", "25.00", "0.00")
    assert [row["type"] for row in read(customer.get(TRANSACTIONS))["results"]] == ["credit"]
    assert problem(service.debit(story.payment.user, "0.0001")) == (402, "insufficient_credits")

    it_happens_now(story, RESOLVE)
    story.tell(RESOLVE)
    drain()

    assert read(customer.get(BALANCE))["available"] == "25.00"
    assert service.debit(story.payment.user, "25.00").status_code == 201
