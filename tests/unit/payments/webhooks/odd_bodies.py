"""Signed bodies that once broke somebody's endpoint, and what each is answered and kept as."""

from dataclasses import dataclass

from payments.lifecycles import EventStatus
from tests.events import charge_success

REFERENCE = "nmk-0123456789abcdefghjkmnpqrstvwxyz0123"
MALFORMED = "malformed_event"


@dataclass(frozen=True)
class OddBody:
    name: str
    raw: bytes
    status: EventStatus = EventStatus.QUARANTINED
    error_class: str = MALFORMED

    @property
    def is_refused(self) -> bool:
        return self.error_class in {MALFORMED, "reference_missing"}


def _charge(data: str) -> bytes:
    return f'{{"event": "charge.success", "data": {data}}}'.encode()


def _received(name: str, data: str) -> OddBody:
    return OddBody(name, _charge(data), EventStatus.RECEIVED, "")


def _without_reference(name: str, data: str) -> OddBody:
    return OddBody(name, _charge(data), error_class="reference_missing")


ODD_BODIES = [
    OddBody("empty", b""),
    OddBody("blank", b" \n"),
    OddBody("no JSON", b"event=charge.success"),
    OddBody("cut off", charge_success(reference=REFERENCE, amount_minor=1, transaction_id=1)[:-1]),
    OddBody("two values", b'{"event": "charge.success"} {}'),
    OddBody("null", b"null"),
    OddBody("number", b"1"),
    OddBody("text", b'"charge.success"'),
    OddBody("list", b'[{"event": "charge.success"}]'),
    OddBody("no event", b'{"data": {}}'),
    OddBody("event null", b'{"event": null}'),
    OddBody("event number", b'{"event": 1}'),
    OddBody("event list", b'{"event": ["charge.success"]}'),
    OddBody("event empty", b'{"event": ""}'),
    OddBody("event in capitals", b'{"event": "CHARGE.SUCCESS"}'),
    OddBody("event with NUL", b'{"event": "charge\\u0000success"}'),
    OddBody("event with a line break at its end", b'{"event": "charge.success\\n"}'),
    OddBody("event of 65 letters", b'{"event": "' + b"a" * 65 + b'"}'),
    OddBody("NaN", _charge(f'{{"reference": "{REFERENCE}", "amount": NaN}}')),
    OddBody("Infinity", _charge(f'{{"reference": "{REFERENCE}", "amount": -Infinity}}')),
    OddBody("event twice", b'{"event": "charge.success", "event": "charge.failed"}'),
    OddBody("reference twice", _charge(f'{{"reference": "{REFERENCE}", "reference": "nmk-1"}}')),
    OddBody("UTF-16", '{"event": "charge.success"}'.encode("utf-16")),
    OddBody("UTF-8 with a byte order mark", b'\xef\xbb\xbf{"event": "charge.success"}'),
    OddBody("broken UTF-8", b'{"event": "charge.success", "data": "\xff"}'),
    OddBody("NUL byte", b'{"event": "charge.success"}\x00'),
    OddBody("depth of 2000", b'{"event": "charge.success", "data": ' + b"[" * 2000 + b"]" * 2000 + b"}"),
    OddBody("number of 5000 digits", _charge('{"id": ' + "9" * 5000 + "}")),
    _without_reference("data missing", "{}"),
    _without_reference("data null", "null"),
    _without_reference("data list", "[]"),
    _without_reference("reference null", '{"reference": null}'),
    _without_reference("reference number", '{"reference": 1}'),
    _without_reference("reference empty", '{"reference": ""}'),
    _without_reference("reference of 101 letters", f'{{"reference": "{"a" * 101}"}}'),
    _without_reference("reference with NUL", '{"reference": "nmk-\\u0000"}'),
    _without_reference("reference with a lone surrogate", '{"reference": "nmk-\\ud800"}'),
    _without_reference("reference with a letter that only looks like one", '{"reference": "nmk-\u0430"}'),
    OddBody(
        "reference of another product", _charge('{"reference": "shop-1"}'), EventStatus.IGNORED, "foreign_reference"
    ),
    OddBody("live event", _charge(f'{{"reference": "{REFERENCE}", "domain": "live"}}'), error_class="wrong_domain"),
    OddBody("unknown event", b'{"event": "party.started", "data": {}}', EventStatus.IGNORED, "unknown_type"),
    OddBody("unknown event with a list", b'{"event": "a", "data": []}', EventStatus.IGNORED, "unknown_type"),
    _received("metadata empty", f'{{"reference": "{REFERENCE}", "metadata": ""}}'),
    _received("metadata zero", f'{{"reference": "{REFERENCE}", "metadata": 0}}'),
    _received("amount as text", f'{{"reference": "{REFERENCE}", "amount": "4125000"}}'),
    _received("NUL in metadata", f'{{"reference": "{REFERENCE}", "metadata": {{"note": "\\u0000"}}}}'),
    _received("lone surrogate in metadata", f'{{"reference": "{REFERENCE}", "metadata": {{"note": "\\ud800"}}}}'),
    _received("id as a truth value", f'{{"reference": "{REFERENCE}", "id": true}}'),
    _received("id beyond 64 bits", f'{{"reference": "{REFERENCE}", "id": 18446744073709551615}}'),
    _received("domain null", f'{{"reference": "{REFERENCE}", "domain": null}}'),
]
