"""What can be done about a payment as it is now, by the rules of the services that do it.

Each service decides anew, under locks, when it is asked; who may ask is another matter.
"""

from namaskah.errors import ConflictError
from payments.models import Dispute, PaymentLog, Refund
from payments.services import refund_terms, reviews


def can_verify(payment: PaymentLog) -> bool:
    """Whether Paystack could tell anything new."""
    return not payment.is_settled


def can_dismiss(payment: PaymentLog) -> bool:
    """Whether a review can be ended."""
    return bool(payment.review_reason)


def can_credit(payment: PaymentLog) -> bool:
    """Whether a review can be ended by crediting what was paid, if Paystack says that it was."""
    if not payment.review_reason:
        return False
    try:
        reviews.check_money_stays(payment, _list_refunds(payment), _list_disputes(payment))
    except ConflictError:
        return False
    return True


def can_refund(payment: PaymentLog) -> bool:
    """Whether money of it can go back; the wallet may still lack the credits."""
    return not find_refund_obstacle(payment)


def find_refund_obstacle(payment: PaymentLog) -> str:
    """Return in words why no money of it can go back now; nothing if it can."""
    try:
        refund_terms.check_refundable(payment, _list_disputes(payment))
    except ConflictError as obstacle:
        return obstacle.detail
    left_minor, _ = refund_terms.find_rest(payment, _list_refunds(payment))
    return "" if left_minor > 0 else "Nothing is left of this payment to refund."


def _list_refunds(payment: PaymentLog) -> list[Refund]:
    return list(Refund.objects.filter(payment=payment).order_by("pk"))


def _list_disputes(payment: PaymentLog) -> list[Dispute]:
    return list(Dispute.objects.filter(payment=payment).order_by("pk"))
