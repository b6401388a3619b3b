"""Managing the staff: for superusers, and never oneself (namaskah.back_office.staff refuses it too)."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.urls import reverse
from django.utils.crypto import salted_hmac
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from namaskah.back_office import second_factor, staff
from namaskah.back_office.action_pages import ActionPage, Fact, Sent
from namaskah.back_office.columns import show_time
from namaskah.back_office.list_actions import ListAction, ShownOnce
from payments.admin.customer_words import label_account, show_role

# No role has it, and superusers need none.
PERMISSION = "auth.change_user"
_ROLES = [(staff.NO_ROLE, "None: may come in and see nothing"), *((role, role) for role in staff.ROLES)]


class ReasonForm(forms.Form):
    """Why it is done."""

    reason = forms.CharField(
        max_length=300, label="Why", help_text="It stands in the audit log.", widget=UnfoldAdminTextInputWidget()
    )


class RoleForm(ReasonForm):
    """The new role, and why."""

    role = forms.ChoiceField(choices=_ROLES, required=False, widget=UnfoldAdminSelectWidget())
    field_order = ("role", "reason")


class NewMemberForm(forms.Form):
    """Who it is."""

    username = forms.CharField(
        max_length=150,
        help_text="Letters, digits and @ . + - _",
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
    )
    email = forms.EmailField(
        max_length=254, label="E-mail", widget=UnfoldAdminEmailInputWidget(attrs={"autocomplete": "off"})
    )
    role = forms.ChoiceField(choices=_ROLES, required=False, widget=UnfoldAdminSelectWidget())


class PasswordLink(ShownOnce):
    """For actions that return the address at which a password is set."""

    once_title = "Link to set the password"
    once_note = (
        "Hand it to them by a way that others do not read. It works once and for a day; whoever opens it first sets the"
        " password."
    )

    def make_link(self, request: HttpRequest, member: User) -> str:
        """Return the address."""
        return request.build_absolute_uri(reverse("admin:set-password", args=staff.make_password_link(member)))


class AddMember(PasswordLink, ListAction):
    """Make an account for a new member of the staff."""

    permission = PERMISSION
    name = "staff.add"
    route = "add-staff/"
    title = "Add a member of the staff"
    submit_label = "Make the account"
    form_class = NewMemberForm
    makes = "a new member of the staff"
    list_url_name = "admin:auth_user_changelist"

    def version(self, subject: Any) -> str:
        """Return which member is the newest."""
        del subject
        newest = _find_newest_member()
        return str(newest.pk) if newest else "none"

    def facts(self, subject: Any) -> Sequence[Fact]:
        """Show the newest member, who may be the one that is wanted."""
        del subject
        newest = _find_newest_member()
        return (
            [Fact("Added last", newest.get_username()), Fact("When", show_time(newest.date_joined))] if newest else ()
        )

    def act(self, subject: Any, sent: Sent) -> str:
        """Make it, and return the link to set a password."""
        del subject
        return self.make_link(self.request, staff.add_member(**sent.fields, by=sent.by))


def _find_newest_member() -> User | None:
    return User.objects.filter(is_staff=True).order_by("-pk").first()


class StaffAction(ActionPage):
    """An action on one member of the staff."""

    permission = PERMISSION
    form_class = ReasonForm
    not_now = "The account is not one for this; its page says what can be done."
    not_you = "A superuser has to, and nobody for themselves."
    effect: ClassVar[str]

    @classmethod
    def is_offered(cls, subject: User) -> bool:
        """Offer it on members of the staff alone."""
        return subject.is_staff

    @classmethod
    def is_offered_to(cls, by: User, subject: User) -> bool:
        """Offer it to superusers, and on nobody's own page."""
        return by.is_superuser and by.pk != subject.pk and cls.is_offered(subject)

    def find(self, **where: Any) -> User:
        """Return the member."""
        return staff.get_member(where["user_id"])

    def describe(self, subject: User) -> str:
        """Return the member's name."""
        return subject.get_username()

    def version(self, subject: User) -> str:
        """Return what is shown of the member, and what stands for their password: a link to set one is for that."""
        shown = f"{subject.is_active} {show_role(subject)} {second_factor.has_device(subject)} {subject.last_login}"
        return f"{shown} {salted_hmac('staff form', subject.password).hexdigest()[:16]}"

    def facts(self, subject: User) -> Sequence[Fact]:
        """Show who it is, and what will happen."""
        return [
            Fact("Member", f"{subject.get_username()} {subject.email}"),
            Fact("Role", show_role(subject)),
            Fact("Account", label_account(subject)),
            Fact("Last log-in", show_time(subject.last_login)),
            Fact("What happens", self.effect),
        ]

    def url_of(self, subject: User) -> str:
        """Return the member's page."""
        return reverse("admin:auth_user_change", args=[subject.pk])


