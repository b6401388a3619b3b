"""The pages: paying, having paid, an address that leads nowhere, and everything so far."""

from collections.abc import Sequence
from html import escape
from typing import Final

from devtools.sandbox.checkout.style import STYLE
from devtools.sandbox.ledger.tables import Transaction

CHANNELS: Final = {"card": "Card", "bank_transfer": "Bank transfer", "mobile_money": "Mobile money"}
_SUBUNITS: Final = 100
_ALL: Final = '<p class="foot"><a href="/">All payments of this sandbox</a></p>'


def money_text(amount_minor: int, currency: str) -> str:
    """Write an amount for people; every currency has a hundred subunits at Paystack."""
    return f"{currency} {amount_minor // _SUBUNITS:,}.{amount_minor % _SUBUNITS:02d}"


def checkout_page(transaction: Transaction, *, merchant: str, notice: str = "") -> str:
    """Ask a person what the payer does."""
    asked = money_text(transaction.requested_amount_minor, transaction.currency)
    said = f'<p class="notice bad" role="alert">{escape(notice)}</p>' if notice else ""
    return _page(
        f"Pay {merchant}",
        f"""{_head(transaction, merchant)}{said}
<form method="post">
<fieldset><legend>Pay with</legend>{_channel_choices(transaction)}</fieldset>
<fieldset><label class="choice"><input type="checkbox" name="bearer" value="customer">
The customer bears the fees</label></fieldset>
<button class="main" name="decision" value="pay">Pay {escape(asked)}</button>
<div class="pair"><button name="decision" value="fail">Fail</button>
<button name="decision" value="abandon">Abandon</button></div>
<div class="other"><label class="label" for="amount">Another amount, in {escape(transaction.currency)}</label>
<input id="amount" type="text" name="amount" inputmode="decimal" autocomplete="off" placeholder="0.00">
<button class="whole" name="decision" value="pay_wrong_amount">Pay a wrong amount</button></div>
</form>""",
    )


def paid_page(transaction: Transaction, *, merchant: str, return_url: str, is_news: bool) -> str:
    """Tell a person that this is paid, or was before."""
    back = f'<a class="button main" href="{escape(return_url)}">Back to {escape(merchant)}</a>' if return_url else ""
    paid = money_text(transaction.amount_minor, transaction.currency)
    return _page(
        "Paid",
        f"""{_head(transaction, merchant)}
<p class="notice good" role="status">{"Paid. Thank you." if is_news else "This is paid already."}</p>
<dl><dt>Charged</dt><dd>{escape(paid)}</dd><dt>Reference</dt><dd>{escape(transaction.reference)}</dd>
<dt>Paid with</dt><dd>{escape(CHANNELS.get(transaction.channel, transaction.channel))}</dd>
<dt>Status</dt><dd>{escape(transaction.status)}</dd></dl>
{back}""",
    )


def unknown_page() -> str:
    """Tell a person that there is no such page."""
    return _page(
        "No such payment",
        """<h1>There is no payment at this address</h1>
<p>Perhaps the address was cut off when it was copied, or the sandbox has begun with an empty ledger since.</p>""",
    )


def overview_page(transactions: Sequence[Transaction]) -> str:
    """Show a person the newest payments."""
    rows = "".join(_row(transaction) for transaction in transactions)
    table = f"""<div class="scroll"><table><thead><tr><th>Reference</th><th>E-mail</th><th class="number">Amount</th>
<th>Status</th><th>Created</th></tr></thead><tbody>{rows}</tbody></table></div>"""
    return _page(
        "Sandbox",
        f"<h1>The newest payments of this sandbox</h1>{table if transactions else '<p>There are none yet.</p>'}",
        wide=True,
    )


def _row(transaction: Transaction) -> str:
    amount = money_text(transaction.amount_minor, transaction.currency)
    return f"""<tr><td><a href="/checkout/{escape(transaction.access_code)}">{escape(transaction.reference)}</a></td>
<td class="long">{escape(transaction.email)}</td><td class="number">{escape(amount)}</td>
<td>{escape(transaction.status)}</td><td>{escape(transaction.created_at[:19].replace("T", " "))}</td></tr>"""


def _head(transaction: Transaction, merchant: str) -> str:
    amount = money_text(transaction.requested_amount_minor, transaction.currency)
    return f'<h1>{escape(merchant)}</h1><p>{escape(transaction.email)}</p><p class="amount">{escape(amount)}</p>'


def _channel_choices(transaction: Transaction) -> str:
    chosen = transaction.channel if transaction.channel in CHANNELS else "card"
    return "".join(
        f'<label class="choice"><input type="radio" name="channel" value="{value}"'
        f"{' checked' if value == chosen else ''}>{text}</label>"
        for value, text in CHANNELS.items()
    )


def _page(title: str, content: str, *, wide: bool = False) -> str:
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(title)} · sandbox</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<style>{STYLE}</style></head>
<body><main{' class="wide"' if wide else ""}>
<p class="sandbox"><strong>Sandbox.</strong> This imitates Paystack. No money moves.</p>
<div class="card">{content}</div>{"" if wide else _ALL}
</main></body></html>
"""
