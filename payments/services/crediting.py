"""Crediting: what the gateway said becomes credits in a wallet, exactly once.

`credit_payments` is the one path, for one payment and for fifty. Redis locks around it only save
work; the row lock, the version and the unique index of the ledger decide.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db import OperationalError, connection, transaction
from psycopg2 import errors as postgres_errors

from billing.lifecycles import CounterAccount, TransactionType
from billing.services import ledger
from namaskah.errors import UnavailableError
from namaskah.transactions import run_transaction
from payments.gateways.paystack.mode import get_domain
from payments.lifecycles import DISPUTE_STANDING, REFUND_ENDED_WITHOUT_MONEY, PaymentState, ReviewOutcome, ReviewReason
from payments.models import Cause, Dispute, Evidence, PaymentLog, Refund, ReviewDecision
from payments.selectors.payments import PaymentNotFoundError
from payments.services.evidence import REVERSED, Judgement, Verdict, judge
from payments.services.payment_locks import hold_payment_locks

logger = structlog.get_logger(__name__)

# The transaction is ours and in our currency, so what it says stands on the payment for whoever decides.
ABOUT_THE_AMOUNT: Final = frozenset({ReviewReason.AMOUNT_MISMATCH, ReviewReason.PARTIAL_DEBIT, ReviewReason.OVERPAID})
# As in settings.DATABASE_TIMEOUTS.
_ROW_WAIT_SECONDS: Final = 3.0


FAILED_CODE: Final = "gateway_failed"
REVERSED_CODE: Final = "gateway_reversed"


class PaymentBusyError(UnavailableError):
    """Another process has been working on the payment for longer than this one waits."""

    code = "payment_busy"


class CreditResult(Enum):
    """What became of one piece of evidence."""

    CREDITED = "credited"
    ALREADY_SETTLED = "already_settled"
    UNDER_REVIEW = "under_review"
    FAILED = "failed"
    OPEN = "open"
    UNKNOWN_REFERENCE = "unknown_reference"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditRequest:
    """Evidence to act on. `is_announced`: the gateway itself came with the news that this was paid."""

    evidence: Evidence
    cause: Cause
    is_announced: bool = False


@dataclass(frozen=True, slots=True)
class CreditOutcome:
    """What became of the evidence, and the payment as it is now."""

    result: CreditResult
    payment: PaymentLog | None


def credit_user(
    *, reference: str, evidence: Evidence, cause: Cause, now: datetime, is_announced: bool = False
) -> CreditOutcome:
    """Act on the evidence about one payment: a batch of one.

    :raises PaymentNotFoundError: if no payment has `reference`.
    :raises ValueError: if the evidence is about another reference.
    """
    if evidence.reference != reference:
        raise ValueError(f"evidence about {evidence.reference} cannot credit {reference}")
    request = CreditRequest(evidence=evidence, cause=cause, is_announced=is_announced)
    outcome = credit_payments([request], now=now)[0]
    if outcome.payment is None:
        raise PaymentNotFoundError(f"There is no payment {reference}.")
    return outcome


def credit_user_with_lock(
    *, reference: str, evidence: Evidence, cause: Cause, now: datetime, wait_seconds: float | None = None
) -> CreditOutcome:
    """Act on the evidence about one payment while holding its Redis lock.

    The lock `payment_lock:{reference}` has a lease of PAYMENT_LOCK_TIMEOUT_SECONDS (30 s);
    `wait_seconds` defaults to PAYMENT_LOCK_WAIT_SECONDS (10 s, for workers). The row lock is
    waited for no longer than that either. Without Redis the row lock alone decides.

    :raises PaymentBusyError: if the lock, or the row, stayed taken.
    :raises PaymentNotFoundError: if no payment has `reference`.
    """
    patience = settings.PAYMENT_LOCK_WAIT_SECONDS if wait_seconds is None else wait_seconds
    busy = PaymentBusyError("Another process is working on this payment.", retry_after_seconds=1)
    with hold_payment_locks([reference], wait_seconds=patience) as held:
        if reference not in held:
            raise busy

        def credit() -> CreditOutcome:
            _limit_lock_wait(patience)
            return credit_user(reference=reference, evidence=evidence, cause=cause, now=now)

        try:
            return run_transaction(credit)
        except OperationalError as error:
            if isinstance(error.__cause__, postgres_errors.LockNotAvailable):
                raise busy from error
            raise


@transaction.atomic(savepoint=False)
def credit_payments(requests: Sequence[CreditRequest], *, now: datetime) -> list[CreditOutcome]:
    """Act on the evidence about many payments in one database transaction; outcomes in the order asked.

    A payment that is credited, or went back, stays as it is: that is a success that changes nothing.
    Evidence that does not fit puts its own payment under review and does not hold up the others.
    What is credited is the row's own `credit_amount` to the row's own user.
    """
    payments = _lock_payments([request.evidence.reference for request in requests])
    domain = get_domain(settings.PAYSTACK_SECRET_KEY)
    before = {reference: payment.changing_values for reference, payment in payments.items()}
    taken = _list_taken_transactions(requests)
    going_back = _list_going_back(payments.values())
    outcomes = [
        _decide(payments.get(request.evidence.reference), request, taken, going_back, domain=domain, now=now)
        for request in requests
    ]
    credited = [outcome.payment for outcome in outcomes if outcome.result is CreditResult.CREDITED and outcome.payment]
    causes = {request.evidence.reference: request.cause for request in requests}
    ledger.post_entries([entry_of(payment, causes[payment.reference]) for payment in credited], now=now)
    mark_paid_twice(credited)
    changed = [payment for reference, payment in payments.items() if payment.changing_values != before[reference]]
    PaymentLog.write(changed, now=now)
    return outcomes


def entry_of(payment: PaymentLog, cause: Cause) -> ledger.Entry:
    """Return the ledger entry that credits a completed payment."""
    if payment.credited_amount is None:
        raise ValueError(f"{payment.reference} is not credited")
    return ledger.Entry(
        user_id=payment.user_id,
        type=TransactionType.CREDIT,
        amount=payment.credited_amount,
        counter_account=CounterAccount.GATEWAY_PAYSTACK,
        reference=payment.reference,
        idempotency_key=payment.pk,
        payment_log_id=payment.pk,
        description="Credits bought",
        request_id=cause.request_id,
    )


def _lock_payments(references: Sequence[str]) -> dict[str, PaymentLog]:
    """Lock the rows in ascending order, then read them in a fresh statement.

    What a locking statement reads beside its rows stems from before its wait.
    """
    keys = _lock_rows(references)
    return _read_rows(keys)


def _lock_rows(references: Sequence[str]) -> list[UUID]:
    locking = PaymentLog.objects.select_for_update(no_key=True).filter(reference__in=set(references)).order_by("pk")
    return list(locking.values_list("pk", flat=True))


def _read_rows(keys: Sequence[UUID]) -> dict[str, PaymentLog]:
    return {payment.reference: payment for payment in PaymentLog.objects.filter(pk__in=keys).order_by("pk")}


def _list_taken_transactions(requests: Sequence[CreditRequest]) -> dict[int, str]:
    """Return on which payment each of the gateway's transactions stands, as far as the evidence names them."""
    named = {request.evidence.gateway_transaction_id for request in requests} - {None}
    standing = PaymentLog.objects.filter(gateway_transaction_id__in=named)
    return {
        number: reference for number, reference in standing.values_list("gateway_transaction_id", "reference") if number
    }


