"""What staff decide about a payment: how its review ends, and whether money of it goes back."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from django import forms
from django.conf import settings
from django.contrib.auth.models import User
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from namaskah.back_office.action_pages import Fact, Sent
from namaskah.back_office.columns import CARE, Label, show_credits, show_minor
from namaskah.money import CENTS, convert_to_credits
from payments.admin.payment_actions import PaymentPage, cause_of
from payments.lifecycles import RefundState, TransitionSource
from payments.models import PaymentLog
from payments.services import possibilities, refund_offers, refunds, reviews
from payments.services.refunds import RefundRequest

_REFUND_REASONS: Final = (
    "Asked for by the customer",
    "Paid twice",
    "Wrong amount paid",
    "Service not delivered",
    "Suspected fraud",
    "Mistake of ours",
)


class WhyForm(forms.Form):
    """Why it is decided so."""

    note = forms.CharField(
        max_length=300,
        label="Why",
        help_text="For colleagues; it stands beside the decision.",
        widget=UnfoldAdminTextInputWidget(),
    )


class RefundForm(forms.Form):
    """How much is to go back, and why."""

    amount = forms.DecimalField(
        required=False,
        min_value=CENTS,
        max_digits=8,
        decimal_places=2,
        label="Amount in dollars",
        widget=UnfoldAdminDecimalFieldWidget(),
    )
    reason_code = forms.ChoiceField(
        choices=[(reason, reason) for reason in _REFUND_REASONS], label="Reason", widget=UnfoldAdminSelectWidget()
    )
    ticket = forms.CharField(
        max_length=60, help_text="Where the customer asked for it.", widget=UnfoldAdminTextInputWidget()
    )
    note = forms.CharField(
        max_length=180, help_text="For colleagues; the customer does not see it.", widget=UnfoldAdminTextInputWidget()
    )


class _Decision(PaymentPage):
    """What ends a review."""

    permission = reviews.RESOLVE_PERMISSION
    form_class = WhyForm

    @classmethod
    def is_offered_to(cls, by: User, subject: PaymentLog) -> bool:
        """Never to whose payment it is."""
        return super().is_offered_to(by, subject) and reviews.may_decide(by, subject)


class CreditAfterReview(_Decision):
    """Credit what was really paid."""

    name = reviews.CREDIT_ACTION
    route = "<uuid:payment_id>/credit/"
    title = "Credit what was paid"
    submit_label = "Ask Paystack and credit it"
    not_now = "This payment is not under review, or its money is going back."

    @classmethod
    def is_offered(cls, subject: PaymentLog) -> bool:
        """While its amount is in doubt and its money stays."""
        return possibilities.can_credit(subject)

    def facts(self, subject: PaymentLog) -> Sequence[Fact]:
        """Show what it comes to."""
        worth = convert_to_credits(subject.amount_paid_minor or 0, exchange_rate=subject.exchange_rate)
        return [
            *super().facts(subject),
            Fact("Worth at most", f"{show_credits(worth)} credits, at the payment's rate"),
            Fact(
                "What happens", "Paystack is asked anew, and what it calls paid is credited, without the payer's fees."
            ),
        ]

    def act(self, subject: PaymentLog, sent: Sent) -> str:
        """Credit it."""
        after = reviews.credit_after_review(
            payment_id=subject.pk, note=sent.fields["note"], by=sent.by, cause=cause_of(sent), now=sent.now
        )
        return f"{show_credits(after.credited_amount)} credits were given; the review is ended."


class DismissReview(_Decision):
    """End a review without moving money."""

    name = reviews.DISMISS_ACTION
    route = "<uuid:payment_id>/dismiss/"
    title = "Dismiss the review"
    submit_label = "Leave everything as it is"
    takes_away = True
    not_now = "This payment is not under review."

    @classmethod
    def is_offered(cls, subject: PaymentLog) -> bool:
        """While it is under review."""
        return possibilities.can_dismiss(subject)

    def facts(self, subject: PaymentLog) -> Sequence[Fact]:
        """Say that nothing moves."""
        told = "No credits and no money move. The same finding does not ask for another review."
        return [*super().facts(subject), Fact("What happens", told)]

    def act(self, subject: PaymentLog, sent: Sent) -> str:
        """Dismiss it."""
        reviews.dismiss_review(
            payment_id=subject.pk, note=sent.fields["note"], by=sent.by, cause=cause_of(sent), now=sent.now
        )
        return "The review is dismissed; no credits have moved."


class RefundPayment(PaymentPage):
    """Send money back, all of it or a part."""

    permission = refunds.REQUEST_PERMISSION
    name = "refund.request"
    route = "<uuid:payment_id>/refund/"
    title = "Refund"
    submit_label = "Send it back, or ask for approval"
    takes_away = True
    form_class = RefundForm

    @classmethod
    def is_offered(cls, subject: PaymentLog) -> bool:
        """While money of it is here that nobody claims."""
        return possibilities.can_refund(subject)

    @classmethod
    def is_offered_to(cls, by: User, subject: PaymentLog) -> bool:
        """Never to whose payment it is."""
        return super().is_offered_to(by, subject) and not refunds.is_own(subject, by=by, source=TransitionSource.ADMIN)

    def explain_refusal(self, by: User, subject: PaymentLog) -> str:
        """Return what stands in the way of a refund."""
        return possibilities.find_refund_obstacle(subject) or super().explain_refusal(by, subject)

    def version(self, subject: PaymentLog) -> str:
        """Return what can be refunded too: the customer may spend the credits meanwhile."""
        return f"{super().version(subject)} {refund_offers.find_offer(subject).most_usd}"

    def facts(self, subject: PaymentLog) -> Sequence[Fact]:
        """Show how much can go back, what stands in the way, and when a colleague decides."""
        offer = refund_offers.find_offer(subject)
        facts = [
            *super().facts(subject),
            Fact(
                "Left to refund",
                f"{show_credits(offer.left_usd)} USD, {show_minor(offer.left_minor, subject.currency)}",
            ),
            Fact("At most now", f"{show_credits(offer.most_usd)} USD"),
        ]
        if offer.spent:
            facts.append(Fact("Spent", Label(f"{show_credits(offer.spent)} credits are spent or held", CARE)))
        threshold = show_credits(settings.REFUND_APPROVAL_USD)
        approval = (
            f"Above {threshold} USD, alone or with what you sent back and adjusted alone within 24 hours and what "
            "anybody sent back alone of this payment, a colleague decides. The credits are held meanwhile."
        )
        return [*facts, Fact("Approval", approval)]

    def make_form(self, subject: PaymentLog, data: Any = None) -> forms.Form:
        """Say what an empty amount means."""
        form = super().make_form(subject, data)
        left = show_credits(refund_offers.find_offer(subject).left_usd)
        form.fields["amount"].help_text = f"Leave it empty for all that is left: {left}."
        return form

    def act(self, subject: PaymentLog, sent: Sent) -> str:
        """Ask for the refund."""
        amount: Decimal | None = sent.fields["amount"]
        request = RefundRequest(
            payment_id=subject.pk,
            amount_usd=amount,
            reason=f"{sent.fields['reason_code']} ({sent.fields['ticket']}): {sent.fields['note']}",
            idempotency_key=sent.key,
        )
        refund = refunds.request_refund(request=request, by=sent.by, cause=cause_of(sent), now=sent.now)
        money = show_minor(refund.amount_minor, subject.currency)
        if refund.state == RefundState.AWAITING_APPROVAL:
            return f"{refund.reference} of {money} waits for a colleague's approval; the credits are held."
        return f"{refund.reference}: a worker sends {money} to Paystack within seconds."