class ChangeRole(StaffAction):
    """Give a member another role."""

    name = "staff.change_role"
    route = "<int:user_id>/role/"
    title = "Change the role"
    submit_label = "Change the role"
    form_class = RoleForm
    effect = "From now on they may do what the new role may, and nothing beside it."

    @classmethod
    def is_offered(cls, subject: User) -> bool:
        """Offer it unless they may do everything."""
        return subject.is_staff and not subject.is_superuser

    def make_form(self, subject: User, data: Any = None) -> forms.Form:
        """Start from the role that they have."""
        return RoleForm(data, initial={"role": staff.get_role(subject)})

    def act(self, subject: User, sent: Sent) -> str:
        """Change it."""
        member = staff.change_role(user_id=subject.pk, **sent.fields, by=sent.by)
        return f"{member.get_username()} is {sent.fields['role'] or 'without a role'} now."


class Deactivate(StaffAction):
    """Let a member in no more."""

    name = "staff.deactivate"
    route = "<int:user_id>/deactivate/"
    title = "Deactivate"
    submit_label = "Deactivate the account"
    takes_away = True
    effect = "They are logged out at once and cannot log in. What they did stays in the audit log."

    @classmethod
    def is_offered(cls, subject: User) -> bool:
        """Offer it while they are active."""
        return subject.is_staff and subject.is_active

    def act(self, subject: User, sent: Sent) -> str:
        """Deactivate them."""
        member = staff.deactivate_member(user_id=subject.pk, **sent.fields, by=sent.by)
        return f"{member.get_username()} is deactivated and logged out."


class Reactivate(StaffAction):
    """Let a member in again."""

    name = "staff.reactivate"
    route = "<int:user_id>/reactivate/"
    title = "Reactivate"
    submit_label = "Reactivate the account"
    effect = "They can log in again, with the password, the second factor and the role that they had."

    @classmethod
    def is_offered(cls, subject: User) -> bool:
        """Offer it once they are deactivated."""
        return subject.is_staff and not subject.is_active

    def act(self, subject: User, sent: Sent) -> str:
        """Reactivate them."""
        member = staff.reactivate_member(user_id=subject.pk, **sent.fields, by=sent.by)
        return f"{member.get_username()} can log in again."


class ResetSecondFactor(StaffAction):
    """Have a member enrol anew who lost their phone and recovery codes."""

    name = "staff.reset_second_factor"
    route = "<int:user_id>/reset-second-factor/"
    title = "Reset the second factor"
    submit_label = "Reset the second factor"
    takes_away = True
    effect = (
        "They are logged out, and set up an app anew after their password. Make sure that it is they who ask:"
        " until then the password alone lets in."
    )

    def act(self, subject: User, sent: Sent) -> str:
        """Reset it."""
        member = staff.reset_second_factor(user_id=subject.pk, **sent.fields, by=sent.by)
        return f"{member.get_username()} sets up a second factor anew at the next log-in."


class ResetPassword(PasswordLink, StaffAction):
    """Let a member set a new password."""

    name = "staff.reset_password"
    route = "<int:user_id>/reset-password/"
    title = "Reset the password"
    submit_label = "Reset the password"
    takes_away = True
    effect = "They are logged out, the password is worth nothing any more, and you get a link to set another, once."

    @classmethod
    def is_offered(cls, subject: User) -> bool:
        """Offer it while they are active: the link works for nobody else."""
        return subject.is_staff and subject.is_active

    def act(self, subject: User, sent: Sent) -> str:
        """Reset it, and return the link."""
        member = staff.reset_password(user_id=subject.pk, **sent.fields, by=sent.by)
        return self.make_link(self.request, member)


STAFF_ACTIONS: Sequence[type[ActionPage]] = (ChangeRole, ResetPassword, ResetSecondFactor, Deactivate, Reactivate)