def _list_going_back(payments: Iterable[PaymentLog]) -> set[UUID]:
    """Return which of the payments had their money sent back, or claimed back, before they were credited."""
    keys = [payment.pk for payment in payments if not payment.is_settled]
    if not keys:
        return set()
    refunded = Refund.objects.filter(payment__in=keys).exclude(state__in=REFUND_ENDED_WITHOUT_MONEY)
    disputed = Dispute.objects.filter(payment__in=keys, state__in=DISPUTE_STANDING)
    # In one statement: it runs for every batch.
    return set(refunded.values_list("payment_id", flat=True).union(disputed.values_list("payment_id", flat=True)))


def _decide(
    payment: PaymentLog | None,
    request: CreditRequest,
    taken: dict[int, str],
    going_back: Collection[UUID],
    *,
    domain: str,
    now: datetime,
) -> CreditOutcome:
    if payment is None:
        return CreditOutcome(CreditResult.UNKNOWN_REFERENCE, None)
    if request.is_announced:
        payment.webhook_received = True
    if payment.is_settled:
        return CreditOutcome(CreditResult.ALREADY_SETTLED, payment)
    judgement = judge(payment, request.evidence, domain=domain)
    is_doubtful = judgement.verdict in {Verdict.OPEN, Verdict.FAILED} or payment.error_code == REVERSED_CODE
    if request.is_announced and is_doubtful:
        # The news is old, or contradicts what the gateway itself says: money that went back is not credited.
        judgement = Judgement(Verdict.REVIEW, ReviewReason.STATUS_MISMATCH)
    if taken.get(request.evidence.gateway_transaction_id or 0, payment.reference) != payment.reference:
        # One transaction of the gateway pays for one payment.
        judgement = Judgement(Verdict.REVIEW, ReviewReason.TRANSACTION_REUSED)
    if judgement.verdict is Verdict.PAID and payment.pk in going_back:
        judgement = Judgement(Verdict.REVIEW, ReviewReason.STATUS_MISMATCH)
    outcome = CreditOutcome(_carry_out(payment, judgement, request, now=now), payment)
    if payment.gateway_transaction_id is not None:
        taken[payment.gateway_transaction_id] = payment.reference
    return outcome


