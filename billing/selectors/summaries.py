"""What moved in a wallet over a period, added up."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.contrib.auth.models import User
from django.db.models import Count, Sum

from billing.lifecycles import TransactionType
from billing.selectors import wallets


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Signed totals in credits, and numbers of entries, for every type of ledger entry."""

    totals: dict[TransactionType, Decimal]
    counts: dict[TransactionType, int]


def summarize(*, user: User, after: datetime, before: datetime) -> Summary:
    """Add up the user's ledger entries from `after` (inclusive) to `before`."""
    entries = wallets.list_transactions(user=user, created_after=after, created_before=before)
    rows = {
        row["type"]: row for row in entries.order_by().values("type").annotate(total=Sum("amount"), number=Count("pk"))
    }
    return Summary(
        totals={kind: rows[kind]["total"] if kind in rows else Decimal(0) for kind in TransactionType},
        counts={kind: rows[kind]["number"] if kind in rows else 0 for kind in TransactionType},
    )
