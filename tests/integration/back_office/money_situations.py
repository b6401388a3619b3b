"""Situations in which staff send a form that acts; there may be several of each at once."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from django.urls import reverse
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice

from billing.models import ExchangeRate, Wallet
from payments.admin.replay_many import CHOSEN, UNTIL
from payments.models import PaymentLog, Refund, WebhookEvent
from payments.services import refund_submission
from tests.factories.billing import ExchangeRateFactory, post
from tests.factories.payments import CAUSE
from tests.factories.people import ask
from tests.factories.refunds import ReconciliationBreakFactory, request
from tests.factories.replays import ReplayRunEventFactory, ReplayRunFactory
from tests.factories.users import StaffFactory, UserFactory
from tests.integration.back_office import payment_cases
from tests.unit.payments.services import refunding, reviewing, told_events

# Brings a situation about, and returns the form's address in it.
SetUp = Callable[[Any, Any], str]


def at(address: str, *parts: Any) -> str:
    return reverse(f"admin:{address}", args=parts)


def wallet(_sandbox: Any, _settings: Any) -> str:
    return at("wallet-adjust", Wallet.objects.get(user=post(UserFactory(), amount=Decimal(100)).user).pk)


def wallet_small_threshold(sandbox: Any, settings: Any) -> str:
    settings.MANUAL_CREDIT_APPROVAL_USD = Decimal(5)
    return wallet(sandbox, settings)


def waiting_adjustment(address: str, amount: str) -> SetUp:
    return lambda _sandbox, _settings: at(
        address, ask(post(UserFactory(), amount=Decimal(100)).user, amount, ticket="T-7").pk
    )


def completed(address: str, threshold: Decimal = Decimal(100)) -> SetUp:
    def set_up(sandbox: Any, settings: Any) -> str:
        settings.REFUND_APPROVAL_USD = threshold
        return at(address, payment_cases.completed(sandbox, settings).pk)

    return set_up


def under_review(address: str) -> SetUp:
    return lambda sandbox, _settings: at(address, reviewing.review(sandbox).pk)


def paid_unheard(sandbox: Any, _settings: Any) -> str:
    payment = told_events.buy()
    sandbox.pay(payment.reference, deliveries=0)
    return at("payment-verify", payment.pk)


def refund_of(make: Callable[[Any, Any], PaymentLog], address: str) -> SetUp:
    return lambda sandbox, settings: at(address, Refund.objects.get(payment=make(sandbox, settings)).pk)


def sent_back_unheard(sandbox: Any, settings: Any) -> str:
    refund = request(payment_cases.completed(sandbox, settings), "10")
    refund_submission.submit_refund(refund_id=refund.pk, cause=CAUSE, now=timezone.now())
    refund.refresh_from_db()
    sandbox.move_refund(refund.gateway_refund_id, "processed")
    return at("refund-look", refund.pk)


def lost_refund(sandbox: Any, settings: Any) -> str:
    payment = payment_cases.completed(sandbox, settings)
    refund = request(payment, "10")
    sandbox.script(operation="refund", fault="reset_before_accept")
    refunding.submit(refund)
    for minutes in (1, 6, 36):
        refunding.sync(payment, now=refunding.minutes_later(refund, minutes), due=[refund])
    return at("refund-end-unsent", refund.pk)


def dead(address: str) -> SetUp:
    return lambda sandbox, _settings: at(address, bury(sandbox).pk)


def dead_letters(sandbox: Any, _settings: Any) -> str:
    return f"{at('webhook-replay-many')}?{CHOSEN}={bury(sandbox).pk}&{CHOSEN}={bury(sandbox).pk}"


def all_dead_letters(sandbox: Any, _settings: Any) -> str:
    bury(sandbox)
    return f"{at('webhook-replay-many')}?status__exact=dead&{UNTIL}={quote(timezone.now().isoformat())}"


def bury(sandbox: Any) -> WebhookEvent:
    return told_events.bury(told_events.pay(sandbox, told_events.buy()))


def run(_sandbox: Any, _settings: Any) -> str:
    return at("webhook-replay-stop", ReplayRunEventFactory(run=ReplayRunFactory(total=1)).run_id)


def open_break(address: str) -> SetUp:
    return lambda _sandbox, _settings: at(address, ReconciliationBreakFactory().pk)


def taken_break(_sandbox: Any, _settings: Any) -> str:
    return at("break-hand-back", ReconciliationBreakFactory(assigned_to=StaffFactory()).pk)


def free_break(_sandbox: Any, _settings: Any) -> str:
    return at("break-take", ReconciliationBreakFactory().pk)


def rate(_sandbox: Any, _settings: Any) -> str:
    # The first is for naira, and should there be another, it is for cedis.
    currency, units = ("GHS", "15.5") if ExchangeRate.objects.exists() else ("NGN", "1650")
    ExchangeRateFactory(currency=currency, units_per_usd=Decimal(units), valid_from=timezone.now() - timedelta(hours=1))
    return at("exchange-rate-set", currency)


def account(_sandbox: Any, _settings: Any) -> str:
    UserFactory(username="platform")
    return at("api-key-issue")


def member(address: str, **columns: Any) -> SetUp:
    def set_up(_sandbox: Any, _settings: Any) -> str:
        member = UserFactory(is_staff=True, **columns)
        member.set_password("a password of the staff")
        member.save()
        TOTPDevice.objects.create(user=member, confirmed=True)
        return at(address, member.pk)

    return set_up
