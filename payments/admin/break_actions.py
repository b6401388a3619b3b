"""What staff do about a difference between the books: take it, hand it back, or let it be."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.urls import reverse
from unfold.widgets import UnfoldAdminTextareaWidget

from namaskah.back_office.action_pages import ActionPage, Fact, Sent
from payments.admin.break_words import STATES, list_sides
from payments.lifecycles import BreakState
from payments.models import ReconciliationBreak
from payments.services import breaks


class DismissForm(forms.Form):
    """Why it is let be."""

    reason = forms.CharField(
        max_length=300,
        help_text="How it was settled. No run brings it up again while both sides say the same.",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
    )


class _BreakPage(ActionPage):
    """What the actions on a break share."""

    permission = breaks.DISMISS_PERMISSION
    # None moves money or gives rights.
    needs_proof = False
    not_now = "This break is closed."

    @classmethod
    def is_offered(cls, subject: ReconciliationBreak) -> bool:
        """Only while it is open."""
        return subject.state == BreakState.OPEN

    def find(self, **where: Any) -> ReconciliationBreak:
        """Return the break."""
        rows = ReconciliationBreak.objects.select_related("payment", "assigned_to")
        found = rows.filter(pk=where["break_id"]).first()
        if found is None:
            raise breaks.BreakNotFoundError("There is no such break.")
        return found

    def describe(self, subject: ReconciliationBreak) -> str:
        """Return what the books differ about."""
        return subject.subject

    def version(self, subject: ReconciliationBreak) -> str:
        """Return its state, what both sides say, and who works on it."""
        return f"{subject.pk} {subject.state} {subject.ours} {subject.theirs} {subject.assigned_to_id}"

    def facts(self, subject: ReconciliationBreak) -> Sequence[Fact]:
        """Show both sides."""
        return [Fact("State", STATES[BreakState(subject.state)]), *list_sides(subject)]

    def url_of(self, subject: ReconciliationBreak) -> str:
        """Return the break's page."""
        return reverse("admin:payments_reconciliationbreak_change", args=[subject.pk])


class TakeBreak(_BreakPage):
    """Say that one works on it."""

    name = "break.take"
    route = "<uuid:break_id>/take/"
    title = "Take the break"
    submit_label = "I work on it"
    not_you = "You work on it already."

    @classmethod
    def is_offered_to(cls, by: User, subject: ReconciliationBreak) -> bool:
        """To whoever does not work on it yet; from a colleague too, who may be away."""
        return super().is_offered_to(by, subject) and subject.assigned_to_id != by.pk

    def act(self, subject: ReconciliationBreak, sent: Sent) -> str:
        """Take it."""
        breaks.take_break(break_id=subject.pk, by=sent.by)
        return "You work on it now; the list shows your name beside it."


class HandBackBreak(_BreakPage):
    """Say that nobody works on it any more."""

    name = "break.hand_back"
    route = "<uuid:break_id>/hand-back/"
    title = "Hand the break back"
    submit_label = "Nobody works on it any more"
    not_now = "This break is closed, or nobody works on it."

    @classmethod
    def is_offered(cls, subject: ReconciliationBreak) -> bool:
        """Only while somebody works on it; a colleague may be away, so to others too."""
        return super().is_offered(subject) and subject.assigned_to_id is not None

    def act(self, subject: ReconciliationBreak, sent: Sent) -> str:
        """Hand it back."""
        breaks.hand_back_break(break_id=subject.pk, by=sent.by)
        return "Handed back: nobody works on it now."


class DismissBreak(_BreakPage):
    """Let it be."""

    name = "break.dismiss"
    route = "<uuid:break_id>/dismiss/"
    title = "Dismiss the break"
    submit_label = "Dismiss it"
    takes_away = True
    form_class = DismissForm

    def act(self, subject: ReconciliationBreak, sent: Sent) -> str:
        """Dismiss it."""
        breaks.dismiss_break(break_id=subject.pk, by=sent.by, reason=sent.fields["reason"], now=sent.now)
        return "Dismissed: no run brings it up again while both sides say the same."
