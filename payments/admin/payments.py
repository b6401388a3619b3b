"""Payments: the list by which one is found, and the page that tells everything about one."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html_join
from unfold.decorators import display

from billing.admin.cases import link_to_customer, link_to_payment, link_to_wallet
from billing.selectors import wallets
from namaskah.audit.looks import record_look
from namaskah.back_office.action_pages import ActionPage, Fact, get_member
from namaskah.back_office.columns import (
    EMPTY,
    keep_together,
    show_credits,
    show_label,
    show_minor,
    show_short_reference,
    show_time,
)
from namaskah.back_office.object_pages import ObjectPage, Offer
from payments.admin import payment_tables
from payments.admin.payment_actions import AddPaymentNote, VerifyPayment
from payments.admin.payment_decisions import CreditAfterReview, DismissReview, RefundPayment
from payments.admin.payment_filters import BegunFilter, CurrencyFilter, DeadLetterFilter, ReviewFilter, StateFilter
from payments.admin.payment_words import (
    DEAD_LETTER,
    label_payment,
    label_review,
    link_to_event,
    link_to_paystack,
    show_money,
    tell,
)
from payments.admin.replay_actions import ReplayEvent
from payments.models import PaymentLog
from payments.selectors import payment_lists
from payments.services import explanations, reported_money
from payments.services.timelines import VIEW_ACTION


@admin.register(PaymentLog)
class PaymentLogAdmin(ObjectPage):
    """Every purchase, the newest first."""

    list_display = [
        "shown_reference",
        "shown_state",
        "shown_dollars",
        "shown_amount",
        "shown_customer",
        "shown_email",
        "shown_created",
        "shown_trouble",
    ]
    # Always the newest first: no index serves any other order.
    sortable_by = ()
    ordering = ["-created_at", "-id"]
    # The dashboard's.
    linked_lookups = frozenset(
        {"credited__exact", "state__in", "error_code__exact", "created_at__gte", "review_reason__gt"}
    )
    list_filter = [StateFilter, BegunFilter, CurrencyFilter, ReviewFilter, DeadLetterFilter]
    list_select_related = ["user"]
    # What each word means, is for `payment_lists.search_payments` to say.
    search_fields = ["reference"]
    search_help_text = payment_lists.SEARCH_HELP
    exported_too = (
        "review_reason",
        "has_dead_letter",
        "credited_amount",
        "amount_paid_minor",
        "gateway_transaction_id",
        "error_code",
    )
    empty_sentence = "Nobody has begun a purchase yet."
    page_template = "back_office/object.html"
    action_pages: ClassVar[Sequence[type[ActionPage]]] = [
        VerifyPayment,
        CreditAfterReview,
        RefundPayment,
        DismissReview,
        AddPaymentNote,
    ]

    @display(description="Reference", ordering="reference")
    def shown_reference(self, payment: PaymentLog) -> str:
        """Return what it is called here and at Paystack."""
        return show_short_reference(payment.reference)

    @display(description="State", ordering="state")
    def shown_state(self, payment: PaymentLog) -> str:
        """Where it stands."""
        return show_label(label_payment(payment))

    @display(description="Dollars", ordering="amount_usd")
    def shown_dollars(self, payment: PaymentLog) -> str:
        """Return what the credits cost."""
        return show_credits(payment.amount_usd)

    @display(description="At Paystack", ordering="amount_minor")
    def shown_amount(self, payment: PaymentLog) -> str:
        """Return what Paystack was to charge."""
        return keep_together(show_minor(payment.amount_minor, payment.currency))

    @display(description="Customer", ordering="user__username")
    def shown_customer(self, payment: PaymentLog) -> str:
        """Whose it is."""
        return payment.user.get_username()

    @display(description="E-mail", ordering="email")
    def shown_email(self, payment: PaymentLog) -> str:
        """Where Paystack's receipt goes."""
        return payment.email

    @display(description="Begun", ordering="created_at")
    def shown_created(self, payment: PaymentLog) -> str:
        """How long ago it was begun."""
        return show_time(payment.created_at)

    @display(description="Needs a person")
    def shown_trouble(self, payment: Any) -> str:
        """Tell why it is under review, and whether an event about it is a dead letter."""
        review = label_review(payment)
        labels = [review] if review else []
        if payment.has_dead_letter:
            labels.append(DEAD_LETTER)
        return format_html_join(" ", "{}", ((show_label(label),) for label in labels)) or EMPTY

    def get_queryset(self, request: HttpRequest) -> QuerySet[PaymentLog]:
        """Read each payment with whether it has a dead letter."""
        return payment_lists.with_dead_letters(super().get_queryset(request).select_related("user"))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[PaymentLog], search_term: str
    ) -> tuple[QuerySet[PaymentLog], bool]:
        """Search by what an index serves."""
        del request
        return (payment_lists.search_payments(queryset, search_term) if search_term.strip() else queryset), False

    def list_offers(self, request: HttpRequest, row: PaymentLog) -> list[Offer]:
        """Offer to replay the event that waits for a person too, on that event's own form."""
        offers = super().list_offers(request, row)
        event = explanations.find_stuck_event(row)
        if event is not None and ReplayEvent.is_offered_to(get_member(request), event):
            offers.insert(0, Offer("Replay its event", ReplayEvent.address_of(event)))
        return offers

    def describe(self, request: HttpRequest, row: PaymentLog) -> dict[str, Any]:
        """Tell everything about it, and write down who looked."""
        by = get_member(request)
        record_look(by=by, action=VIEW_ACTION, subject=row.reference, now=timezone.now())
        story = explanations.explain_payment(row)
        may_see_event = by.has_perm("payments.view_webhookevent")
        return {
            "title": f"Payment {row.reference}",
            "facts": [*_list_money(row), *_list_people(request, row), *_list_times(row)],
            "explanation": link_to_event(story.conclusion, story.event_id) if may_see_event else story.conclusion,
            "moments": tell(story.moments),
            "tables": payment_tables.list_tables(row, by=by),
        }


