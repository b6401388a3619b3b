"""Structured logs: one JSON object per line, readable on a terminal, without secrets."""

import logging
import logging.config
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Final

import structlog

_SECRET: Final = re.compile(
    r"sk_(?:live|test)_\w+|(?i:bearer)\s+[A-Za-z0-9._~+/=-]+|\b[0-9a-f]{128}\b|(?<=://)[^\s/@]+(?=@)"
)
# Without hyphens: groups of a UUID look like a card's.
_CARD: Final = re.compile(r"\b[0-9](?: ?[0-9]){12,18}\b")
_EMAIL: Final = re.compile(r"\b([A-Za-z0-9])[A-Za-z0-9._%+-]{0,63}@([A-Za-z0-9.-]{1,250}\.[A-Za-z]{2,})")


def mask(text: str) -> str:
    """Return `text` without keys, signatures, passwords in URLs, card numbers and full e-mail addresses."""
    return _CARD.sub(_mask_card, _EMAIL.sub(r"\1***@\2", _SECRET.sub("***", text)))


def _mask_card(match: re.Match[str]) -> str:
    """Mask what passes the check of card numbers (ISO/IEC 7812, Luhn); gateway ids are as long."""
    digits = [int(character) for character in reversed(match[0]) if character.isdigit()]
    total = sum(digits[0::2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return match[0] if total % 10 else "***"


def _mask_values(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name, value in event.items():
        event[name] = _mask_value(value)
    return event


def _mask_value(value: Any) -> Any:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, Mapping):
        return {name: _mask_value(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_mask_value(inner) for inner in value]
    return value if isinstance(value, int | float | None) else mask(str(value))


def _calm_rehearsal(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Raise no alarm about what failed in a rehearsal: whoever asked for it is told, and nothing happened."""
    if event.get("is_rehearsal"):
        event["level"] = "info"
        event.pop("exc_info", None)
    return event


def _has_traceback(record: logging.LogRecord) -> bool:
    """Drop Django's line per refusal: our own line per request says it too."""
    return bool(record.exc_info)


_SHARED: Final[list[Any]] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    _calm_rehearsal,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
]


def configure(level: str) -> None:
    """Send the logs of the product, Django, gunicorn and Celery through one formatter to standard error."""
    renderer: Any = structlog.processors.JSONRenderer()
    if sys.stderr.isatty():
        renderer = structlog.dev.ConsoleRenderer()
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _mask_values,
            renderer,
        ],
        "foreign_pre_chain": _SHARED,
    }
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"structured": formatter},
            "filters": {"has_traceback": {"()": lambda: _has_traceback}},
            "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "structured"}},
            "root": {"handlers": ["console"], "level": level},
            "loggers": {
                # The client logs a line per request with its full address; gateway_calls has the same.
                "httpx": {"level": "WARNING"},
                # A drain every second would bury everything else.
                "celery.app.trace": {"level": "WARNING"},
                "celery.beat": {"level": "WARNING"},
                "celery.worker.strategy": {"level": "WARNING"},
                "django.request": {"filters": ["has_traceback"]},
                # gunicorn brings handlers of its own; without them its lines take our way.
                "gunicorn.error": {"handlers": [], "propagate": True},
            },
        }
    )
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
