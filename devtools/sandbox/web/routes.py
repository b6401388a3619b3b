"""Which request goes where."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from devtools.sandbox.checkout import visits
from devtools.sandbox.control import operations
from devtools.sandbox.faults.playing import Handle
from devtools.sandbox.paystack import disputes, initializing, refunds, transactions


@dataclass(frozen=True)
class Route:
    """A method and a path; `operation` is what fault scripts call it, and marks Paystack's own API."""

    method: str
    pattern: re.Pattern[str]
    handle: Handle
    operation: str | None

    def match(self, method: str, path: str) -> Mapping[str, str] | None:
        """Return the decoded parts of the path, or None if the request is for another route."""
        found = self.pattern.fullmatch(path) if method == self.method else None
        return {name: unquote(part) for name, part in found.groupdict().items()} if found else None


def _route(method: str, path: str, handle: Handle, operation: str | None = None) -> Route:
    """Make a route; `<id>` stands for a number and any other `<name>` for one part of the path."""
    pattern = re.sub(r"<(\w+)>", lambda name: f"(?P<{name[1]}>{_PARTS.get(name[1], '[^/]+')})", path)
    return Route(method, re.compile(pattern), handle, operation)


# No more digits than fit into 64 bits.
_PARTS: Final = {"id": "[0-9]{1,18}"}

ROUTES: Final = (
    _route("POST", "/transaction/initialize", initializing.initialize, "initialize"),
    _route("GET", "/transaction/verify/<reference>", transactions.verify, "verify"),
    _route("GET", "/transaction", transactions.list_transactions, "list"),
    _route("GET", "/transaction/<id>", transactions.fetch_transaction, "fetch"),
    _route("POST", "/refund", refunds.create_refund, "refund"),
    _route("GET", "/refund", refunds.list_refunds, "list_refunds"),
    _route("GET", "/refund/<id>", refunds.fetch_refund, "fetch_refund"),
    _route("GET", "/dispute", disputes.list_disputes, "list_disputes"),
    _route("GET", "/dispute/<id>", disputes.fetch_dispute, "fetch_dispute"),
    _route("GET", "/dispute/transaction/<id>", disputes.fetch_transaction_dispute, "fetch_transaction_dispute"),
    _route("PUT", "/dispute/<id>/resolve", disputes.resolve_dispute, "resolve_dispute"),
    _route("GET", "/", visits.show_overview),
    _route("GET", "/checkout/<access_code>", visits.show_checkout),
    _route("POST", "/checkout/<access_code>", visits.take_decision),
    _route("POST", "/sandbox/pay", operations.pay),
    _route("POST", "/sandbox/deliver", operations.deliver),
    _route("POST", "/sandbox/events", operations.send_event),
    _route("GET", "/sandbox/ledger", operations.show_ledger),
    _route("GET", "/sandbox/deliveries", operations.list_deliveries),
    _route("POST", "/sandbox/scripts", operations.add_script),
    _route("GET", "/sandbox/scripts", operations.list_scripts),
    _route("DELETE", "/sandbox/scripts", operations.clear_scripts),
    _route("POST", "/sandbox/refunds/<id>", operations.move_refund),
    _route("POST", "/sandbox/disputes", operations.open_dispute),
    _route("POST", "/sandbox/disputes/<id>", operations.resolve_dispute),
    _route("POST", "/sandbox/disputes/<id>/reminders", operations.remind_of_dispute),
    _route("GET", "/sandbox/settings", operations.show_settings),
    _route("PUT", "/sandbox/settings", operations.change_settings),
)
