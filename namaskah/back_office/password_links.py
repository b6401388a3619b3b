"""Setting a password through a link that a superuser handed over; it is good for one time and for a day."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.models import User
from django.contrib.auth.views import PasswordResetConfirmView
from django.db import transaction
from django.http import HttpResponse
from django.urls import reverse_lazy
from unfold.widgets import UnfoldAdminPasswordWidget

from namaskah.audit.records import record_action


class NewPasswordForm(SetPasswordForm):  # type: ignore[type-arg]  # -- it takes none at run time
    """The new password, twice."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("new_password1", "new_password2"):
            self.fields[name].widget = UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"})


class SetPassword(PasswordResetConfirmView):
    """The page behind the link; Django keeps the link's token out of the address before it shows the form."""

    form_class = NewPasswordForm
    template_name = "back_office/set_password.html"
    title = "Set your password"
    success_url = reverse_lazy("admin:login")

    def get_user(self, uidb64: str) -> User | None:
        """Return whom the link is for, if it is a member of the staff who waits for a password."""
        user = super().get_user(uidb64)
        is_waiting = isinstance(user, User) and user.is_active and user.is_staff and not user.has_usable_password()
        return user if is_waiting else None

    def form_valid(self, form: "SetPasswordForm[User]") -> HttpResponse:
        """Set it, and send them to the log-in."""
        with transaction.atomic():
            answer = super().form_valid(form)
            record_action(by=form.user, action="password.set", subject=form.user.get_username())
        messages.success(self.request, "Your password is set. Log in with it.")
        return answer

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Dress it as the log-in."""
        return {**admin.site.each_context(self.request), **super().get_context_data(**kwargs)}
