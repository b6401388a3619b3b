"""Changes of an event's members: other types, other names, other places, other values."""

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from random import Random
from typing import Any, Final

from tests.unit.payments.webhooks.odd_bodies import REFERENCE

Event = dict[str, Any]

_VALUES: Final = (
    None,
    True,
    False,
    0,
    -1,
    2**63 - 1,
    2**63,
    10**39,
    10**40,
    0.1,
    -0.0,
    1e308,
    float("nan"),
    float("inf"),
    "",
    "0",
    "null",
    "nmk-",
    "\x00",
    "\ud800",
    "\udfff\ud800",
    "\u202e\ufeff\u0000",
    "\U0001f4b8" * 50,
    "'; DROP TABLE webhook_events; --",
    "%s%s%n{}{0}",
    [],
    {},
    [[]],
    {"reference": REFERENCE},
    [{"event": "charge.success"}],
)
_EVENTS: Final = (
    "charge.success",
    "charge.failed",
    "charge.success ",
    "Charge.Success",
    "charge.succe\u0455s",
    "charge.success\x00",
    "charge.success\n",
    "charge.dispute.create",
    "charge.dispute.resolve",
    "charge.dispute.",
    "refund.processed",
    "refund.needs-attention",
    "refund.needs_attention",
    "refund.",
    "transfer.success",
    "party.started",
    "a" * 64,
    "a" * 65,
    "...",
    "",
    "\ud83d",
)
_REFERENCES: Final = (
    REFERENCE,
    REFERENCE.upper(),
    f" {REFERENCE}",
    f"{REFERENCE}\n",
    f"{REFERENCE}\x00",
    "nmk-",
    "nmk-" + "a" * 96,
    "nmk-" + "a" * 97,
    "nmk\u2010a",
    "NMK-a",
    "shop-1",
    "../../etc/passwd",
    "nmk-'--",
)
_DOMAINS: Final = ("test", "live", "TEST", "", "test\n", None, 0, [], {"test": 1}, "\ud800")
_LENGTHS: Final = (1, 100, 101, 5_000, 200_000, 256 * 1024 - 500, 256 * 1024, 300_000)


def choose(random: Random) -> Sequence[Callable[[Random, Event], None]]:
    """Return what to do to one event, in most cases a single thing."""
    return random.choices(_CHANGES, _WEIGHTS, k=random.choice([1, 1, 1, 2, 3]))


def swap_value(random: Random, event: Event) -> None:
    holder = random.choice(list(_holders(event)))
    holder[_name(random, holder)] = deepcopy(random.choice(_VALUES))


def swap_values_of_two_members(random: Random, event: Event) -> None:
    first, second = random.choices(list(_holders(event)), k=2)
    this, that = _name(random, first), _name(random, second)
    # Not the other way round, for then a member might end inside itself.
    first[this] = str(second[that]) if isinstance(second[that], dict | list) else second[that]


def rename(random: Random, event: Event) -> None:
    holder = random.choice(list(_holders(event)))
    name = _name(random, holder)
    other = random.choice(
        [name.upper(), f"{name} ", f"{name}\x00", f"\ufeff{name}", "", "__proto__", "\ud800", "event"]
    )
    holder[other] = holder.pop(name)


def remove(random: Random, event: Event) -> None:
    holder = random.choice(list(_holders(event)))
    del holder[_name(random, holder)]


def add(random: Random, event: Event) -> None:
    holder = random.choice(list(_holders(event)))
    holder[random.choice(["id", "reference", "domain", "transaction", "metadata", "x" * 5000])] = deepcopy(
        random.choice(_VALUES)
    )


def change_event(random: Random, event: Event) -> None:
    event["event"] = random.choice(_EVENTS)


def change_reference(random: Random, event: Event) -> None:
    """Write another reference where some kind of event names its payment: of a charge, a refund, or a dispute."""
    data, reference = _data(event), random.choice(_REFERENCES)
    place = random.choice(["reference", "transaction_reference", "transaction"])
    data[place] = {"reference": reference} if place == "transaction" else reference


def move_reference(random: Random, event: Event) -> None:
    data = _data(event)
    reference = data.pop("reference", REFERENCE)
    place = random.choice([event, data.setdefault("transaction", {}), data.setdefault("metadata", {})])
    if isinstance(place, dict):
        place["reference"] = reference


def change_domain(random: Random, event: Event) -> None:
    _data(event)["domain"] = deepcopy(random.choice(_DOMAINS))


def change_money(random: Random, event: Event) -> None:
    _data(event)[random.choice(["amount", "requested_amount", "fees", "currency", "status", "id"])] = random.choice(
        [1, 0, -1, "4125000", 41_250.0, 10**30, True, None, "NGN", "success", "abandoned", [4_125_000]]
    )


def lengthen(random: Random, event: Event) -> None:
    holder = random.choice(list(_holders(event)))
    holder[_name(random, holder)] = random.choice('a\u00e9\x00\ud800\\"') * (random.choice(_LENGTHS) // 6)


def nest(random: Random, event: Event) -> None:
    inner: Any = {}
    for _ in range(random.choice([10, 60, 61, 62, 63, 64, 65, 300])):
        inner = [inner] if random.randrange(2) else {"a": inner}
    _data(event)["metadata"] = inner


_WEIGHTED: Final[dict[Callable[[Random, Event], None], int]] = {
    swap_value: 6,
    swap_values_of_two_members: 3,
    rename: 3,
    remove: 3,
    add: 2,
    change_event: 4,
    change_reference: 4,
    move_reference: 2,
    change_domain: 2,
    change_money: 4,
    lengthen: 1,
    nest: 1,
}
_CHANGES: Final = list(_WEIGHTED)
_WEIGHTS: Final = list(_WEIGHTED.values())


def _data(event: Event) -> Event:
    """Return `data`, made an object if an earlier change left something else in its place."""
    if not isinstance(event.get("data"), dict):
        event["data"] = {}
    found: Event = event["data"]
    return found


def _holders(value: Any) -> Iterator[Event]:
    """Yield every object that has members; an event without any gets one."""
    if isinstance(value, dict):
        if not value:
            value["event"] = "charge.success"
        yield value
        for member in list(value.values()):
            yield from _holders(member)
    elif isinstance(value, list):
        for member in value:
            yield from _holders(member)


def _name(random: Random, holder: Event) -> str:
    return random.choice(list(holder))
