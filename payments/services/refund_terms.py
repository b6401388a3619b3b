"""What may be refunded, and what it costs the customer's wallet."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from namaskah.errors import ConflictError, RuleViolationError
from namaskah.money import convert_to_credits, convert_to_minor, format_credits
from payments.lifecycles import DISPUTE_UNDECIDED, REFUND_ENDED_WITHOUT_MONEY, DisputeState, PaymentState
from payments.models import Dispute, PaymentLog, Refund


class PaymentNotRefundableError(ConflictError):
    """There is no money of this payment that could go back."""

    code = "payment_not_refundable"


class PaymentDisputedError(ConflictError):
    """The payer's bank claims the money back already."""

    code = "payment_disputed"


class RefundExceedsPaymentError(RuleViolationError):
    """More would go back than is left of the payment."""

    code = "refund_exceeds_payment"


@dataclass(frozen=True, slots=True)
class RefundTerms:
    """`amount_minor` subunits go back to the payer, `credit_amount` credits leave the wallet."""

    amount_minor: int
    credit_amount: Decimal


def check_refundable(payment: PaymentLog, disputes: Sequence[Dispute]) -> None:
    """Refuse to refund what never arrived, or what is disputed; the caller holds the payment's lock.

    :raises PaymentNotRefundableError: if nothing arrived, or all of it went back.
    :raises PaymentDisputedError: if a dispute is open or was lost.
    """
    if payment.state == PaymentState.REFUNDED:
        raise PaymentNotRefundableError("This payment was refunded before.")
    if payment.gateway_transaction_id is None or not payment.refundable_minor:
        raise PaymentNotRefundableError(f"This payment is {payment.state}: no money of it is known to have arrived.")
    check_undisputed(disputes)


def check_undisputed(disputes: Sequence[Dispute]) -> None:
    """Refuse to move money that the payer's bank claims, or has; the caller holds the payment's lock.

    :raises PaymentDisputedError: if a dispute is open or was lost.
    """
    states = {dispute.state for dispute in disputes}
    if DisputeState.LOST in states:
        raise PaymentDisputedError("The payer's bank took this payment's money back; nothing is left to send.")
    if states.intersection(DISPUTE_UNDECIDED):
        raise PaymentDisputedError("The payer's bank disputes this payment; the dispute decides about the money.")


def find_terms(payment: PaymentLog, refunds: Sequence[Refund], *, amount_usd: Decimal | None) -> RefundTerms:
    """Return what a refund of `amount_usd`, or of all that is left, moves.

    The refund that completes the subunits takes the remaining credits, and the other way round, so that parts
    always add up, however each was rounded.

    :raises RefundExceedsPaymentError: if less is left.
    """
    left_minor, left_credits = find_rest(payment, refunds)
    if not left_minor:
        raise RefundExceedsPaymentError("Nothing is left of this payment to refund.")
    if amount_usd is None or (payment.credited and amount_usd == left_credits > 0):
        return RefundTerms(left_minor, left_credits)
    # Less than one subunit cannot be sent.
    amount_minor = max(1, convert_to_minor(amount_usd, exchange_rate=payment.exchange_rate))
    if amount_minor > left_minor or (payment.credited and amount_usd > left_credits):
        left = left_credits if payment.credited else convert_to_credits(left_minor, exchange_rate=payment.exchange_rate)
        raise RefundExceedsPaymentError(f"Only {format_credits(left)} of this payment can still be refunded.")
    if amount_minor == left_minor:
        return RefundTerms(left_minor, left_credits)
    return RefundTerms(amount_minor, amount_usd if payment.credited else Decimal(0))


def find_terms_of_minor(payment: PaymentLog, refunds: Sequence[Refund], *, amount_minor: int) -> RefundTerms:
    """Return what a refund of `amount_minor` moves that the gateway has made already.

    It may hold fees that the payer bore, for which no credits were given.

    :raises RefundExceedsPaymentError: if less was received.
    """
    left_minor, left_credits = find_rest(payment, refunds)
    with_fees_minor = left_minor + payment.received_minor - payment.refundable_minor
    if amount_minor > with_fees_minor:
        raise RefundExceedsPaymentError(f"{amount_minor} of {with_fees_minor} subunits would go back.")
    if amount_minor >= left_minor:
        return RefundTerms(amount_minor, left_credits)
    credit_amount = convert_to_credits(amount_minor, exchange_rate=payment.exchange_rate)
    return RefundTerms(amount_minor, min(credit_amount, left_credits) if payment.credited else Decimal(0))


def find_rest(payment: PaymentLog, refunds: Sequence[Refund]) -> tuple[int, Decimal]:
    """Return the subunits and the credits that no standing refund has claimed."""
    standing = [refund for refund in refunds if refund.state not in REFUND_ENDED_WITHOUT_MONEY]
    left_minor = payment.refundable_minor - sum(refund.amount_minor for refund in standing)
    credited = payment.credited_amount or Decimal(0)
    return left_minor, credited - sum((refund.credit_amount for refund in standing), Decimal(0))
