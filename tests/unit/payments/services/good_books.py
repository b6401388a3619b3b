"""Books in which everything is as it must be, made by the product's own steps: a row of every kind and state."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.contrib.auth.models import User
from django.utils import timezone

from billing.lifecycles import AdjustmentReason
from billing.models import CreditAdjustment
from billing.services import adjustments, debits
from billing.services.adjustments import AdjustmentRequest
from billing.services.debits import Debit
from namaskah.idempotency import claims
from namaskah.idempotency.claims import KeyClaim
from payments.gateways.paystack import transactions
from payments.lifecycles import PaymentState, RefundState, ReviewReason
from payments.models import PaymentLog, Refund, WebhookEvent
from payments.services import (
    disputes,
    inbox,
    janitor,
    refund_reports,
    refund_submission,
    refunds,
    webhook_ingest,
    webhooks,
)
from payments.services.refunds import RefundRequest
from tests.events import charge_success
from tests.factories.billing import ExchangeRateFactory
from tests.factories.payments import CAUSE, PaymentFactory, bring_to
from tests.factories.users import ServiceAccountFactory, StaffFactory, UserFactory
from tests.unit.payments.services import purchases

SOON = timedelta(minutes=5)


class Bookkeeper:
    """Steps that purchases take between the product and `sandbox`, the gateway whose words stand behind them."""

    def __init__(self, sandbox: Any) -> None:
        self.sandbox = sandbox
        self.staff, self.other_staff = StaffFactory.create_batch(2)
        self.user: User = UserFactory()

    def buy(self, at: PaymentState | None = None, user: User | None = None) -> PaymentLog:
        """Make a payment that is watched, and its page; `at` takes it further."""
        payment: PaymentLog = PaymentFactory(user=user or self.user, next_check_at=timezone.now() + SOON)
        self.expect(payment)
        if at:
            bring_to(payment, at)
        return payment

    def expect(self, payment: PaymentLog) -> None:
        """Have the gateway make the payment's page."""
        transactions.initialize_transaction(
            email=payment.email,
            amount_minor=payment.amount_minor,
            currency=payment.currency,
            reference=payment.reference,
        )

    def supersede(self, payment: PaymentLog) -> PaymentLog:
        """Make another attempt at the same purchase, and its page."""
        again = purchases.supersede(payment)
        self.expect(again)
        return again

    def pay_oddly(self, payment: PaymentLog) -> None:
        """Pay half of what was asked for."""
        self.sandbox.pay(payment.reference, amount_minor=payment.amount_minor // 2)
        janitor.check_payment(payment_id=payment.pk, now=timezone.now())
        payment.refresh_from_db()
        assert payment.review_reason == ReviewReason.PARTIAL_DEBIT

    def buy_and_pay(self, user: User | None = None) -> PaymentLog:
        """Make a payment that is paid, and ask about it."""
        payment = self.buy(user=user)
        self.sandbox.pay(payment.reference)
        janitor.check_payment(payment_id=payment.pk, now=timezone.now())
        payment.refresh_from_db()
        assert payment.state == PaymentState.COMPLETED
        return payment

    def announce(self, payment: PaymentLog) -> WebhookEvent:
        """Pay a payment and process the event that tells it."""
        number = self.sandbox.pay(payment.reference)["transaction"]["id"]
        raw = charge_success(reference=payment.reference, amount_minor=payment.amount_minor, transaction_id=number)
        webhook_ingest.ingest(raw)
        webhooks.process_batch(inbox.claim_charges())
        payment.refresh_from_db()
        event = WebhookEvent.objects.get(payment=payment)
        assert (event.status, payment.state) == ("processed", "completed")
        return event

    def bury_event(self) -> WebhookEvent:
        """Have an event about a payment that nobody ever made become a dead letter."""
        webhook_ingest.ingest(charge_success(reference="nmk-unknown", amount_minor=1, transaction_id=1))
        event = inbox.claim_charges()[0]
        inbox.dead_letter(event, inbox.Failure.of(webhooks.UnknownReferenceError("There is no such payment.")))
        event.refresh_from_db()
        return event

    def give(self, user: User, amount: str) -> CreditAdjustment:
        """Give credits by hand; above MANUAL_CREDIT_APPROVAL_USD they wait for a second person."""
        request = AdjustmentRequest(
            user_id=user.pk,
            amount=Decimal(amount),
            reason_code=AdjustmentReason.GOODWILL,
            note="Sorry",
            ticket="HELP-1",
            idempotency_key=uuid4(),
        )
        return adjustments.request_adjustment(request=request, by=self.staff, now=timezone.now())

    def request_refund(self, payment: PaymentLog, amount: str | None, *, is_approved: bool = True) -> Refund:
        """Ask for a refund as staff, and as the other person agree to it; with REFUND_APPROVAL_USD at 0 all must."""
        claim = claim_for(self.staff)
        refund = refunds.request_refund(
            request=RefundRequest(
                payment_id=payment.pk,
                amount_usd=None if amount is None else Decimal(amount),
                reason="Asked for",
                idempotency_key=claim.key,
            ),
            by=self.staff,
            cause=CAUSE,
            now=timezone.now(),
            claim=claim,
        )
        if is_approved and refund.state == RefundState.AWAITING_APPROVAL:
            refund = refunds.approve_refund(refund_id=refund.pk, by=self.other_staff, cause=CAUSE, now=timezone.now())
        return refund

    def submit(self, refund: Refund, status: str) -> None:
        """Send an approved refund and have the gateway bring it to `status`."""
        now = timezone.now()
        sent = refund_submission.submit_refund(refund_id=refund.pk, cause=CAUSE, now=now)
        self.sandbox.move_refund(sent.gateway_refund_id, status)
        refund_reports.sync_refunds(payment_id=refund.payment_id, cause=CAUSE, now=now)
        refund.refresh_from_db()
        assert refund.state == status

    def lose_answer(self, refund: Refund) -> Refund:
        """Send a refund whose answer never comes."""
        self.sandbox.script(operation="refund", fault="reset_after_accept", reference=refund.payment.reference)
        sent = refund_submission.submit_refund(refund_id=refund.pk, cause=CAUSE, now=timezone.now())
        assert sent.state == "unknown"
        return sent

    def refund_elsewhere(self, payment: PaymentLog, amount_minor: int) -> Refund:
        """Refund on the gateway's dashboard, and book it."""
        self.sandbox.request_refund(payment.reference, amount_minor=amount_minor, currency=None)
        (booked,) = refund_reports.sync_refunds(payment_id=payment.pk, cause=CAUSE, now=timezone.now())
        return booked

    def open_dispute(self, payment: PaymentLog) -> Any:
        """Have the payer's bank claim the payment back."""
        number = self.sandbox.open_dispute(payment.reference)["dispute"]["id"]
        return disputes.sync_dispute(gateway_dispute_id=number, cause=CAUSE, now=timezone.now())

    def resolve(self, dispute: Any, resolution: str) -> Any:
        """End a dispute."""
        self.sandbox.resolve_dispute(dispute.gateway_dispute_id, resolution)
        return disputes.sync_dispute(gateway_dispute_id=dispute.gateway_dispute_id, cause=CAUSE, now=timezone.now())

    def spend(self, user: User, amount: Decimal) -> Any:
        """Take credits for messages."""
        self.service = ServiceAccountFactory()
        debit = Debit(user_id=user.pk, amount=amount, reference=f"sms-{uuid4()}", service="sms")
        return debits.debit_wallet(
            debit=debit, by=self.service, claim=claim_for(self.service), request_id="", now=timezone.now()
        )

    def give_back(self, reference: str, amount: Decimal) -> Any:
        """Give a part of a debit back."""
        return debits.reverse_debit(
            reference=reference,
            amount=amount,
            reason="Not sent",
            by=self.service,
            claim=claim_for(self.service),
            request_id="",
            now=timezone.now(),
        )


def claim_for(user: User) -> KeyClaim:
    """Claim a new key as a request of the user does."""
    claim = claims.claim_key(user=user, key=uuid4(), method="POST", route="/", body={}, now=timezone.now())
    assert isinstance(claim, KeyClaim)
    return claim


class GoodBooks(Bookkeeper):
    """Every kind of row in every state it can have."""

    def __init__(self, sandbox: Any) -> None:
        super().__init__(sandbox)
        self.other_user: User = UserFactory()
        ExchangeRateFactory()
        self.adjustment = self.give(self.user, "10")
        self.small_adjustment = self.give(self.other_user, "3")
        self.waiting_adjustment = self.give(self.user, "60")
        decision = {"by": self.other_staff, "comment": "", "now": timezone.now()}
        self.agreed_adjustment = adjustments.approve_adjustment(adjustment_id=self.give(self.user, "70").pk, **decision)
        adjustments.reject_adjustment(adjustment_id=self.give(self.user, "80").pk, **decision)

        self.pending = self.buy()
        self.processing = self.buy(PaymentState.PROCESSING)
        self.failed = self.buy(PaymentState.FAILED)
        self.in_review = self.buy()
        self.pay_oddly(self.in_review)
        self.announced = self.buy()
        self.event = self.announce(self.announced)
        self.completed = self.buy_and_pay()

        self.waiting = self.request_refund(self.completed, "10", is_approved=False)
        self.rejected = self.request_refund(self.completed, "11", is_approved=False)
        refunds.reject_refund(
            refund_id=self.rejected.pk, by=self.other_staff, reason="No.", cause=CAUSE, now=timezone.now()
        )
        self.approved = self.request_refund(self.completed, "1")
        self.refund = self.request_refund(self.announced, "2")
        self.submit(self.refund, "processed")
        self.failed_refund = self.request_refund(self.announced, "3")
        self.submit(self.failed_refund, "failed")
        self.refunded = self.buy_and_pay()
        self.submit(self.request_refund(self.refunded, None), "processed")
        self.unknown = self.lose_answer(self.request_refund(self.buy_and_pay(), "4"))

        self.dispute = self.open_dispute(self.buy_and_pay())
        self.won = self.resolve(self.open_dispute(self.buy_and_pay()), "declined")
        self.lost = self.resolve(self.open_dispute(self.buy_and_pay()), "merchant-accepted")
        poor = self.buy_and_pay(UserFactory())
        self.spend(poor.user, Decimal(20))
        self.owed = self.resolve(self.open_dispute(poor), "auto-accepted")
        self.poor = self.buy_and_pay(UserFactory())
        self.spend(self.poor.user, Decimal(24))
        self.booked_elsewhere = self.refund_elsewhere(self.poor, 3_300_000)

        self.debit = self.spend(self.user, Decimal("1.5"))
        self.reversal = self.give_back(self.debit.reference, Decimal("0.5"))
        self.dead = self.bury_event()
