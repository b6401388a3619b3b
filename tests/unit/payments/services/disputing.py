"""Steps of disputes that their tests take, and what the books say then."""

from decimal import Decimal

from django.utils import timezone

from billing.lifecycles import CounterAccount, TransactionType
from billing.models import Receivable, Transaction, Wallet
from payments.lifecycles import PaymentState
from payments.services import janitor, refund_reports, refund_submission
from tests.factories.billing import post
from tests.factories.payments import CAUSE, PaymentFactory


def make_paid(sandbox, **terms):
    payment = make_unheard(sandbox, **terms)
    return janitor.check_payment(payment_id=payment.pk, now=timezone.now())


def make_unheard(sandbox, **terms):
    """A payment that was paid, and nobody told us."""
    payment = PaymentFactory(at=PaymentState.PROCESSING, next_check_at=timezone.now(), **terms)
    sandbox.expect(payment)
    sandbox.pay(payment.reference)
    return payment


def spend(user, amount):
    return post(user, type=TransactionType.DEBIT, amount=-Decimal(amount), counter_account=CounterAccount.REVENUE_SMS)


def wallet(user):
    """Return balance and what is held of it."""
    stored = Wallet.objects.get(user=user)
    return stored.balance, stored.held


def entries(user):
    return list(Transaction.objects.filter(user=user).order_by("sequence").values_list("type", "amount"))


def owed():
    return list(Receivable.objects.order_by("pk").values_list("reason", "amount"))


def refund_at_the_gateway(sandbox, payment, amount_minor, *, status="processed"):
    """Have a refund made on the gateway's dashboard, and hear of it."""
    refund, _ = sandbox.request_refund(payment.reference, amount_minor=amount_minor, currency=None)
    sandbox.move_refund(refund.id, status)
    refund_reports.sync_refunds(payment_id=payment.pk, cause=CAUSE, now=timezone.now())
    return refund.id


def submit(refund):
    return refund_submission.submit_refund(refund_id=refund.pk, cause=CAUSE, now=timezone.now())
