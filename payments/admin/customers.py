"""Customers: who they are, and all that is theirs; and the staff, whose accounts are of the same kind."""

from collections.abc import Sequence
from typing import Any, ClassVar, Final

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from unfold.decorators import display

from billing.admin.wallets import AdjustCustomer
from billing.selectors import wallets
from namaskah.api_keys.admin import IssueKey
from namaskah.audit import notes
from namaskah.audit.looks import record_look
from namaskah.back_office import second_factor
from namaskah.back_office.action_pages import ActionPage, Fact, Sent, get_member
from namaskah.back_office.columns import EMPTY, link, show_credits, show_label, show_time
from namaskah.back_office.list_actions import ListAction
from namaskah.back_office.object_pages import ObjectPage, Offer
from namaskah.errors import NotFoundError
from payments.admin.customer_tables import list_tables, subject_of
from payments.admin.customer_words import label_account, label_role
from payments.admin.payment_actions import NoteForm
from payments.admin.staff_actions import STAFF_ACTIONS, AddMember

VIEW_ACTION: Final = "customer.view"


class CustomerNotFoundError(NotFoundError):
    """There is no such account."""


class AddNote(ActionPage):
    """Write a note about a customer."""

    permission = notes.NOTE_PERMISSION
    name = "customer.note"
    route = "<int:user_id>/note/"
    title = "Add a note"
    submit_label = "Keep the note"
    form_class = NoteForm
    needs_proof = False

    def find(self, **where: Any) -> User:
        """Return the customer."""
        user = User.objects.filter(pk=where["user_id"]).first()
        if user is None:
            raise CustomerNotFoundError("There is no such account.")
        return user

    def describe(self, subject: User) -> str:
        """Return the username."""
        return subject.get_username()

    def version(self, subject: User) -> str:
        """Return nothing: a note replaces none."""
        del subject
        return ""

    def facts(self, subject: User) -> Sequence[Fact]:
        """Show whom it is about."""
        return [Fact("Customer", f"{subject.get_username()} {subject.email}")]

    def url_of(self, subject: User) -> str:
        """Return the customer's page."""
        return reverse("admin:auth_user_change", args=[subject.pk])

    def act(self, subject: User, sent: Sent) -> str:
        """Keep it."""
        notes.add_note(subject=subject_of(subject), text=sent.fields["text"], key=sent.key, by=sent.by, now=sent.now)
        return "The note is kept."


@admin.register(User)
class CustomerAdmin(ObjectPage):
    """Everybody with an account: customers, API clients and staff."""

    list_display = ["username", "email", "shown_role", "shown_account", "shown_joined", "shown_log_in"]
    list_filter = ["is_staff", "is_active"]
    # By the beginning, whatever the case: that has indexes (namaskah.back_office.migrations).
    search_fields = ["^username", "^email"]
    search_help_text = "The beginning of a username or of an e-mail address"
    ordering = ["-id"]
    empty_sentence = "Nobody has an account."
    page_template = "back_office/object.html"
    list_actions: ClassVar[Sequence[type[ListAction]]] = [AddMember]
    action_pages: ClassVar[Sequence[type[ActionPage]]] = [AddNote, AdjustCustomer, *STAFF_ACTIONS]

    @display(description="What")
    def shown_role(self, user: User) -> str:
        """Whether it is a customer or a member of the staff."""
        return show_label(label_role(user))

    @display(description="Account", ordering="is_active")
    def shown_account(self, user: User) -> str:
        """Whether it lets anybody in."""
        return show_label(label_account(user))

    @display(description="Since", ordering="date_joined")
    def shown_joined(self, user: User) -> str:
        """How long ago the account was made."""
        return show_time(user.date_joined)

    @display(description="Last log-in", ordering="last_login")
    def shown_log_in(self, user: User) -> str:
        """How long ago somebody logged in here."""
        return show_time(user.last_login)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """Read accounts with their roles."""
        users: QuerySet[User] = super().get_queryset(request).prefetch_related("groups")
        return users

    def list_offers(self, request: HttpRequest, row: User) -> list[Offer]:
        """Offer to issue a key too, on the page that lists keys."""
        offers = super().list_offers(request, row)
        if IssueKey.is_offered_to(get_member(request), IssueKey.makes):
            address = f"{IssueKey.address_of()}?{urlencode({'account': row.get_username()})}"
            offers.insert(1, Offer(IssueKey.title, address))
        return offers

    def describe(self, request: HttpRequest, row: User) -> dict[str, Any]:
        """Show who it is, what they have, and all that is theirs, and write down who looked."""
        viewer = get_member(request)
        record_look(by=viewer, action=VIEW_ACTION, subject=row.get_username(), now=timezone.now())
        facts = [
            Fact("E-mail", row.email or EMPTY),
            Fact("What", label_role(row)),
            Fact("Account", label_account(row)),
            Fact("Since", show_time(row.date_joined)),
            *(_describe_wallet(row) if viewer.has_perm("billing.view_wallet") else []),
            *(_describe_member(row) if viewer.is_superuser and row.is_staff else []),
        ]
        return {"title": row.get_username(), "facts": facts, "tables": list_tables(row, viewer=viewer)}


def _describe_wallet(user: User) -> list[Fact]:
    wallet = wallets.find_wallet(user=user)
    if wallet is None:
        return [Fact("Wallet", "None yet: nothing was ever credited.")]
    return [
        Fact("Wallet", link("Balance and ledger", reverse("admin:billing_wallet_change", args=[wallet.pk]))),
        Fact("Balance", show_credits(wallet.balance)),
        Fact("Held", show_credits(wallet.held)),
        Fact("Available", show_credits(wallet.available)),
    ]


def _describe_member(user: User) -> list[Fact]:
    beside = sorted(user.get_user_permissions())
    return [
        Fact("Last log-in", show_time(user.last_login) if user.last_login else "never"),
        Fact("Password", "set" if user.has_usable_password() else "not set yet: a link to set one was handed over"),
        Fact("Second factor", "set up" if second_factor.has_device(user) else "not set up yet"),
        *([Fact("May besides", ", ".join(beside))] if beside else []),
    ]
