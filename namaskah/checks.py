"""Refusing to start when misconfigured: one clear line, before anything is served."""

import logging
import re
import sys
import zoneinfo
from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.db import connection

_SECRET_KEY_LENGTH: Final = 32
_SECRET_KEY_FORM: Final = re.compile(r"sk_(?:test|live)_[A-Za-z0-9_]{8,}", re.ASCII)
_AMOUNTS: Final = ("MANUAL_CREDIT_APPROVAL_USD", "REFUND_APPROVAL_USD")
_POSITIVE: Final = (
    "PAYSTACK_CONNECT_TIMEOUT_SECONDS",
    "PAYSTACK_READ_TIMEOUT_SECONDS",
    "PAYMENT_LOCK_TIMEOUT_SECONDS",
    "PAYMENT_LOCK_WAIT_SECONDS",
    "PAYMENT_LOCK_REQUEST_WAIT_SECONDS",
    "IDEMPOTENCY_LEASE_SECONDS",
    "IDEMPOTENCY_TTL_HOURS",
    "EXCHANGE_RATE_MAX_AGE_HOURS",
)
_LARGEST_LIMIT: Final = 1_000_000
_DAY_SECONDS: Final = 24 * 60 * 60
_OLDEST_POSTGRES: Final = 140000
# No other database has the locks and triggers that money needs, so another one is never used by mistake.
_SCHEMES: Final = {
    "DATABASE_URL": ("postgresql", "postgres"),
    "DIRECT_DATABASE_URL": ("postgresql", "postgres"),
    "REDIS_URL": ("redis", "rediss", "unix"),
}


def find_faults() -> Iterator[str]:
    """Name each setting that this product must not run with, in the order to mend them."""
    yield from _find_server_faults()
    if not settings.PAYSTACK_SECRET_KEY:
        yield "PAYSTACK_SECRET_KEY is not set: nothing could be charged, and an empty key verifies no webhook."
    yield from _find_key_faults()
    if settings.GATEWAY_CONCURRENCY < 1:
        yield "GATEWAY_CONCURRENCY must be 1 or more."
    yield from _find_range_faults()
    if settings.LOG_LEVEL not in logging.getLevelNamesMapping():
        yield f"LOG_LEVEL {settings.LOG_LEVEL!r} is none; examples are INFO and WARNING."
    if settings.DEFAULT_CURRENCY not in settings.CURRENCIES:
        yield f"DEFAULT_CURRENCY must be one of {', '.join(settings.CURRENCIES)}."
    if settings.REPORT_TIME_ZONE not in zoneinfo.available_timezones():
        yield f"REPORT_TIME_ZONE {settings.REPORT_TIME_ZONE!r} is no time zone; an example is Africa/Lagos."
    if settings.DEBUG and settings.PAYSTACK_SECRET_KEY.startswith("sk_live_"):
        yield "DEBUG is on with a live Paystack key: turn one of them off."
    if settings.PAYSTACK_SECRET_KEY.startswith("sk_live_") and not settings.STAFF_SECOND_FACTOR:
        yield "STAFF_SECOND_FACTOR is off with a live Paystack key: a stolen password would be enough to give credits."
    if not settings.DEBUG:
        yield from _find_production_faults()


def _find_key_faults() -> Iterator[str]:
    """Every key that webhooks are verified with must be secret: a public or made-up one lets anybody sign."""
    for name in ("PAYSTACK_SECRET_KEY", "PAYSTACK_PREVIOUS_SECRET_KEY"):
        key = getattr(settings, name)
        if key and not _SECRET_KEY_FORM.fullmatch(key):
            yield f"{name} must be a secret key, sk_test_… or sk_live_…, without blanks: copy it again."
    previous = settings.PAYSTACK_PREVIOUS_SECRET_KEY
    if previous and _get_mode(previous) != _get_mode(settings.PAYSTACK_SECRET_KEY):
        yield "PAYSTACK_PREVIOUS_SECRET_KEY is of another mode than PAYSTACK_SECRET_KEY: remove it."


def _get_mode(key: str) -> str:
    return "_".join(key.split("_")[:2])


