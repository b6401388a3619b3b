"""How pages lead to what stands behind a row; by the names of pages alone, for this package knows no gateway."""

from uuid import UUID

from django.contrib.auth.models import User
from django.urls import reverse
from django.utils.safestring import SafeString

from namaskah.back_office.columns import EMPTY, link, show_reference, show_short_reference
from namaskah.identifiers import REFUND_PREFIX, is_reference


def link_to_customer(user: User) -> SafeString:
    """Return a link to all that is a customer's."""
    return link(user.get_username(), reverse("admin:auth_user_change", args=[user.pk]))


def link_to_wallet(wallet_id: UUID, name: str) -> SafeString:
    """Return a link to a wallet."""
    return link(name, reverse("admin:billing_wallet_change", args=[wallet_id]))


def link_to_payment(payment_id: UUID | None, name: str) -> SafeString | str:
    """Return a link to a payment, if there is one."""
    if payment_id is None:
        return EMPTY
    return link(show_reference(name), reverse("admin:payments_paymentlog_change", args=[payment_id]))


def link_to_payment_shortly(payment_id: UUID | None, name: str) -> SafeString | str:
    """Return a link to a payment for a list that shows something else in full."""
    if payment_id is None:
        return EMPTY
    return link(show_short_reference(name), reverse("admin:payments_paymentlog_change", args=[payment_id]))


def link_to_entry(entry_id: UUID, reference: str) -> SafeString:
    """Return a link to a ledger entry."""
    return link(show_reference(reference), reverse("admin:billing_transaction_change", args=[entry_id]))


def link_to_case(reference: str) -> SafeString:
    """Return a link to the refund or the dispute of that name, whose pages are found by it too."""
    return link(show_reference(reference), _find_case(reference))


def link_to_case_shortly(reference: str) -> SafeString:
    """Return such a link for a list."""
    return link(show_short_reference(reference), _find_case(reference))


def _find_case(reference: str) -> str:
    is_refund = is_reference(reference, prefix=REFUND_PREFIX)
    page = "payments_refund_change" if is_refund else "payments_dispute_change"
    return reverse(f"admin:{page}", args=[reference])
