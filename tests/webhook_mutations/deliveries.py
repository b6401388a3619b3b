"""One delivery: a body, a signature and what stands around them."""

from dataclasses import dataclass, field
from random import Random
from typing import Final

from tests.webhook_mutations import bodies, envelopes, signatures

LIMIT_BYTES: Final = bodies.LIMIT_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A request to the webhook's address, as a WSGI server hands it over."""

    sent: bytes
    signature: str | None
    method: str = "POST"
    content_type: str | None = "application/json"
    announced_bytes: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    how: str = ""

    @property
    def received(self) -> bytes:
        """What can be read of the body: no more than was announced."""
        return self.sent if self.announced_bytes is None else self.sent[: self.announced_bytes]

    @property
    def is_too_large(self) -> bool:
        """Whether more was announced than the endpoint takes."""
        length = len(self.sent) if self.announced_bytes is None else self.announced_bytes
        return length > LIMIT_BYTES


def make_delivery(seed: int, index: int) -> Delivery:
    """Return the delivery that belongs to `seed` and `index`; every second one is signed as it is received."""
    random = Random(f"{seed}:{index}")
    raw, how = bodies.make_body(random)
    envelope = envelopes.make_envelope(random, len(raw))
    received = Delivery(sent=raw, signature=None, announced_bytes=envelope.announced_bytes).received
    choose = signatures.sign_well if index % 2 else signatures.sign_badly
    name, signature = choose(random, received)
    return Delivery(
        sent=raw,
        signature=signature,
        method=envelope.method,
        content_type=envelope.content_type,
        announced_bytes=envelope.announced_bytes,
        headers=envelope.headers,
        how=f"{how}, {name}, {envelope}"[:600],
    )
