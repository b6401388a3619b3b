"""Every address of the back office, found where Django finds it, and filled in."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from billing.models import CreditAdjustment, Wallet
from namaskah.api_keys.models import ApiKey
from payments.lifecycles import ReviewReason
from payments.models import PaymentLog, ReconciliationBreak, Refund, ReplayRun, WebhookEvent
from tests.factories.billing import ExchangeRateFactory
from tests.factories.payments import PaymentFactory, WebhookEventFactory
from tests.factories.refunds import ReconciliationBreakFactory, RefundFactory
from tests.factories.rows import MAKE
from tests.factories.users import StaffFactory
from tests.unit.payments.services.reviewing import plant

# Of transactions at Paystack, each of which belongs to one payment.
_NUMBERS = count(1)


def _under_review() -> PaymentLog:
    payment = PaymentFactory(at="failed", amount_paid_minor=1_000_000, gateway_transaction_id=next(_NUMBERS))
    return plant(payment, review_reason=ReviewReason.AMOUNT_MISMATCH)


# What each part of an address stands for.
_SUBJECTS = {
    "wallet_id": Wallet,
    "adjustment_id": CreditAdjustment,
    "key_id": ApiKey,
    "break_id": ReconciliationBreak,
    "user_id": User,
    "payment_id": PaymentLog,
    "refund_id": Refund,
    "run_id": ReplayRun,
    "event_id": WebhookEvent,
}
_TEXTS = {
    "currency": "NGN",
    "uidb64": "MQ",
    "token": "none",
    "app_label": "payments",
    "content_type_id": "1",
    "object_id": "1",
}
# Of members of the staff, where they are managed.
_OF_STAFF = "staff-"
# Rows on which the action is offered, where it is not on those that stand for their kind.
_OFFERED = {
    "payment-verify": lambda: PaymentFactory(at="processing"),
    "review-credit": _under_review,
    "review-dismiss": _under_review,
    "refund-approve": lambda: RefundFactory(state="awaiting_approval", needs_approval=True),
    "refund-reject": lambda: RefundFactory(state="awaiting_approval", needs_approval=True),
    "refund-look": lambda: RefundFactory(state="submitted", gateway_refund_id=1),
    "webhook-dismiss": lambda: WebhookEventFactory(status="dead", next_attempt_at=None),
    "break-hand-back": lambda: ReconciliationBreakFactory(assigned_to=StaffFactory()),
    "staff-reactivate": lambda: StaffFactory(is_superuser=False, is_active=False),
}
# Tests of their own: the short address of a row, and whatever is no address.
_WITHOUT_A_NAME = ("<path:object_id>/", "(?P<url>.*)$")
_OF_MODELS = ("changelist", "export", "add", "history", "delete", "change")


@dataclass(frozen=True)
class Address:
    """An address by the name that it has; one without a name goes by its route."""

    name: str
    pattern: URLPattern

    def fill(self) -> str:
        """Return it with rows that are there."""
        if self.name in _OFFERED:
            (part,) = self.pattern.pattern.converters
            return reverse(f"admin:{self.name}", kwargs={part: _OFFERED[self.name]().pk})
        parts = {part: _fill(part) for part in self.pattern.pattern.converters}
        if self.name.startswith(_OF_STAFF) and parts:
            parts = {"user_id": StaffFactory(is_superuser=False).pk}
        if self.name == "app_list":
            parts = {"app_label": _TEXTS["app_label"]}
        return reverse(f"admin:{self.name}", kwargs=parts)


def list_addresses() -> list[Address]:
    """Return those that belong to no model's usual pages."""
    usual = {name_of(model, page) for model in admin.site._registry for page in _OF_MODELS}
    return [address for address in walk() if address.name not in usual and not address.name.endswith(_WITHOUT_A_NAME)]


def walk() -> Iterator[Address]:
    for pattern in get_resolver().url_patterns:
        if isinstance(pattern, URLResolver) and pattern.app_name == "admin":
            yield from _walk(pattern, "")


def name_of(model: Any, page: str) -> str:
    return f"{model._meta.app_label}_{model._meta.model_name}_{page}"


def _walk(resolver: URLResolver, route: str) -> Iterator[Address]:
    for pattern in resolver.url_patterns:
        whole = f"{route}{pattern.pattern}"
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern, whole)
        else:
            yield Address(pattern.name or whole, pattern)


def _fill(part: str) -> Any:
    if part == "currency":
        # A new rate is held against the one in force.
        return ExchangeRateFactory(currency=_TEXTS[part]).currency
    return MAKE[_SUBJECTS[part]]().pk if part in _SUBJECTS else _TEXTS[part]
