"""The side bar: what whoever looks may see, by the work that they do."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from django.http import HttpRequest
from django.urls import reverse

from namaskah.back_office import second_factor

# Group, and of each page: label, icon, model or name of a view, and any permission that lets one in if it is not the
# one to view the model. Names alone: this package knows no app.
_PAGES: Final = (
    (
        "Cases",
        (
            ("Payments", "payments", "payments.paymentlog"),
            ("Customers", "person", "auth.user"),
            ("Refunds", "undo", "payments.refund"),
            ("Disputes", "gavel", "payments.dispute"),
        ),
    ),
    (
        "To do",
        (
            ("Approvals", "approval", "approvals", "payments.approve_refund", "billing.approve_adjustment"),
            ("Webhook events", "inbox", "payments.webhookevent"),
            ("Adjustments", "balance", "billing.creditadjustment"),
            ("Reconciliation breaks", "difference", "payments.reconciliationbreak"),
        ),
    ),
    (
        "Credits",
        (
            ("Wallets", "account_balance_wallet", "billing.wallet"),
            ("Ledger", "menu_book", "billing.transaction"),
            ("Holds", "lock_clock", "billing.hold"),
            ("Receivables", "request_quote", "billing.receivable"),
            ("Exchange rates", "currency_exchange", "billing.exchangerate"),
        ),
    ),
    (
        "Behind the scenes",
        (
            ("Review decisions", "rule", "payments.reviewdecision"),
            ("Webhook attempts", "replay", "payments.webhookattempt"),
            ("Replays", "fast_forward", "payments.replayrun"),
            ("Gateway calls", "call_made", "payments.gatewaycall"),
            ("API keys", "vpn_key", "api_keys.apikey"),
            ("Idempotency keys", "fingerprint", "idempotency.idempotencykey"),
            ("Heartbeats", "monitor_heart", "observability.heartbeat"),
            ("Notes", "sticky_note_2", "audit.note"),
            ("Audit log", "history", "audit.auditentry"),
        ),
    ),
)


def list_links(request: HttpRequest) -> list[dict[str, Any]]:  # noqa: ARG001 -- unfold calls it with the request
    """Return the side bar as unfold wants it."""
    start = {"title": "Dashboard", "icon": "dashboard", "link": reverse("admin:index")}
    groups = [{"title": title, "separator": True, "items": [_link(*page) for page in pages]} for title, pages in _PAGES]
    return [{"items": [start]}, *groups]


def list_own_links(request: HttpRequest) -> list[dict[str, Any]]:  # noqa: ARG001 -- unfold calls it with the request
    """Return what members do about their own log-in, as unfold wants it."""
    links = [{"title": "Change password", "link": reverse("admin:password_change")}]
    if second_factor.is_required():
        links.append({"title": "My second factor", "link": reverse("admin:second-factor-mine")})
    return links


def find_page(path: str) -> dict[str, Any] | None:
    """Return the page of the side bar that an address belongs to, as the list of a row."""
    for _, pages in _PAGES:
        for page in pages:
            link = _link(*page)
            if path.startswith(link["link"]):
                return link
    return None


def list_way(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the pages above the one that is asked for, the dashboard first: those that whoever looks may see."""
    start = {"title": "Dashboard", "link": reverse("admin:index")}
    page = find_page(request.path)
    is_shown = page is not None and page["link"] != request.path and page["permission"](request)
    return [start, *([page] if page and is_shown else [])] if request.path != start["link"] else []


def _link(label: str, icon: str, page: str, *permissions: str) -> dict[str, Any]:
    app, _, model = page.partition(".")
    return {
        "title": label,
        "icon": icon,
        "link": reverse(f"admin:{app}_{model}_changelist" if model else f"admin:{page}"),
        "permission": _may_view(permissions or (f"{app}.view_{model}",)),
    }


def _may_view(permissions: Sequence[str]) -> Callable[[HttpRequest], bool]:
    return lambda request: any(map(getattr(request.user, "has_perm", lambda _: False), permissions))
