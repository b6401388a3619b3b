"""What could be sent back of a payment now, for whoever is about to ask for it."""

from dataclasses import dataclass
from decimal import Decimal

from billing.selectors import wallets
from namaskah.money import convert_to_credits
from payments.models import PaymentLog, Refund
from payments.services import refund_terms


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundOffer:
    """`left_minor` is what is left of the money, `left_usd` what that is worth, in credits or, uncredited, in dollars.

    `most_usd` is less if credits were spent: a refund takes credits that are there.
    """

    left_minor: int
    left_usd: Decimal
    most_usd: Decimal

    @property
    def spent(self) -> Decimal:
        """Credits that would have to be taken for all of it, and are not there."""
        return self.left_usd - self.most_usd


def find_offer(payment: PaymentLog) -> RefundOffer:
    """Return what is left of a payment, and how much of it the wallet allows."""
    left_minor, left_credits = refund_terms.find_rest(payment, list(Refund.objects.filter(payment=payment)))
    if not payment.credited:
        worth = convert_to_credits(left_minor, exchange_rate=payment.exchange_rate)
        return RefundOffer(left_minor=left_minor, left_usd=worth, most_usd=worth)
    wallet = wallets.find_wallet(user=payment.user)
    available = max(wallet.available, Decimal(0)) if wallet else Decimal(0)
    return RefundOffer(left_minor=left_minor, left_usd=left_credits, most_usd=min(left_credits, available))