def _find_range_faults() -> Iterator[str]:
    if not settings.WEBHOOK_RETRY_SECONDS or not all(
        0 < wait < _DAY_SECONDS for wait in settings.WEBHOOK_RETRY_SECONDS
    ):
        yield "WEBHOOK_RETRY_SECONDS must be waits in seconds, such as 1,2,4."
    for name in _POSITIVE:
        if not 0 < getattr(settings, name) < _DAY_SECONDS:
            yield f"{name} must be more than 0."
    yield from _find_limit_faults()
    calls_seconds = 2 * (settings.PAYSTACK_CONNECT_TIMEOUT_SECONDS + settings.PAYSTACK_READ_TIMEOUT_SECONDS)
    if calls_seconds >= settings.IDEMPOTENCY_LEASE_SECONDS and not settings.DEBUG:
        yield f"IDEMPOTENCY_LEASE_SECONDS must exceed two calls of Paystack, {calls_seconds:.0f} s with your time-outs."
    if settings.TRUSTED_PROXY_COUNT < 0:
        yield "TRUSTED_PROXY_COUNT must be 0 or more."
    parts = urlsplit(settings.PAYSTACK_BASE_URL)
    is_local = parts.hostname in {"127.0.0.1", "localhost", "::1"}
    if parts.scheme != "https" and not (parts.scheme == "http" and is_local):
        yield "PAYSTACK_BASE_URL must begin with https://: the secret key travels there."


def _find_limit_faults() -> Iterator[str]:
    for name in _AMOUNTS:
        if not getattr(settings, name).is_finite() or getattr(settings, name) < 0:
            yield f"{name} must be an amount of 0 or more."
    for scope, limit in settings.RATE_LIMITS.items():
        if not 1 <= limit <= _LARGEST_LIMIT:
            yield f"RATE_LIMIT_{scope.upper()} must be from 1 to {_LARGEST_LIMIT} requests per minute."


def _find_server_faults() -> Iterator[str]:
    if not settings.DATABASE_URL:
        yield "DATABASE_URL is not set: name a Postgres database."
    if not settings.REDIS_URL:
        yield "REDIS_URL is not set: name a Redis or Valkey server."
    for name, schemes in _SCHEMES.items():
        scheme = urlsplit(getattr(settings, name)).scheme
        if getattr(settings, name) and scheme not in schemes:
            yield f"{name} begins with {scheme}://; it must be one of {', '.join(schemes)}."


def _find_production_faults() -> Iterator[str]:
    if settings.SECRET_KEY == settings.SAMPLE_SECRET_KEY or len(settings.SECRET_KEY) < _SECRET_KEY_LENGTH:
        yield f"SECRET_KEY must be your own and at least {_SECRET_KEY_LENGTH} characters long."
    if settings.PAYSTACK_SECRET_KEY.startswith("sk_test_") and not settings.ALLOW_TEST_KEY:
        yield "PAYSTACK_SECRET_KEY is a test key: use the live one, or set ALLOW_TEST_KEY=on."
    if "*" in settings.ALLOWED_HOSTS:
        yield "ALLOWED_HOSTS must name the hosts, not *."


def refuse_faulty_start() -> None:
    """End the process with one line if a setting is at fault; servers call it before they serve."""
    fault = next(find_faults(), None)
    if fault is not None:
        sys.exit(f"namaskah: {fault}")


@checks.register(checks.Tags.security)
def check_settings(**_: Any) -> list[checks.CheckMessage]:
    """Report faulty settings to `manage.py check`."""
    return [checks.Error(fault, id=f"namaskah.E{number:03}") for number, fault in enumerate(find_faults(), start=1)]


@checks.register(checks.Tags.database)
def check_database(*, databases: Sequence[str] | None = None, **_: Any) -> list[checks.CheckMessage]:
    """Report a server that is too old, or time-outs that a pooler has dropped; before every migration too."""
    if not databases:
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::int")
        version = cursor.fetchone()[0]
        cursor.execute("SELECT name, current_setting(name) FROM unnest(%s) AS name", [list(settings.DATABASE_TIMEOUTS)])
        actual = dict(cursor.fetchall())
    messages: list[checks.CheckMessage] = []
    if version < _OLDEST_POSTGRES:
        messages.append(
            checks.Error(f"Postgres 14 or newer is needed, this is {version // 10000}.", id="namaskah.E101")
        )
    for name, wanted in settings.DATABASE_TIMEOUTS.items():
        if actual[name] != wanted:
            hint = f"ALTER ROLE … SET {name} = '{wanted}' works behind a pooler too."
            messages.append(checks.Error(f"{name} is {actual[name]}, not {wanted}.", hint=hint, id="namaskah.E102"))
    return messages
