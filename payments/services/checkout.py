"""Beginning a purchase and asking what became of it.

The purchase is committed before Paystack hears of it, and no database transaction is open during a
call, so that whatever happens to this process, the next request with the same key finds the row
and goes on from there.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from billing.selectors import exchange_rates
from namaskah.errors import GatewayRejectedError, GatewayUnavailableError, RuleViolationError
from namaskah.idempotency.claims import KeyClaim
from namaskah.identifiers import PAYMENT_PREFIX, new_reference
from namaskah.money import CREDIT_PLACES, convert_to_minor
from payments.gateways.paystack import currencies, transactions
from payments.gateways.paystack.transactions import DuplicateReferenceError, InitializedTransaction
from payments.lifecycles import PaymentState
from payments.models import Cause, Evidence, GatewayCall, GatewayOutcome, PaymentLog
from payments.selectors import payments
from payments.services import crediting, gateway_calls
from payments.services.crediting import CreditResult

_FIRST_CHECK: Final = timedelta(minutes=1)


class EmailRequiredError(RuleViolationError):
    """The user has no e-mail address, and Paystack needs one."""

    code = "email_required"


class AmountTooSmallError(RuleViolationError):
    """The amount is below what Paystack takes in this currency."""

    code = "amount_too_small"


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """What a client wants to buy: credits for `amount_usd` (two decimals), paid in `currency`."""

    amount_usd: Decimal
    currency: str
    callback_url: str = ""
    channels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What a purchase costs: `amount_minor` subunits at `exchange_rate` units per dollar."""

    amount_minor: int
    exchange_rate: Decimal


def quote_purchase(*, amount_usd: Decimal, currency: str, now: datetime) -> Quote:
    """Return what credits for `amount_usd` cost in `currency` now; nothing is reserved.

    :raises CurrencyNotAvailableError: if there is no exchange rate.
    :raises ExchangeRateStaleError: if it is too old.
    :raises AmountTooSmallError: if Paystack takes no such small amount.
    """
    rate = exchange_rates.get_exchange_rate(currency, now=now)
    amount_minor = convert_to_minor(amount_usd, exchange_rate=rate)
    minimum_minor = currencies.MINIMUM_MINOR[currency]
    if amount_minor < minimum_minor:
        raise AmountTooSmallError(
            f"Paystack takes at least {Decimal(minimum_minor) / 100:.2f} {currency}; "
            f"this would be {Decimal(amount_minor) / 100:.2f}."
        )
    return Quote(amount_minor=amount_minor, exchange_rate=rate)


def initialize_payment(*, purchase: Purchase, by: User, claim: KeyClaim, cause: Cause, now: datetime) -> PaymentLog:
    """Begin a purchase, or go on with the one that the same key began; return it with its checkout page.

    A payment that turns out to be paid already is returned `completed`, without a page.

    :raises EmailRequiredError: if the user has no e-mail address.
    :raises CurrencyNotAvailableError: if there is no exchange rate.
    :raises ExchangeRateStaleError: if it is too old.
    :raises AmountTooSmallError: if Paystack takes no such small amount.
    :raises GatewayRejectedError: if Paystack said no; the payment is failed.
    :raises GatewayUnavailableError: if Paystack was not reached; the payment stays pending.
    :raises GatewayMisconfiguredError: if Paystack refused our key; the payment stays pending.
    :raises GatewayOutcomeUnknownError: if no usable answer came; the next request looks it up.
    """
    payment = payments.find_payment_of_key(user=by, idempotency_key=claim.key)
    if payment is None:
        payment = _create_payment(purchase, by=by, claim=claim, cause=cause, now=now)
    elif _was_rejected(payment):
        raise GatewayRejectedError(payment.error_message, gateway_code=payment.error_code)
    elif not payment.authorization_url and not payment.is_settled and _may_have_been_sent(payment):
        payment = _look_up(payment, claim=claim, cause=cause, now=now)
    if payment.authorization_url or payment.is_settled:
        return payment
    try:
        return _open_checkout(payment, purchase, claim=claim, cause=cause, now=now)
    except DuplicateReferenceError:
        # The reference exists there, so its page is lost: another attempt under another reference.
        payment = _supersede(payment, claim=claim, cause=cause, now=now)
    if payment.is_settled:
        return payment
    try:
        return _open_checkout(payment, purchase, claim=claim, cause=cause, now=now)
    except DuplicateReferenceError as error:
        # Nothing was refused for good, so this must not become the key's stored answer.
        raise GatewayUnavailableError("Paystack refused two new references in a row.", retry_after_seconds=5) from error


def verify_payment(*, reference: str, user: User, cause: Cause, now: datetime) -> tuple[PaymentLog, CreditResult]:
    """Ask Paystack about the user's payment, credit it if it was paid, and return what is now true.

    :raises PaymentNotFoundError: if the user has no such payment.
    :raises PaymentBusyError: if another process has been working on it for over a second.
    :raises GatewayUnavailableError: if Paystack gave no usable answer.
    """
    payment = payments.get_payment(user=user, reference=reference)
    if payment.is_settled:
        return payment, CreditResult.ALREADY_SETTLED
    evidence = gateway_calls.ask_about(payment.reference, payment_id=payment.pk, request_id=cause.request_id, now=now)
    if evidence is None:
        return payments.get_payment(user=user, reference=reference), CreditResult.OPEN
    outcome = _apply(evidence, cause=cause, now=now)
    return outcome.payment or payment, outcome.result


def _apply(evidence: Evidence, *, cause: Cause, now: datetime) -> crediting.CreditOutcome:
    return crediting.credit_user_with_lock(
        reference=evidence.reference,
        evidence=evidence,
        cause=cause,
        now=now,
        wait_seconds=settings.PAYMENT_LOCK_REQUEST_WAIT_SECONDS,
    )


