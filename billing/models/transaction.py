"""The ledger: one row per movement of credits, never changed."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from billing.lifecycles import TransactionType
from billing.models.wallet import Wallet
from namaskah.identifiers import new_id
from namaskah.money import CREDIT_LIMIT


class Transaction(models.Model):
    """One ledger entry. A correction is a new entry; the database refuses any change.

    `amount` is signed, `balance_after` is the wallet's balance with it, `counter_account` the
    other side, so that every entry is a double entry by construction.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="transactions", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    sequence = models.BigIntegerField()
    type = models.CharField(max_length=20, choices=TransactionType.choices)
    amount = models.DecimalField(max_digits=18, decimal_places=4)
    balance_after = models.DecimalField(max_digits=18, decimal_places=4)
    counter_account = models.CharField(max_length=50)
    reference = models.CharField(max_length=64, unique=True)
    idempotency_key = models.UUIDField()
    payment_log = models.ForeignKey(
        "payments.PaymentLog", on_delete=models.PROTECT, null=True, blank=True, related_name="ledger", db_index=False
    )
    reverses = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="reversals", db_index=False
    )
    service = models.CharField(max_length=100, blank=True)
    description = models.CharField(max_length=300, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    request_id = models.CharField(max_length=36, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "sms_transactions"
        permissions = [("debit_wallet", "Can debit the wallets of users")]
        constraints = [
            models.UniqueConstraint(name="billing_transaction_sequence_once", fields=["wallet", "sequence"]),
            models.UniqueConstraint(
                name="billing_transaction_one_credit",
                fields=["payment_log"],
                condition=Q(type=TransactionType.CREDIT),
            ),
            models.UniqueConstraint(
                name="billing_transaction_key_once",
                fields=["created_by", "idempotency_key"],
                condition=Q(created_by__isnull=False),
            ),
            models.UniqueConstraint(
                name="billing_transaction_own_key_once",
                fields=["idempotency_key"],
                condition=Q(created_by__isnull=True),
            ),
            models.CheckConstraint(name="billing_transaction_sequence_from_one", condition=Q(sequence__gte=1)),
            models.CheckConstraint(
                name="billing_transaction_balance_not_negative",
                condition=Q(balance_after__gte=0, balance_after__lt=CREDIT_LIMIT),
            ),
            models.CheckConstraint(name="billing_transaction_amount_is_number", condition=Q(amount__lt=CREDIT_LIMIT)),
            models.CheckConstraint(
                name="billing_transaction_sign_fits_type",
                condition=Q(type__in=[TransactionType.CREDIT, TransactionType.REVERSAL], amount__gt=0)
                | Q(type__in=[TransactionType.DEBIT, TransactionType.REFUND], amount__lt=0)
                | (Q(type=TransactionType.ADJUSTMENT) & ~Q(amount=0)),
            ),
            models.CheckConstraint(
                name="billing_transaction_credit_has_payment",
                condition=~Q(type=TransactionType.CREDIT) | Q(payment_log__isnull=False),
            ),
            models.CheckConstraint(
                name="billing_transaction_reversal_names_entry",
                condition=Q(type=TransactionType.REVERSAL, reverses__isnull=False)
                | (~Q(type=TransactionType.REVERSAL) & Q(reverses__isnull=True)),
            ),
            models.CheckConstraint(
                name="billing_transaction_reference_form",
                condition=Q(reference__regex=r"^[A-Za-z0-9._-]{1,64}$"),
            ),
            models.CheckConstraint(name="billing_transaction_has_counter_account", condition=~Q(counter_account="")),
        ]
        indexes = [
            models.Index(
                name="billing_transaction_reversals", fields=["reverses"], condition=Q(reverses__isnull=False)
            ),
            models.Index(
                name="billing_transaction_of_payment",
                fields=["payment_log"],
                condition=Q(payment_log__isnull=False) & ~Q(type=TransactionType.CREDIT),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.amount} ({self.reference})"
