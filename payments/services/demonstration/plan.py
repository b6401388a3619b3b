"""Who buys what and when, and what becomes of it: the same at every run, counted back from now."""

import random
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import NAMESPACE_URL, UUID, uuid5

from namaskah.identifiers import find_first_id

_FIRST_NAMES: Final = (
    "Ada", "Bayo", "Chidi", "Dami", "Efua", "Femi", "Grace", "Hawa", "Ife", "Jide", "Kofi", "Lerato", "Musa", "Naledi",
    "Ola", "Philani", "Rukia", "Sade", "Thabo", "Uche", "Wanjiru", "Yaw", "Zainab",
)  # fmt: skip
_LAST_NAMES: Final = (
    "Adeyemi", "Boateng", "Chukwu", "Dlamini", "Eze", "Kamau", "Lawal", "Mensah", "Nkosi", "Okafor", "Otieno", "Sow",
)  # fmt: skip
_REGULARS: Final = 30
_ORDINARY: Final = 290
_DAYS: Final = 30
_AMOUNTS: Final = (5, 10, 10, 20, 25, 25, 40, 50, 75, 100, 150)
_CURRENCIES: Final = ("NGN", "NGN", "NGN", "NGN", "GHS", "KES", "ZAR", "USD")

PAID: Final = "paid"
DECLINED: Final = "declined"
EXPIRED: Final = "expired"
REJECTED: Final = "rejected"
NEVER_REACHED: Final = "never_reached"
LATE: Final = "late"
OPEN: Final = "open"
PENDING: Final = "pending"
DEAD_LETTER: Final = "dead_letter"

_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
# What must be seen whatever the dice say: its story, how long ago it began, and dollars. Each has its own customer.
_SPECIAL: Final = (
    *((OPEN, timedelta(minutes=minutes), 25) for minutes in (8, 25, 70, 150)),
    *((PENDING, timedelta(minutes=minutes), 10) for minutes in (4, 40)),
    *((DEAD_LETTER, hours * _HOUR, 60) for hours in (3, 9, 30)),
    *((LATE, days * _DAY, 50) for days in (6, 14)),
    ("amount_mismatch", 5 * _HOUR, 40),
    ("partial_debit", 21 * _HOUR, 75),
    ("overpaid", 2 * _DAY, 30),
    ("currency_mismatch", 3 * _DAY, 20),
    ("wrong_domain", 4 * _DAY, 10),
    ("status_mismatch", 26 * _HOUR, 25),
    ("evidence_incomplete", 5 * _DAY, 25),
    ("reversal_pending", 34 * _HOUR, 90),
    ("transaction_reused", 7 * _DAY, 15),
    ("paid_twice", 11 * _HOUR, 35),
    ("sent_back_twice", 9 * _DAY, 80),
    ("dismissed", 12 * _DAY, 40),
    ("refund_waiting", 10 * _HOUR, 150),
    ("refund_waiting", 2 * _DAY, 220),
    ("refund_approved", 3 * _DAY, 15),
    ("refund_submitting", 2 * _DAY, 20),
    ("refund_unknown", 5 * _DAY, 20),
    ("refund_submitted", 4 * _DAY, 130),
    ("refund_needs_attention", 6 * _DAY, 45),
    ("refund_processed", 20 * _DAY, 60),
    ("refund_processed", 15 * _DAY, 140),
    ("refund_processed", 8 * _DAY, 25),
    ("refund_in_part", 11 * _DAY, 100),
    ("refund_failed", 13 * _DAY, 30),
    ("refund_rejected", 10 * _DAY, 180),
    ("dispute_soon", 12 * _DAY, 120),
    ("dispute_later", 6 * _DAY, 55),
    ("dispute_odd", 16 * _DAY, 70),
    ("dispute_lost", 22 * _DAY, 65),
    ("dispute_lost_spent", 24 * _DAY, 90),
    ("dispute_won", 19 * _DAY, 110),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """One planned purchase; `story` says what becomes of it, and its key makes it once."""

    story: str
    username: str
    amount_usd: Decimal
    currency: str
    begun_at: datetime
    takes: timedelta
    key: UUID

    @property
    def ended_at(self) -> datetime:
        """When Paystack tells how it went."""
        return self.begun_at + self.takes


def list_usernames() -> list[str]:
    """Return the customers: those who buy again and again, then one for each case."""
    return [_name(number) for number in range(_REGULARS + len(_SPECIAL))]


def list_specials() -> list[tuple[int, str]]:
    """Return the number and the story of each purchase that must be seen."""
    return [(number, story) for number, (story, _, _) in enumerate(_SPECIAL)]


def plan_purchases(*, now: datetime) -> list[Purchase]:
    """Return what was bought, the oldest first."""
    dice = random.Random(7)  # noqa: S311 -- the same demonstration every time
    purchases = [_plan_ordinary(number, dice, now=now) for number in range(_ORDINARY)]
    for number, (story, age, amount) in enumerate(_SPECIAL):
        # No two in the same moment, of which Paystack's numbers are made.
        begun_at = now - age - number * timedelta(seconds=3)
        purchases.append(
            Purchase(
                story=story,
                username=_name(_REGULARS + number),
                amount_usd=Decimal(amount),
                currency="NGN",
                begun_at=begun_at,
                takes=timedelta(seconds=50),
                key=make_key(f"special {number}"),
            )
        )
    return sorted(purchases, key=lambda purchase: purchase.begun_at)


def make_id_at(moment: datetime) -> UUID:
    """Return a UUIDv7 as it would have been made then."""
    return UUID(int=find_first_id(moment).int | 7 << 76 | secrets.randbits(12) << 64 | 2 << 62 | secrets.randbits(62))


def make_key(name: str) -> UUID:
    """Return the key under which something of the demonstration is made once."""
    return uuid5(NAMESPACE_URL, f"namaskah demonstration {name}")


def _plan_ordinary(number: int, dice: random.Random, *, now: datetime) -> Purchase:
    age = timedelta(minutes=20) + dice.random() * (_DAYS * _DAY - timedelta(minutes=20))
    story = dice.choices([PAID, DECLINED, REJECTED, NEVER_REACHED, EXPIRED], [82, 9, 2, 1, 6])[0]
    if story == EXPIRED and age < 4 * _DAY:
        story = DECLINED
    return Purchase(
        story=story,
        username=_name(dice.randrange(_REGULARS)),
        amount_usd=Decimal(dice.choice(_AMOUNTS)),
        currency=dice.choice(_CURRENCIES),
        begun_at=now - age,
        takes=timedelta(seconds=dice.randint(25, 400)),
        key=make_key(f"ordinary {number}"),
    )


def _name(number: int) -> str:
    first = _FIRST_NAMES[number % len(_FIRST_NAMES)]
    # The lengths have no common divisor, so that no name comes twice.
    return f"{first}.{_LAST_NAMES[number % len(_LAST_NAMES)]}".lower()
