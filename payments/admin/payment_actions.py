"""What staff do about a payment: have Paystack asked, and leave a note. Decisions about it: `payment_decisions`."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.urls import reverse
from unfold.widgets import UnfoldAdminTextareaWidget

from namaskah.audit import notes
from namaskah.back_office.action_pages import ActionPage, Fact, Sent
from namaskah.back_office.columns import EMPTY, show_credits, show_minor
from payments.admin.payment_words import label_payment, label_review, show_money
from payments.lifecycles import TransitionSource
from payments.models import Cause, Dispute, PaymentLog, Refund
from payments.selectors import payments
from payments.services import possibilities, verification


class NoteForm(forms.Form):
    """What colleagues should know."""

    text = forms.CharField(
        max_length=notes.LONGEST_NOTE,
        label="Note",
        help_text="For colleagues; the customer does not see it. It cannot be changed or removed.",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
    )


class PaymentPage(ActionPage):
    """What the actions on a payment share."""

    def find(self, **where: Any) -> PaymentLog:
        """Return the payment."""
        return payments.get_payment_of_id(where["payment_id"])

    def describe(self, subject: PaymentLog) -> str:
        """Return its reference."""
        return subject.reference

    def version(self, subject: PaymentLog) -> str:
        """Return how often the payment, its refunds and its disputes changed."""
        kept = [
            f"{name}{number}"
            for model in (Refund, Dispute)
            for name, number in model.objects.filter(payment=subject)
            .order_by("pk")
            .values_list("state", "lock_version")
        ]
        return " ".join([str(subject.lock_version), *kept])

    def facts(self, subject: PaymentLog) -> Sequence[Fact]:
        """Show what it is about."""
        return [
            Fact("State", label_payment(subject)),
            Fact("Under review", label_review(subject) or EMPTY),
            Fact("Customer", f"{subject.user.get_username()} {subject.user.email}"),
            Fact("Asked for", show_money(subject)),
            Fact("Paid", show_minor(subject.amount_paid_minor, subject.currency)),
        ]

    def url_of(self, subject: PaymentLog) -> str:
        """Return the payment's page."""
        return reverse("admin:payments_paymentlog_change", args=[subject.pk])


class VerifyPayment(PaymentPage):
    """Have Paystack asked now."""

    permission = verification.VERIFY_PERMISSION
    name = verification.VERIFY_ACTION
    route = "<uuid:payment_id>/verify/"
    title = "Verify now"
    submit_label = "Ask Paystack"
    # It moves nothing of itself: what Paystack says would be acted upon anyway.
    needs_proof = False
    not_now = "This payment is settled: Paystack could not tell anything new."

    @classmethod
    def is_offered(cls, subject: PaymentLog) -> bool:
        """While there is anything to learn."""
        return possibilities.can_verify(subject)

    def act(self, subject: PaymentLog, sent: Sent) -> str:
        """Ask, and act on the answer."""
        after = verification.verify_as_operator(
            payment_id=subject.pk, by=sent.by, cause=cause_of(sent), now=sent.now, is_rehearsal=False
        )
        return f"Paystack was asked. {_tell_change(subject, after)}"


class AddPaymentNote(PaymentPage):
    """Leave a note for colleagues."""

    permission = notes.NOTE_PERMISSION
    name = "payment.note"
    route = "<uuid:payment_id>/note/"
    title = "Add a note"
    submit_label = "Keep the note"
    form_class = NoteForm
    needs_proof = False

    def version(self, subject: PaymentLog) -> str:
        """Return nothing: a note is true whatever becomes of the payment."""
        del subject
        return ""

    def act(self, subject: PaymentLog, sent: Sent) -> str:
        """Keep it."""
        notes.add_note(subject=subject.reference, text=sent.fields["text"], key=sent.key, by=sent.by, now=sent.now)
        return "The note is kept, and stands in the timeline."


def cause_of(sent: Sent) -> Cause:
    """Return what stands in the payment's trail beside what is done."""
    return Cause(source=TransitionSource.ADMIN, by=sent.by.get_username(), request_id=sent.request_id)


def _tell_change(before: PaymentLog, after: PaymentLog) -> str:
    """Return what came of asking."""
    if after.credited and not before.credited:
        return f"It was paid: {show_credits(after.credited_amount)} credits were given."
    if after.review_reason and after.review_reason != before.review_reason:
        return "What it says does not fit: the payment is under review now."
    if after.state != before.state:
        return f"The payment: {label_payment(after).text.lower()}."
    return "Nothing has changed."
