"""Bodies: Paystack's documented events and the odd ones, changed as values or as bytes."""

import json
from pathlib import Path
from random import Random
from typing import Any, Final

from tests.events import charge_success
from tests.unit.payments.webhooks.odd_bodies import ODD_BODIES, REFERENCE
from tests.webhook_mutations import byte_changes, member_changes

LIMIT_BYTES: Final = byte_changes.LIMIT_BYTES
_SAMPLES: Final = Path(__file__).parents[1] / "contract" / "webhook_samples"
_DOCUMENTED: Final = [path.read_bytes() for path in sorted(_SAMPLES.iterdir())]
# Ours is the one that money hangs on, so it is changed as often as all of Paystack's together.
_OURS: Final = charge_success(reference=REFERENCE, amount_minor=4_125_000, transaction_id=302_961)
_EVENTS: Final = [*_DOCUMENTED, *[_OURS] * len(_DOCUMENTED)]
_ALL: Final = [*_EVENTS * 4, *(odd.raw for odd in ODD_BODIES)]


def make_body(random: Random) -> tuple[bytes, str]:
    """Return a body and what was done to it."""
    if random.randrange(2):
        raw, how = _change_members(random, random.choice(_EVENTS))
    else:
        raw, how = random.choice(_ALL), []
    for change in byte_changes.choose(random):
        raw = change(random, raw)
        how.append(change.__name__)
    return raw, " ".join(how) or "unchanged"


def _change_members(random: Random, raw: bytes) -> tuple[bytes, list[str]]:
    event: Any = json.loads(raw)
    how = []
    for change in member_changes.choose(random):
        change(random, event)
        how.append(change.__name__)
    return _write(random, event), how


def _write(random: Random, event: Any) -> bytes:
    text = json.dumps(
        event,
        ensure_ascii=bool(random.randrange(2)),
        indent=random.choice([None, None, 0, 2]),
        separators=random.choice([None, (",", ":"), (" ,\n", "\t:  ")]),
    )
    # A lone surrogate that was not escaped becomes three bytes that are no UTF-8.
    return text.encode(errors="surrogatepass")
