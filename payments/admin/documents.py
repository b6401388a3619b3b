"""What was sent and said, on a page: JSON as people read it, redacted, and bytes that are no JSON without harm."""

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from namaskah.api import strict_json
from payments.gateways.paystack.redaction import redact

# As deep as events are read when they come in.
_MAX_DEPTH: Final = 64
_SHOWN_BYTES: Final = 4_000
# Paystack's tokens for cards, and e-mail addresses: in what cannot be read as JSON, redaction finds neither.
_PRIVATE: Final = re.compile(r"AUTH_\w{1,64}|[\w.+-]{1,64}@[\w.-]{1,255}")
_LEFT_OUT: Final = "Who paid, with which card and from where is left out."


@dataclass(frozen=True, slots=True)
class Document:
    """A text that stands on a page as it is, under a heading; `note` says what was done to it."""

    title: str
    text: str
    note: str = ""


def show_json(title: str, value: Any, *, note: str = "") -> Document:
    """Return JSON on lines of its own, in which nothing is invisible."""
    return Document(title, _make_visible(json.dumps(value, indent=2, ensure_ascii=False, default=str)), note)


def show_body(raw: bytes, *, event_type: str) -> Document:
    """Return the body of a delivery: what is kept of gateway answers anywhere, or its beginning if it is no event."""
    size = f"{len(raw):,} byte{'s' * (len(raw) != 1)}"
    body = _read_object(raw)
    if body is None:
        return _show_odd_body(raw, size)
    shown = {"event": event_type or "unreadable", **redact(body)}
    return show_json("Body", shown, note=f"{size}, of which this is what matters here. {_LEFT_OUT}")


def _read_object(raw: bytes) -> dict[str, Any] | None:
    try:
        strict_json.loads(raw, max_depth=_MAX_DEPTH, allow_unsafe_text=True)
    except strict_json.MalformedJSONError:
        return None
    # Once more and plainly: redaction keeps the numbers of plain JSON.
    body = json.loads(raw)
    return body if isinstance(body, dict) else None


def _show_odd_body(raw: bytes, size: str) -> Document:
    text = _make_visible(raw[:_SHOWN_BYTES].decode(errors="backslashreplace"))
    is_cut = len(raw) > _SHOWN_BYTES
    note = f"{size} that are no event.{f' Its first {_SHOWN_BYTES:,} stand here.' if is_cut else ''}"
    return Document("Body", _PRIVATE.sub("…", text), f"{note} Cards' tokens and e-mail addresses are left out.")


def _make_visible(text: str) -> str:
    """Return the text with what cannot be seen, or turns a page around, written out."""
    return "".join(letter if letter.isprintable() or letter == "\n" else _spell(letter) for letter in text)


def _spell(letter: str) -> str:
    return letter.encode("unicode_escape").decode()
