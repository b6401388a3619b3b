"""The people and rates of a demonstration."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, Permission, User
from django.db import transaction

from billing.models import ExchangeRate
from billing.selectors.exchange_rates import find_exchange_rate
from billing.services import exchange_rates

CUSTOMER: Final = "demo-customer"
SERVICE_ACCOUNT: Final = "demo-service"
ADMINISTRATOR: Final = "admin"
# By username, the role that a migration made.
STAFF: Final = {"support": "Support", "finance": "Finance", "operator": "Operator", "auditor": "Auditor"}
# Shown to whoever starts the demonstration; the command refuses to run outside DEBUG.
PASSWORD: Final = "demonstration-only"  # noqa: S105 -- see above
RATES: Final = {"NGN": Decimal(1650), "GHS": Decimal("15.50"), "KES": Decimal(129), "ZAR": Decimal("18.20")}
_DAY: Final = timedelta(days=1)
_OLD_RATES: Final = 4


def seed_people() -> User:
    """Make the staff, the customer and the service account where they are missing; return the customer."""
    with transaction.atomic(durable=True):
        new = _make_missing_staff()
        for username, role in STAFF.items():
            if username in new:
                new[username].groups.add(Group.objects.get(name=role))
        customer, _ = User.objects.get_or_create(username=CUSTOMER, defaults={"email": "ada@example.com"})
        service, _ = User.objects.get_or_create(username=SERVICE_ACCOUNT, defaults={"email": "sms@example.com"})
        service.user_permissions.add(Permission.objects.get(content_type__app_label="billing", codename="debit_wallet"))
    return customer


def seed_rates(*, now: datetime) -> None:
    """Set a rate for every currency, so that none is too old to sell at."""
    for currency, units_per_usd in RATES.items():
        current = find_exchange_rate(currency, now=now)
        if current is None or now - current.valid_from >= _DAY:
            exchange_rates.set_exchange_rate(currency=currency, units_per_usd=units_per_usd, by=None, now=now)


def seed_old_rates(*, by: User, now: datetime) -> None:
    """Set what a dollar cost in the weeks before, if nobody has."""
    if ExchangeRate.objects.filter(valid_from__lt=now - _DAY).exists():
        return
    for week in range(_OLD_RATES, 0, -1):
        for currency, units_per_usd in RATES.items():
            was = (units_per_usd * (1 - Decimal("0.004") * week)).quantize(Decimal("0.01"))
            exchange_rates.set_exchange_rate(
                currency=currency, units_per_usd=was, by=by, now=now - timedelta(weeks=week, hours=3)
            )


def _make_missing_staff() -> dict[str, User]:
    """Return those that were missing, by name; they share a password, hashed once because that takes long."""
    usernames = [ADMINISTRATOR, *STAFF]
    known = set(User.objects.filter(username__in=usernames).values_list("username", flat=True))
    missing = [username for username in usernames if username not in known]
    password = make_password(PASSWORD) if missing else ""
    return {
        username: User.objects.create(
            username=username,
            email=f"{username}@example.com",
            password=password,
            is_staff=True,
            is_superuser=username == ADMINISTRATOR,
        )
        for username in missing
    }