def _is_dismissed(payment: PaymentLog, reason: ReviewReason, evidence: Evidence) -> bool:
    """Whether a person looked at the same finding before and let it be."""
    said = (evidence.gateway_transaction_id, evidence.amount_minor)
    if reason in ABOUT_THE_AMOUNT and said != (payment.gateway_transaction_id, payment.amount_paid_minor):
        return False
    decisions = ReviewDecision.objects.filter(payment=payment, review_reason=reason)
    return decisions.filter(outcome=ReviewOutcome.DISMISSED).exists()


def _carry_out(payment: PaymentLog, judgement: Judgement, request: CreditRequest, *, now: datetime) -> CreditResult:
    if judgement.verdict is Verdict.PAID:
        payment.complete(evidence=request.evidence, credited_amount=payment.credit_amount, cause=request.cause, now=now)
        return CreditResult.CREDITED
    if judgement.verdict is Verdict.REVIEW and judgement.review_reason:
        if _is_dismissed(payment, judgement.review_reason, request.evidence):
            return CreditResult.OPEN
        payment.put_under_review(judgement.review_reason)
        if judgement.review_reason in ABOUT_THE_AMOUNT:
            payment.note_evidence(request.evidence)
        logger.warning(
            "payment_under_review",
            payment=payment.reference,
            reason=judgement.review_reason,
            source=request.cause.source,
        )
        return CreditResult.UNDER_REVIEW
    if judgement.verdict is Verdict.FAILED:
        if payment.state != PaymentState.FAILED:
            is_reversed = request.evidence.status == REVERSED
            code = REVERSED_CODE if is_reversed else FAILED_CODE
            payment.fail(code=code, message=request.evidence.gateway_response, cause=request.cause, now=now)
        return CreditResult.FAILED
    return CreditResult.OPEN


def mark_paid_twice(credited: Sequence[PaymentLog]) -> None:
    """Put the later of two paid attempts at one purchase under review; both stay credited.

    The caller has moved their wallet: whoever credits the other attempt waits for that.
    """
    for payment in credited:
        if payment.attempt == 1 and payment.superseded_by_id is None:
            continue
        siblings = [
            other.pk
            for other in credited
            if other.idempotency_key == payment.idempotency_key and other.user_id == payment.user_id
        ]
        is_paid_before = (
            PaymentLog.objects.filter(user_id=payment.user_id, idempotency_key=payment.idempotency_key, credited=True)
            .exclude(pk__in=siblings)
            .exists()
        )
        if is_paid_before or payment.pk != siblings[0]:
            payment.put_under_review(ReviewReason.PAID_TWICE)


def _limit_lock_wait(seconds: float) -> None:
    """Wait for rows at most `seconds` in this database transaction, and never longer than elsewhere."""
    milliseconds = max(1, int(min(seconds, _ROW_WAIT_SECONDS) * 1000))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = %s", [milliseconds])
