"""How accounts are told apart."""

from django.contrib.auth.models import User

from namaskah.back_office import staff
from namaskah.back_office.columns import BAD, BUSY, CARE, GOOD, QUIET, Label


def show_role(user: User) -> str:
    """Return what the account is, in words: a customer, or what member of the staff."""
    if user.is_superuser:
        return "Superuser"
    if not user.is_staff:
        return "Customer"
    return staff.get_role(user) or "Staff without a role"


def label_role(user: User) -> Label:
    """Return what the account is."""
    if user.is_superuser:
        return Label("Superuser", CARE, "May do everything but what needs a second person.")
    return Label(show_role(user), BUSY if user.is_staff else QUIET)


def label_account(user: User) -> Label:
    """Return whether the account lets anybody in."""
    if user.is_active:
        return Label("Active", GOOD)
    return Label("Deactivated", BAD, "Nobody can log in with it, and its API keys open nothing.")
