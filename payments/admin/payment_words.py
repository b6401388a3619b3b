"""How payments are told on pages: their state, their money, why they are under review, and their story."""

import re
from typing import Final
from uuid import UUID

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from namaskah.back_office.columns import (
    BAD,
    BUSY,
    CARE,
    GOOD,
    QUIET,
    Label,
    Moment,
    as_sentence,
    link,
    show_credits,
    show_minor,
)
from payments.lifecycles import PaymentState, ReviewReason
from payments.models import PaymentLog
from payments.services import moments
from payments.services.explanations import REVIEWS
from payments.services.moments import Tone

STATES: Final = {
    PaymentState.PENDING: Label("Pending", QUIET, "Begun; the payer has no page yet on which to pay."),
    PaymentState.PROCESSING: Label("Processing", BUSY, "The payer has a page on which to pay."),
    PaymentState.COMPLETED: Label("Completed", GOOD, "It was paid, and the credits were given."),
    PaymentState.FAILED: Label("Failed", BAD, "It was not paid; should it be paid late, it is credited then."),
    PaymentState.REFUNDED: Label("Refunded", CARE, "All of its money went back."),
}
DEAD_LETTER: Final = Label("Dead letter", BAD, "An event about it failed at every attempt and waits for a person.")
_TONES: Final = {Tone.GOOD: GOOD, Tone.BUSY: BUSY, Tone.CARE: CARE, Tone.BAD: BAD, Tone.QUIET: QUIET}
_CODE: Final = re.compile(r"\b[a-z]+(_[a-z]+)+\b")
_TRANSACTION_URL: Final = "https://dashboard.paystack.com/#/transactions/{}"


def label_payment(payment: PaymentLog) -> Label:
    """Return its state as a coloured word."""
    return STATES[PaymentState(payment.state)]


def label_review(payment: PaymentLog) -> Label | None:
    """Return why a person must look at it, or None."""
    if not payment.review_reason:
        return None
    reason = ReviewReason(payment.review_reason)
    return Label(as_sentence(reason.label), CARE, REVIEWS[reason][0].upper() + REVIEWS[reason][1:] + ".")


def show_money(payment: PaymentLog) -> str:
    """Return what was asked for, in both currencies."""
    return f"{show_credits(payment.amount_usd)} USD as {show_minor(payment.amount_minor, payment.currency)}"


def tell(story: list[moments.Moment]) -> list[Moment]:
    """Return the story as the timeline shows it: codes in words."""
    return [
        Moment(told.at, told.title, _TONES[told.tone], _in_words(told.detail), told.who, told.why) for told in story
    ]


def _in_words(detail: str) -> str:
    return _CODE.sub(lambda code: code[0].replace("_", " "), detail)


def link_to_paystack(payment: PaymentLog) -> SafeString | None:
    """Return a link to the transaction on Paystack's own dashboard, if it is known there."""
    if payment.gateway_transaction_id is None:
        return None
    return format_html(
        '{} &middot; <a href="{}" target="_blank" rel="noopener noreferrer" '
        'class="text-primary-600 dark:text-primary-400 underline">Open in Paystack</a>',
        payment.gateway_transaction_id,
        _TRANSACTION_URL.format(payment.gateway_transaction_id),
    )


def link_to_event(told: str, event_id: UUID | None) -> str | SafeString:
    """Return what is told with the event's id in it as a link to the event's page."""
    before, found, after = told.partition(str(event_id)) if event_id else (told, "", "")
    if not found:
        return told
    return format_html(
        "{}{}{}", before, link(found, reverse("admin:payments_webhookevent_change", args=[found])), after
    )
