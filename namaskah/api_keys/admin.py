"""API keys: who has which, issuing one, and ending one."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar, Final

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from unfold.decorators import display
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from namaskah.api_keys import services
from namaskah.api_keys.models import ApiKey
from namaskah.back_office.action_pages import ActionPage, Fact, Sent
from namaskah.back_office.columns import BAD, EMPTY, GOOD, QUIET, Label, link, show_label, show_time
from namaskah.back_office.filters import ChoiceFilter
from namaskah.back_office.list_actions import ListAction, ShownOnce
from namaskah.back_office.object_pages import ObjectPage
from namaskah.errors import NotFoundError

_MOST_DAYS: Final = 3650


class OwnerNotFoundError(NotFoundError):
    """There is no account of that name."""


class ApiKeyNotFoundError(NotFoundError):
    """There is no such key."""


def label_key(api_key: ApiKey) -> Label:
    """Return whether the key opens anything now."""
    if api_key.revoked_at is not None:
        return Label("Revoked", BAD, "It opens nothing any more.")
    if not api_key.is_usable:
        return Label("Expired", QUIET, "Its time is over: it opens nothing.")
    return Label("Open", GOOD, "It opens the API, as long as its account is active.")


class IssueForm(forms.Form):
    """Whose key, and what for."""

    username = forms.CharField(
        max_length=150,
        label="Account",
        help_text=(
            "The username of the account whose rights the key has. Accounts that may do more than buy for themselves,"
            " such as the platform's own and those of the staff, get theirs in a shell alone."
        ),
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
    )
    name = forms.CharField(
        max_length=100, label="What it is for", widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"})
    )
    expires_days = forms.IntegerField(
        min_value=1,
        max_value=_MOST_DAYS,
        required=False,
        label="Days until it ends",
        help_text="Leave it empty for a key without an end.",
        widget=UnfoldAdminIntegerFieldWidget(),
    )


class IssueKey(ShownOnce, ListAction):
    """Issue a key; its secret stands on the page that answers, once."""

    permission = services.ISSUE_PERMISSION
    name = "api_key.issue"
    route = "issue/"
    title = "Issue an API key"
    submit_label = "Issue the key"
    form_class = IssueForm
    makes = "a new key"
    list_url_name = "admin:api_keys_apikey_changelist"
    once_title = "The new API key"
    once_note = "Hand it to whoever is going to use it, by a way that others do not read."

    def version(self, subject: Any) -> str:
        """Return which key is the newest: two forms about the same errand shall not issue two."""
        del subject
        newest = _find_newest()
        return str(newest.pk) if newest else "none"

    def facts(self, subject: Any) -> Sequence[Fact]:
        """Show the newest key, which may be the one that is wanted."""
        del subject
        newest = _find_newest()
        if newest is None:
            return ()
        return [
            Fact("Issued last", f"{newest} of {newest.user.get_username()}"),
            Fact("When", show_time(newest.created)),
        ]

    def make_form(self, subject: Any, data: Any = None) -> forms.Form:
        """Fill in the account that the page was opened for."""
        del subject
        return IssueForm(data, initial={"username": self.request.GET.get("account", "")[:150]})

    def act(self, subject: Any, sent: Sent) -> str:
        """Issue it, and return its secret."""
        del subject
        user = User.objects.filter(username=sent.fields["username"]).first()
        if user is None:
            raise OwnerNotFoundError(f"There is no account {sent.fields['username']}.")
        days = sent.fields["expires_days"]
        _, secret = services.issue_api_key(
            user=user,
            name=sent.fields["name"],
            expires_in=None if days is None else timedelta(days=days),
            by=sent.by,
            now=sent.now,
            key=sent.key,
        )
        return secret


def _find_newest() -> ApiKey | None:
    newest: ApiKey | None = ApiKey.objects.select_related("user").order_by("-created", "-id").first()
    return newest


class RevokeForm(forms.Form):
    """Why it ends."""

    reason = forms.CharField(max_length=300, label="Why", widget=UnfoldAdminTextInputWidget())


class RevokeKey(ActionPage):
    """End a key for good."""

    permission = services.REVOKE_PERMISSION
    name = "api_key.revoke"
    route = "<uuid:key_id>/revoke/"
    title = "Revoke"
    submit_label = "Revoke it for good"
    takes_away = True
    form_class = RevokeForm
    not_now = "This key was revoked before."

    @classmethod
    def is_offered(cls, subject: ApiKey) -> bool:
        """Offer it until it is done; an expired key too, for its time says nothing of a leak."""
        return subject.revoked_at is None

    def find(self, **where: Any) -> ApiKey:
        """Return the key."""
        api_key: ApiKey | None = ApiKey.objects.select_related("user").filter(pk=where["key_id"]).first()
        if api_key is None:
            raise ApiKeyNotFoundError("There is no such API key.")
        return api_key

    def describe(self, subject: ApiKey) -> str:
        """Return the key's name and last characters."""
        return str(subject)

    def version(self, subject: ApiKey) -> str:
        """Return when it was revoked."""
        return str(subject.revoked_at)

    def facts(self, subject: ApiKey) -> Sequence[Fact]:
        """Show whose it is, and whether it is in use."""
        return [
            Fact("Account", subject.user.get_username()),
            Fact("State", label_key(subject)),
            Fact("Last used", show_time(subject.last_used_at)),
            Fact("What happens", "Every request with it is refused from now on. It cannot be opened again."),
        ]

    def url_of(self, subject: ApiKey) -> str:
        """Return the key's page."""
        return reverse("admin:api_keys_apikey_change", args=[subject.pk])

    def act(self, subject: ApiKey, sent: Sent) -> str:
        """End it."""
        was_open = services.revoke_api_key(api_key=subject, by=sent.by, reason=sent.fields["reason"], now=sent.now)
        return f"{subject} is revoked." if was_open else f"{subject} was revoked before."


