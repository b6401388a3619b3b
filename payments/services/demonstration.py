"""The people and rates of a demonstration."""

from datetime import datetime
from decimal import Decimal
from typing import Final

from django.contrib.auth.models import Permission, User
from django.db import transaction

from billing.selectors.exchange_rates import find_exchange_rate
from billing.services import exchange_rates

CUSTOMER: Final = "demo-customer"
SERVICE_ACCOUNT: Final = "demo-service"
ADMINISTRATOR: Final = "admin"
# Shown to whoever starts the demonstration; the command refuses to run outside DEBUG.
PASSWORD: Final = "demonstration-only"  # noqa: S105 -- see above
RATES: Final = {"NGN": Decimal(1650), "GHS": Decimal("15.50"), "KES": Decimal(129), "ZAR": Decimal("18.20")}


def seed_people() -> User:
    """Make the administrator, the customer and the service account where they are missing; return the customer."""
    with transaction.atomic(durable=True):
        administrator, is_new = User.objects.get_or_create(
            username=ADMINISTRATOR,
            defaults={"email": "admin@example.com", "is_staff": True, "is_superuser": True},
        )
        if is_new:
            administrator.set_password(PASSWORD)
            administrator.save()
        customer, _ = User.objects.get_or_create(username=CUSTOMER, defaults={"email": "ada@example.com"})
        service, _ = User.objects.get_or_create(username=SERVICE_ACCOUNT, defaults={"email": "sms@example.com"})
        service.user_permissions.add(Permission.objects.get(content_type__app_label="billing", codename="debit_wallet"))
    return customer


def seed_rates(*, now: datetime) -> None:
    """Set a rate for every currency, so that none is too old to sell at."""
    for currency, units_per_usd in RATES.items():
        current = find_exchange_rate(currency, now=now)
        if current is None or (now - current.valid_from).days >= 1:
            exchange_rates.set_exchange_rate(currency=currency, units_per_usd=units_per_usd, by=None, now=now)