def _list_money(payment: Any) -> Iterator[Fact]:
    yield Fact("State", label_payment(payment))
    review = label_review(payment)
    if review:
        yield Fact("Under review", review)
    if payment.has_dead_letter:
        yield Fact("Webhook events", DEAD_LETTER)
    yield Fact("Money", show_money(payment))
    yield Fact("Exchange rate", f"{payment.exchange_rate.normalize():,f} {payment.currency} per dollar")
    yield Fact("Credited", f"{show_credits(payment.credited_amount)} credits" if payment.credited else "nothing")
    yield Fact("Paid", _show_paid(payment))
    if payment.amount_refunded_minor:
        yield Fact("Sent back", show_minor(payment.amount_refunded_minor, payment.currency))
    yield Fact("Transaction at Paystack", link_to_paystack(payment) or EMPTY)


def _show_paid(payment: PaymentLog) -> str:
    if payment.amount_paid_minor is None:
        return reported_money.tell_reported(payment).rstrip(".") or "nothing, as far as we know"
    told = [show_minor(payment.amount_paid_minor, payment.currency)]
    if payment.payment_method:
        told.append(f"by {payment.payment_method.replace('_', ' ')}")
    if payment.gateway_fee_minor is not None:
        told.append(f"of which Paystack kept {show_minor(payment.gateway_fee_minor, payment.currency)}")
    return ", ".join(told)


def _list_people(request: HttpRequest, payment: PaymentLog) -> Iterator[Fact]:
    may = get_member(request).has_perm
    name = payment.user.get_username()
    yield Fact("Customer", link_to_customer(payment.user) if may("auth.view_user") else name)
    yield Fact("E-mail", payment.email)
    wallet = wallets.find_wallet(user=payment.user) if may("billing.view_wallet") else None
    if wallet:
        yield Fact("Wallet", link_to_wallet(wallet.pk, f"{show_credits(wallet.available)} credits available"))
    if payment.attempt > 1 or payment.superseded_by_id:
        attempts = PaymentLog.objects.filter(user_id=payment.user_id, idempotency_key=payment.idempotency_key)
        for other in attempts.exclude(pk=payment.pk).order_by("attempt"):
            yield Fact(f"Attempt {other.attempt} at this purchase", link_to_payment(other.pk, other.reference))


def _list_times(payment: PaymentLog) -> Iterator[Fact]:
    yield Fact("Begun", show_time(payment.created_at))
    yield Fact("Paid at", show_time(payment.paid_at))
    if payment.next_check_at:
        yield Fact("Paystack is asked next", show_time(payment.next_check_at))
    if payment.error_code:
        yield Fact("Error", f"{payment.error_code}: {payment.error_message}".rstrip(": "))