def _create_payment(purchase: Purchase, *, by: User, claim: KeyClaim, cause: Cause, now: datetime) -> PaymentLog:
    if not by.email:
        raise EmailRequiredError("Your account has no e-mail address, and Paystack needs one to take a payment.")
    quote = quote_purchase(amount_usd=purchase.amount_usd, currency=purchase.currency, now=now)
    payment = PaymentLog(
        user=by,
        email=by.email,
        reference=new_reference(PAYMENT_PREFIX),
        idempotency_key=claim.key,
        amount_usd=purchase.amount_usd,
        currency=purchase.currency,
        amount_minor=quote.amount_minor,
        exchange_rate=quote.exchange_rate,
        credit_amount=purchase.amount_usd.quantize(CREDIT_PLACES),
        next_check_at=now + _FIRST_CHECK,
        created_at=now,
        updated_at=now,
    )
    payment.record_birth(cause=cause, now=now)
    with transaction.atomic(durable=True):
        claim.advance("payment_created", resource=payment.reference)
        payment.save()
    return payment


def _was_rejected(payment: PaymentLog) -> bool:
    return payment.state == PaymentState.FAILED and payment.error_code == GatewayRejectedError.code


def _may_have_been_sent(payment: PaymentLog) -> bool:
    """Whether the gateway may know the reference: a call was answered, lost, or its process died in it."""
    sent = [GatewayOutcome.OPEN, GatewayOutcome.ANSWERED, GatewayOutcome.UNKNOWN]
    return GatewayCall.objects.filter(payment=payment, operation="initialize", outcome__in=sent).exists()


def _look_up(payment: PaymentLog, *, claim: KeyClaim, cause: Cause, now: datetime) -> PaymentLog:
    """Find out what became of a call whose answer was lost; return the payment to go on with."""
    evidence = gateway_calls.ask_about(payment.reference, payment_id=payment.pk, request_id=cause.request_id, now=now)
    if evidence is None:
        return payment
    outcome = _apply(evidence, cause=cause, now=now)
    if outcome.payment is not None and outcome.payment.is_settled:
        return outcome.payment
    return _supersede(payment, claim=claim, cause=cause, now=now)


def _supersede(payment: PaymentLog, *, claim: KeyClaim, cause: Cause, now: datetime) -> PaymentLog:
    """Begin another attempt at the same purchase; the old one stays under watch."""
    with transaction.atomic(durable=True):
        old = _lock_payment(payment.pk)
        reference = new_reference(PAYMENT_PREFIX)
        if old.is_settled:
            return old
        claim.advance("payment_created", resource=reference)
        new = PaymentLog(
            user_id=old.user_id,
            email=old.email,
            reference=reference,
            idempotency_key=old.idempotency_key,
            attempt=old.attempt + 1,
            amount_usd=old.amount_usd,
            currency=old.currency,
            amount_minor=old.amount_minor,
            exchange_rate=old.exchange_rate,
            credit_amount=old.credit_amount,
            next_check_at=now + _FIRST_CHECK,
            created_at=now,
            updated_at=now,
        )
        new.record_birth(cause=cause, now=now)
        old.superseded_by_id = new.pk
        PaymentLog.write([old], now=now)
        new.save()
    return new


def _open_checkout(
    payment: PaymentLog, purchase: Purchase, *, claim: KeyClaim, cause: Cause, now: datetime
) -> PaymentLog:
    try:
        opened = gateway_calls.call_gateway(
            "initialize",
            lambda: transactions.initialize_transaction(
                email=payment.email,
                amount_minor=payment.amount_minor,
                currency=payment.currency,
                reference=payment.reference,
                callback_url=purchase.callback_url,
                channels=purchase.channels,
            ),
            reference=payment.reference,
            payment_id=payment.pk,
            request={"amount_minor": payment.amount_minor, "currency": payment.currency},
            request_id=cause.request_id,
            now=now,
        )
    except DuplicateReferenceError:
        raise
    except GatewayRejectedError as error:
        _fail(payment.pk, error, claim=claim, cause=cause, now=now)
        raise
    return _store_checkout(payment.pk, opened, claim=claim, cause=cause, now=now)


def _store_checkout(
    payment_id: UUID, opened: InitializedTransaction, *, claim: KeyClaim, cause: Cause, now: datetime
) -> PaymentLog:
    """Keep the page; a payment that was paid meanwhile keeps its state."""
    with transaction.atomic(durable=True):
        payment = _lock_payment(payment_id)
        payment.authorization_url = opened.authorization_url
        payment.access_code = opened.access_code
        if payment.state == PaymentState.PENDING:
            payment.start_processing(cause=cause, now=now)
        PaymentLog.write([payment], now=now)
        claim.advance("gateway_called", resource=payment.reference)
    return payment


def _fail(payment_id: UUID, error: GatewayRejectedError, *, claim: KeyClaim, cause: Cause, now: datetime) -> None:
    with transaction.atomic(durable=True):
        payment = _lock_payment(payment_id)
        if payment.state == PaymentState.PENDING:
            payment.fail(code=GatewayRejectedError.code, message=error.detail, cause=cause, now=now)
            payment.next_check_at = None
            PaymentLog.write([payment], now=now)
        claim.advance("gateway_called", resource=payment.reference)


def _lock_payment(payment_id: UUID) -> PaymentLog:
    PaymentLog.objects.select_for_update(no_key=True).filter(pk=payment_id).values_list("pk").get()
    return PaymentLog.objects.get(pk=payment_id)
