"""What staff do about a refund: decide about one that waits, and help one in trouble on."""

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from billing.admin.adjustments import CommentForm, ReasonForm
from namaskah.audit import independence
from namaskah.back_office.action_pages import ActionPage, Fact, Sent
from namaskah.back_office.columns import EMPTY, name_person, show_time
from payments.admin.payment_actions import cause_of
from payments.admin.refund_words import label_refund, show_credits_effect, show_money, show_worth
from payments.lifecycles import RefundState
from payments.models import Refund
from payments.selectors import refunds as selectors
from payments.services import refund_endings, refund_looks, refunds


def list_terms(refund: Refund) -> list[Fact]:
    """Return what was asked for, by whom and why, and what it does."""
    return [
        Fact("To the payer", f"{show_money(refund)} ({show_worth(refund)})"),
        Fact("Credits", show_credits_effect(refund)),
        Fact("Reason", refund.reason),
        Fact("Asked by", name_person(refund.requested_by) if refund.requested_by else "somebody at Paystack"),
        Fact("Asked", show_time(refund.created_at)),
    ]


class _RefundPage(ActionPage):
    """What the actions on a refund share."""

    def find(self, **where: Any) -> Refund:
        """Return the refund."""
        return selectors.get_refund_with_effect(where["refund_id"])

    def describe(self, subject: Refund) -> str:
        """Return its reference."""
        return subject.reference

    def part_of(self, subject: Refund) -> str:
        """Return the reference of its payment."""
        reference: str = subject.payment.reference
        return reference

    def version(self, subject: Refund) -> str:
        """Return its state and how often it changed."""
        return f"{subject.state} {subject.lock_version}"

    def facts(self, subject: Refund) -> Sequence[Fact]:
        """Show what it is about."""
        payment = subject.payment
        return [
            Fact("State", label_refund(subject)),
            Fact("Payment", payment.reference),
            Fact("Customer", f"{payment.user.get_username()} {payment.user.email}"),
            *list_terms(subject),
            Fact("At Paystack", subject.gateway_refund_id or EMPTY),
        ]

    def url_of(self, subject: Refund) -> str:
        """Return the refund's page."""
        return reverse("admin:payments_refund_change", args=[subject.pk])


class _Decision(_RefundPage):
    """What only a second person may."""

    permission = refunds.APPROVE_PERMISSION
    not_now = "This refund does not wait for a decision."

    @classmethod
    def is_offered(cls, subject: Refund) -> bool:
        """Only while it waits."""
        return bool(subject.state == RefundState.AWAITING_APPROVAL)

    @classmethod
    def is_offered_to(cls, by: User, subject: Refund) -> bool:
        """Never to who asked, nor to whose payment it is."""
        return super().is_offered_to(by, subject) and refunds.may_decide(by, subject)

    def explain_refusal(self, by: User, subject: Refund) -> str:
        """Tell those who are no second person beside whoever asked, too."""
        bond = independence.explain_bond(asker=subject.requested_by, decider=by, now=timezone.now())
        return super().explain_refusal(by, subject) or bond


class ApproveRefund(_Decision):
    """Let it go to Paystack."""

    name = "refund.approve"
    route = "<uuid:refund_id>/approve/"
    title = "Approve the refund"
    submit_label = "Approve: the money goes back"
    form_class = CommentForm

    def act(self, subject: Refund, sent: Sent) -> str:
        """Approve it."""
        refunds.approve_refund(
            refund_id=subject.pk, by=sent.by, comment=sent.fields["comment"], cause=cause_of(sent), now=sent.now
        )
        return f"Approved: a worker sends {show_money(subject)} to Paystack within seconds."


class RejectRefund(_Decision):
    """Refuse it."""

    name = "refund.reject"
    route = "<uuid:refund_id>/reject/"
    title = "Reject the refund"
    submit_label = "Reject: the credits are free again"
    takes_away = True
    form_class = ReasonForm

    def act(self, subject: Refund, sent: Sent) -> str:
        """Reject it."""
        refunds.reject_refund(
            refund_id=subject.pk, by=sent.by, reason=sent.fields["comment"], cause=cause_of(sent), now=sent.now
        )
        return "Rejected: no money goes back, and the held credits are free again."


class EndUnsentRefund(_Decision):
    """End one that Paystack never had."""

    name = "refund.end_unsent"
    route = "<uuid:refund_id>/never-sent/"
    title = "End it as never sent"
    submit_label = "Paystack never had it: give the credits back"
    takes_away = True
    form_class = ReasonForm
    not_now = "This refund is none that was looked for at Paystack in vain."

    @classmethod
    def is_offered(cls, subject: Refund) -> bool:
        """Only where it was looked for in vain."""
        return refund_endings.is_lost(subject)

    def act(self, subject: Refund, sent: Sent) -> str:
        """Ask Paystack once more, and end it."""
        refund_endings.end_unsent_refund(
            refund_id=subject.pk, reason=sent.fields["comment"], by=sent.by, cause=cause_of(sent), now=sent.now
        )
        return "Ended: the credits are back, and another refund may be asked for."


class LookAtRefund(_RefundPage):
    """Have Paystack asked now."""

    permission = refund_looks.LOOK_PERMISSION
    name = "refund.look"
    route = "<uuid:refund_id>/look/"
    title = "Ask Paystack now"
    submit_label = "Ask Paystack"
    # It moves no money of itself: it learns what Paystack has done.
    needs_proof = False
    not_now = "Paystack does not have this refund, or is done with it."

    @classmethod
    def is_offered(cls, subject: Refund) -> bool:
        """Only while Paystack has it, or may have it."""
        return subject.state in refund_looks.AT_GATEWAY

    def act(self, subject: Refund, sent: Sent) -> str:
        """Ask, and follow the answer."""
        refund = refund_looks.look_at_refund(refund_id=subject.pk, by=sent.by, cause=cause_of(sent), now=sent.now)
        return f"Paystack was asked. The refund: {label_refund(refund).text.lower()}."
