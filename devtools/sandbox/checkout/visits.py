"""What people do on the pages."""

import json
import re
from decimal import Decimal
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from devtools.sandbox.checkout import pages
from devtools.sandbox.ledger import payments, tables
from devtools.sandbox.ledger.tables import Transaction
from devtools.sandbox.refusals import Refusal
from devtools.sandbox.sandbox import Sandbox
from devtools.sandbox.web.messages import Answer, Request, html_answer, redirect_answer

_SHOWN: Final = 50
_AMOUNT: Final = re.compile(r"[0-9]{1,12}(\.[0-9]{1,2})?")
_PAYMENTS: Final[dict[str, dict[str, Any]]] = {
    "pay": {"outcome": "success"},
    "pay_wrong_amount": {"outcome": "success"},
    "fail": {"outcome": "failed"},
    "abandon": {"outcome": "abandoned"},
}
_DONE: Final = "?done"
_LEFT: Final = "?left"


def show_overview(sandbox: Sandbox, _request: Request) -> Answer:
    """Show the newest payments."""
    with sandbox.database.work() as connection:
        newest = tables.transactions.list(connection, limit=_SHOWN)
    return html_answer(pages.overview_page(newest))


def show_checkout(sandbox: Sandbox, request: Request) -> Answer:
    """Show one payment as the payer sees it."""
    transaction = _find(sandbox, request)
    if transaction is None:
        return html_answer(pages.unknown_page(), status=HTTPStatus.NOT_FOUND)
    merchant = sandbox.settings.merchant_name
    if transaction.is_paid:
        return_url, is_news = _make_return_url(transaction), "done" in request.query
        return html_answer(pages.paid_page(transaction, merchant=merchant, return_url=return_url, is_news=is_news))
    notice = "Declined. You can try again." if transaction.status == "failed" else ""
    if "left" in request.query:
        notice = "You left without paying. You can still pay."
    return html_answer(pages.checkout_page(transaction, merchant=merchant, notice=notice))


def take_decision(sandbox: Sandbox, request: Request) -> Answer:
    """Do what the person chose and send the browser where Paystack would send it."""
    transaction = _find(sandbox, request)
    if transaction is None:
        return html_answer(pages.unknown_page(), status=HTTPStatus.NOT_FOUND)
    here = f"/checkout/{transaction.access_code}"
    decision = str(request.fields.get("decision", "pay"))
    try:
        paid = sandbox.pay(transaction.reference, wait=False, **_read_payment(decision, request.fields))
    except Refusal as refusal:
        # A page that is open twice can be paid once.
        if transaction.is_paid:
            return redirect_answer(here)
        page = pages.checkout_page(transaction, merchant=sandbox.settings.merchant_name, notice=refusal.message)
        return html_answer(page, status=refusal.status)
    if paid["transaction"]["status"] == "success":
        return redirect_answer(_make_return_url(transaction) or here + _DONE)
    return redirect_answer(_find_cancel_url(transaction) or here + _LEFT if decision == "abandon" else here)


def _find(sandbox: Sandbox, request: Request) -> Transaction | None:
    with sandbox.database.work() as connection:
        return payments.find_by_access_code(connection, request.parts["access_code"])


def _read_payment(decision: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Read what the payer does.

    :raises Refusal: if it makes no sense.
    """
    if decision not in _PAYMENTS:
        raise Refusal("Choose one of the buttons.")
    payment = dict(_PAYMENTS[decision])
    if fields.get("channel") in pages.CHANNELS:
        payment["channel"] = fields["channel"]
    if fields.get("bearer") == "customer":
        payment["bearer"] = "customer"
    if decision == "pay_wrong_amount":
        payment["amount_minor"] = _read_amount(str(fields.get("amount", "")))
    return payment


def _read_amount(text: str) -> int:
    amount = text.replace(",", "").strip()
    if not _AMOUNT.fullmatch(amount) or not Decimal(amount):
        raise Refusal("Write the amount like 1250.00.")
    return int(Decimal(amount) * 100)


def _make_return_url(transaction: Transaction) -> str:
    """Return where the payer goes after paying; empty if the merchant named no address."""
    if not transaction.callback_url:
        return ""
    parts = urlsplit(transaction.callback_url)
    added = [("trxref", transaction.reference), ("reference", transaction.reference)]
    return urlunsplit(parts._replace(query=urlencode([*parse_qsl(parts.query, keep_blank_values=True), *added])))


def _find_cancel_url(transaction: Transaction) -> str:
    """Return where the merchant wants a payer who cancels (https://paystack.com/docs/payments/metadata)."""
    metadata = json.loads(transaction.metadata)
    url = metadata.get("cancel_action") if isinstance(metadata, dict) else None
    return (
        url
        if isinstance(url, str) and url.isascii() and url.isprintable() and urlsplit(url).scheme in {"http", "https"}
        else ""
    )