class StateFilter(ChoiceFilter):
    """Keys that open something, or no longer."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Name the states."""
        del request, model_admin
        return [("open", "Open"), ("expired", "Expired"), ("revoked", "Revoked")]

    def narrow(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Return the keys in this state."""
        is_over = Q(expiry__lte=timezone.now())
        conditions = {
            "open": Q(revoked_at=None) & (Q(expiry=None) | ~is_over),
            "expired": Q(revoked_at=None) & is_over,
            "revoked": Q(revoked_at__isnull=False),
        }
        return queryset.filter(conditions[value])


@admin.register(ApiKey)
class ApiKeyAdmin(ObjectPage):
    """Who has a key; never the key itself, nor what it is checked against."""

    list_display = ["__str__", "shown_owner", "shown_state", "shown_created", "shown_used", "shown_end", "created_by"]
    list_select_related = ["user", "created_by"]
    list_filter = [StateFilter]
    search_fields = ["^user__username", "^name", "=last_four"]
    search_help_text = "Username, name, or the last four characters"
    ordering = ["-created", "-id"]
    empty_sentence = "No key was ever issued."
    page_template = "back_office/object.html"
    list_actions: ClassVar[Sequence[type[ListAction]]] = [IssueKey]
    action_pages: ClassVar[Sequence[type[ActionPage]]] = [RevokeKey]

    @display(description="Account", ordering="user__username")
    def shown_owner(self, api_key: ApiKey) -> str:
        """Whose rights it has."""
        return str(api_key.user.get_username())

    @display(description="State")
    def shown_state(self, api_key: ApiKey) -> str:
        """Whether it opens anything."""
        return show_label(label_key(api_key))

    @display(description="Issued", ordering="created")
    def shown_created(self, api_key: ApiKey) -> str:
        """How long ago it was issued."""
        return show_time(api_key.created)

    @display(description="Last used", ordering="last_used_at")
    def shown_used(self, api_key: ApiKey) -> str:
        """How long ago it was used, to the minute."""
        return show_time(api_key.last_used_at)

    @display(description="Ends", ordering="expiry")
    def shown_end(self, api_key: ApiKey) -> str:
        """When its time is over."""
        return show_time(api_key.expiry) if api_key.expiry else "never"

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiKey]:
        """Read keys with their accounts, for a page too."""
        keys: QuerySet[ApiKey] = super().get_queryset(request).select_related("user", "created_by")
        return keys

    def describe(self, request: HttpRequest, row: ApiKey) -> dict[str, Any]:
        """Show whose it is and what became of it."""
        name = row.user.get_username()
        may_see_account = request.user.has_perm("auth.view_user")
        facts = [
            Fact("State", label_key(row)),
            Fact(
                "Account",
                link(name, reverse("admin:auth_user_change", args=[row.user_id])) if may_see_account else name,
            ),
            Fact("Ends with", row.last_four),
            Fact("Issued", show_time(row.created)),
            Fact("Issued by", row.created_by.get_username() if row.created_by else "a command"),
            Fact("Last used", show_time(row.last_used_at) if row.last_used_at else "never"),
            Fact("Its time ends", show_time(row.expiry) if row.expiry else "never"),
            Fact("Revoked", show_time(row.revoked_at) if row.revoked_at else EMPTY),
        ]
        return {"title": f"API key {row}", "facts": facts}
