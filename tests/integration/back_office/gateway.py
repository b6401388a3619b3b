"""The gateway of the tests, as the back office's pages meet it."""

from payments.gateways.paystack import transactions
from payments.models import PaymentLog


def expect(payment: PaymentLog) -> None:
    """Tell the gateway of a payment, as initialize does."""
    transactions.initialize_transaction(
        email=payment.email,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        reference=payment.reference,
    )
