"""What the staff find payments by; each way is served by an index of its own, however many payments there are."""

import re
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Lower

from namaskah.identifiers import PAYMENT_PREFIX, REFUND_PREFIX, is_reference
from namaskah.money import SUBUNITS
from payments.lifecycles import EventStatus
from payments.models import PaymentLog, Refund, WebhookEvent

SEARCH_HELP: Final = "reference or its beginning, refund, e-mail, username, Paystack's id, 25.00, or 41,250 NGN"
_REFERENCE: Final = re.compile(rf"{PAYMENT_PREFIX}[0-9a-z]{{0,36}}", re.ASCII)
# Paystack's ids of transactions are this long at least, and no purchase is so large.
_GATEWAY_ID: Final = re.compile(r"[0-9]{7,18}", re.ASCII)
_AMOUNT: Final = re.compile(r"(?:([A-Z]{3}) |\$)?([0-9][0-9,]{0,15}(?:\.[0-9]{1,2})?)(?: ([A-Z]{3}))?", re.ASCII)
_IDENTIFIER: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


def search_payments(payments: QuerySet[PaymentLog], text: str) -> QuerySet[PaymentLog]:
    """Narrow to what `text` means: a reference or its beginning, an e-mail, a username, an id, or an amount.

    A refund's reference and the id of an event of ours lead to their payment.
    An amount alone is in dollars; with a currency, as in `41,250 NGN`, it is what Paystack was to charge.
    """
    wanted = text.strip()
    if not wanted or "\x00" in wanted:
        return payments.none()
    if _REFERENCE.fullmatch(wanted.lower()):
        return payments.filter(reference__startswith=wanted.lower())
    if is_reference(wanted.lower(), prefix=REFUND_PREFIX):
        return payments.filter(pk__in=Refund.objects.filter(reference=wanted.lower()).values("payment_id"))
    meant = _read(wanted)
    user_id = User.objects.filter(username=wanted).values_list("pk", flat=True).first()
    if user_id is not None:
        meant |= Q(user_id=user_id)
    return payments.alias(email_key=Lower("email")).filter(meant) if meant else payments.none()


def with_dead_letters(payments: QuerySet[PaymentLog]) -> QuerySet[PaymentLog]:
    """Add to each payment whether an event of it is a dead letter, as `has_dead_letter`."""
    dead = WebhookEvent.objects.filter(reference=OuterRef("reference"), status=EventStatus.DEAD)
    return payments.annotate(has_dead_letter=Exists(dead))


def having_dead_letters(payments: QuerySet[PaymentLog]) -> QuerySet[PaymentLog]:
    """Narrow to payments of which an event is a dead letter; from the few dead letters to their payments."""
    dead = WebhookEvent.objects.filter(status=EventStatus.DEAD).exclude(reference="")
    return payments.filter(reference__in=dead.values("reference"))


def _read(text: str) -> Q:
    """Return what the text may mean beside a username; an empty condition if nothing."""
    if "@" in text:
        return Q(email_key=Lower(Value(text)))
    if _IDENTIFIER.fullmatch(text.lower()):
        of_event = WebhookEvent.objects.filter(pk=UUID(text)).exclude(reference="").values_list("reference", flat=True)
        return Q(pk=UUID(text)) | Q(reference__in=list(of_event))
    if _GATEWAY_ID.fullmatch(text):
        return Q(gateway_transaction_id=int(text))
    amount = _AMOUNT.fullmatch(text.upper())
    return _read_amount(amount) if amount else Q()


def _read_amount(found: re.Match[str]) -> Q:
    before, digits, after = found.groups()
    amount = Decimal(digits.replace(",", ""))
    currency = before or after
    return Q(currency=currency, amount_minor=int(amount * SUBUNITS)) if currency else Q(amount_usd=amount)
