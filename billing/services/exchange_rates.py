"""Setting exchange rates."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from billing.models import ExchangeRate
from billing.selectors import exchange_rates as selectors
from billing.selectors.exchange_rates import BASE_CURRENCY
from namaskah.audit.records import record_action
from namaskah.errors import ConflictError, PermissionDeniedError, RuleViolationError
from namaskah.identifiers import new_id
from namaskah.money import CENTS, RATE_LIMIT, RATE_PLACES

SET_PERMISSION: Final = "billing.set_exchange_rate"
# A slip of the keyboard sells credits at a tenth of their price, and so does somebody who means to buy some: more than
# this is confirmed in a shell, so that it takes another person than whoever sets rates on the page.
LARGEST_UNSEEN_PERCENT: Final = Decimal(10)
# Of each rate in force within so long: small steps come no further than one.
STEPS_COUNT_FOR: Final = timedelta(hours=24)

# To be told with the new rate.
_WHO_MAY: Final = (
    "If it is meant, somebody with a shell on the server confirms it: "
    "manage.py set_exchange_rate {rate.currency} {rate.units_per_usd:f} --by … --confirm."
)


class ExchangeRateInvalidError(RuleViolationError):
    """The currency or the rate cannot be used."""

    code = "validation_error"


class ExchangeRateJumpError(RuleViolationError):
    """The rate is far from one of the last day, or is the first, and nobody has confirmed it."""

    code = "validation_error"


class ExchangeRateReplacedError(ConflictError):
    """Another rate is in force than the one that was to be replaced."""

    code = "concurrent_update"


class ExchangeRateKeyReusedError(ConflictError):
    """The key was used for another rate."""

    code = "concurrent_update"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRate:
    """A rate to be set in place of the one with the id `replaces` (None: of none); `key` sets it once.

    `is_confirmed` says that somebody with a shell means it, however far it is from the rates of the last day.
    """

    currency: str
    units_per_usd: Decimal
    replaces: UUID | None
    is_confirmed: bool
    key: UUID


def set_exchange_rate(*, currency: str, units_per_usd: Decimal, by: User | None, now: datetime) -> ExchangeRate:
    """Set what a dollar costs in `currency` from `now` on, for a demonstration; people use `replace_exchange_rate`.

    `units_per_usd` has at most six decimals. Purchases already begun keep the rate stored on them.

    :raises ExchangeRateInvalidError: if the currency is not one of CURRENCIES, is the dollar itself,
        or the rate is not a positive number of at most six decimals.
    """
    _check_rate(currency, units_per_usd)
    return _insert(new_id(), currency, units_per_usd, by=by, now=now)


def replace_exchange_rate(*, rate: NewRate, by: User, now: datetime) -> ExchangeRate:
    """Set a rate as a member of staff does, who saw the one in force and how far the new one is from it.

    :raises PermissionDeniedError: if `by` may not set exchange rates.
    :raises ExchangeRateInvalidError: as `set_exchange_rate` does.
    :raises ExchangeRateReplacedError: if somebody set another rate meanwhile.
    :raises ExchangeRateJumpError: if it is not confirmed, and is the first of its currency or differs by more than
        LARGEST_UNSEEN_PERCENT from a rate that was in force within STEPS_COUNT_FOR.
    :raises ExchangeRateKeyReusedError: if the key was used for another rate.
    """
    if not by.has_perm(SET_PERMISSION):
        raise PermissionDeniedError("You may not set exchange rates.")
    _check_rate(rate.currency, rate.units_per_usd)
    with transaction.atomic(durable=True):
        replaced = _lock_newest(rate.currency)
        made = ExchangeRate.objects.filter(pk=rate.key).first()
        if made is not None:
            return _check_same(made, rate)
        _check_replaced(replaced, rate)
        obstacle = _find_jump(rate, now=now)
        if obstacle and not rate.is_confirmed:
            raise ExchangeRateJumpError(f"{obstacle} {_WHO_MAY.format(rate=rate)} Nothing was changed.")
        new = _insert(rate.key, rate.currency, rate.units_per_usd, by=by, now=now)
        record_action(
            by=by,
            action="exchange_rate.set",
            subject=rate.currency,
            reason=obstacle,
            before={"units_per_usd": str(replaced.units_per_usd)} if replaced else None,
            after={"units_per_usd": str(new.units_per_usd)},
        )
    return new


def find_bounds(currency: str, *, now: datetime) -> tuple[Decimal, Decimal] | None:
    """Return the lowest and the highest rate that need no confirmation now; None if any does.

    After a large change that somebody confirmed the lowest may be the higher of the two: then any other does too.
    """
    recent = [rate.units_per_usd for rate in selectors.list_rates_since(currency, since=now - STEPS_COUNT_FOR)]
    if not recent:
        return None
    share = LARGEST_UNSEEN_PERCENT / 100
    return max(recent) * (1 - share), min(recent) * (1 + share)


def find_change_percent(before: Decimal, after: Decimal) -> Decimal:
    """Return by how many percent `after` is more than `before`, rounded to two decimals."""
    return ((after - before) * 100 / before).quantize(CENTS)


def is_jump(before: Decimal, after: Decimal) -> bool:
    """Whether it takes a confirmation to come from the one rate to the other."""
    return abs(after - before) * 100 > LARGEST_UNSEEN_PERCENT * before


def _check_rate(currency: str, units_per_usd: Decimal) -> None:
    if currency not in settings.CURRENCIES or currency == BASE_CURRENCY:
        sellable = ", ".join(code for code in settings.CURRENCIES if code != BASE_CURRENCY)
        raise ExchangeRateInvalidError(f"{currency!r} has no exchange rate; use one of {sellable}.")
    if not units_per_usd.is_finite() or not 0 < units_per_usd < RATE_LIMIT:
        raise ExchangeRateInvalidError("The rate must be a positive number.")
    if units_per_usd != units_per_usd.quantize(RATE_PLACES):
        raise ExchangeRateInvalidError("The rate has more than six decimals.")


def _lock_newest(currency: str) -> ExchangeRate | None:
    """Let one person at a time replace the newest rate, and return it as it is then."""
    newest = ExchangeRate.objects.filter(currency=currency).order_by("-valid_from", "-id")
    # Whoever waited for the lock reads again: a newer one may have been set meanwhile.
    newest.select_for_update(no_key=True).values_list("pk").first()
    return newest.first()


def _check_same(made: ExchangeRate, rate: NewRate) -> ExchangeRate:
    if (made.currency, made.units_per_usd) != (rate.currency, rate.units_per_usd):
        raise ExchangeRateKeyReusedError(f"This key set another rate, {made}; nothing was changed now.")
    return made


def _check_replaced(replaced: ExchangeRate | None, rate: NewRate) -> None:
    if (replaced.pk if replaced else None) != rate.replaces:
        raise ExchangeRateReplacedError("Somebody set another rate meanwhile. Look again; nothing was changed.")


def _find_jump(rate: NewRate, *, now: datetime) -> str:
    """Return what is unusual about the rate, the newest of its currency being locked; nothing if nothing is."""
    recent = selectors.list_rates_since(rate.currency, since=now - STEPS_COUNT_FOR)
    if not recent:
        return f"{rate.units_per_usd:f} would be the first rate of {rate.currency}."
    for earlier in recent:
        if is_jump(earlier.units_per_usd, rate.units_per_usd):
            change = find_change_percent(earlier.units_per_usd, rate.units_per_usd)
            when = "is in force" if earlier == recent[0] else "was in force within the last 24 hours"
            return (
                f"{rate.units_per_usd:f} is {change:+} % against {earlier.units_per_usd.normalize():f}, which {when}."
            )
    return ""


def _insert(rate_id: UUID, currency: str, units_per_usd: Decimal, *, by: User | None, now: datetime) -> ExchangeRate:
    return ExchangeRate.objects.create(
        id=rate_id, currency=currency, units_per_usd=units_per_usd, valid_from=now, set_by=by, created_at=now
    )
