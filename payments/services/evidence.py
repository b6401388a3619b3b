"""Judging what the gateway said: is this the payment we asked for, and is it paid?"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from payments.lifecycles import ReviewReason
from payments.models import Evidence, PaymentLog

SUCCESS: Final = "success"
FAILED: Final = "failed"
REVERSED: Final = "reversed"
REVERSAL_PENDING: Final = "reversal-pending"
# Money came, be it on its way back.
PAID: Final = frozenset({SUCCESS, REVERSED, REVERSAL_PENDING})


class Verdict(Enum):
    """What the evidence calls for."""

    PAID = "paid"
    OPEN = "open"
    FAILED = "failed"
    REVIEW = "review"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and, for a review, its reason."""

    verdict: Verdict
    review_reason: ReviewReason | None = None


def judge(payment: PaymentLog, evidence: Evidence, *, domain: str) -> Judgement:
    """Say what `evidence` means for `payment` under a key of `domain` (`test` or `live`).

    Statuses as documented at https://paystack.com/docs/payments/verify-payments: `abandoned`,
    `ongoing`, `pending`, `processing`, `queued` and any unknown one are open.
    """
    if evidence.status == REVERSAL_PENDING:
        return Judgement(Verdict.REVIEW, ReviewReason.REVERSAL_PENDING)
    if evidence.status in {FAILED, REVERSED}:
        return Judgement(Verdict.FAILED)
    if evidence.status != SUCCESS:
        return Judgement(Verdict.OPEN)
    reason = find_objection(payment, evidence, domain=domain)
    return Judgement(Verdict.REVIEW, reason) if reason else Judgement(Verdict.PAID)


def find_objection(payment: PaymentLog, evidence: Evidence, *, domain: str) -> ReviewReason | None:
    """Return why a success must not be credited in full, or None."""
    if not evidence.amount_minor or evidence.gateway_transaction_id is None:
        return ReviewReason.EVIDENCE_INCOMPLETE
    if evidence.domain != domain:
        return ReviewReason.WRONG_DOMAIN
    if evidence.currency != payment.currency:
        return ReviewReason.CURRENCY_MISMATCH
    return _find_wrong_amount(payment, evidence.amount_minor, evidence)


def _find_wrong_amount(payment: PaymentLog, charged_minor: int, evidence: Evidence) -> ReviewReason | None:
    # `amount` is what was charged and holds the fees where the payer bears them; `requested_amount`
    # is what we asked for, and older answers leave it out.
    requested = evidence.requested_amount_minor
    if requested is None:
        requested = charged_minor
    if requested != payment.amount_minor:
        return ReviewReason.AMOUNT_MISMATCH
    if charged_minor < requested:
        return ReviewReason.PARTIAL_DEBIT
    fees_minor = evidence.fees_minor or 0
    if fees_minor > requested or charged_minor - requested > fees_minor:
        return ReviewReason.OVERPAID
    return None
