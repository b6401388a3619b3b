"""Changes of a body's bytes: what lines, proxies, encoders and attackers do to them."""

import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Final

LIMIT_BYTES: Final = 256 * 1024
_NUMBER: Final = re.compile(rb"(?<=[:\[, ])-?[0-9]+(?=[,\]}\s])")
_MEMBER: Final = re.compile(rb'"[a-z_]+"\s*:\s*("[^"\\]*"|[0-9]+|null)')
_NUMBERS: Final = (
    b"9" * 40,
    b"9" * 41,
    b"9" * 5000,
    b"-" + b"9" * 39,
    b"0." + b"1" * 38,
    b"0." + b"1" * 39,
    b"1e400",
    b"1e999999999999999999",
    b"1e1000000000000000000",
    b"0e-9999999999999999999999",
    b"-0",
    b"-0.0e-0",
    b"NaN",
    b"-Infinity",
    b"Infinity",
    b"01",
    b"+1",
    b"1.",
    b".5",
    b"0x10",
    b"1_000",
    b"1e",
    b"--1",
    "\u0661".encode(),
    b"18446744073709551615",
    b"True",
    b"nul",
    b"'1'",
)
_STRAYS: Final = (
    b"\x00",
    b"\xff",
    b"\xc0\x80",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\n",
    b"\\",
    b'"',
    b"{",
    b"]",
    b",",
)
_ENCODINGS: Final = ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7", "latin-1", "utf-8-sig", "cp037")


def choose(random: Random) -> Sequence[Callable[[Random, bytes], bytes]]:
    """Return what to do to one body, in most cases nothing or a single thing."""
    return random.choices(_CHANGES, _WEIGHTS, k=random.choice([0, 0, 0, 0, 1, 1, 1, 2]))


def flip_bits(random: Random, raw: bytes) -> bytes:
    flipped = bytearray(raw)
    for _ in range(random.choice([1, 1, 2, 8]) if raw else 0):
        flipped[random.randrange(len(raw))] ^= 1 << random.randrange(8)
    return bytes(flipped)


def cut_off(random: Random, raw: bytes) -> bytes:
    place = random.choice([1, max(len(raw) - 1, 0), random.randrange(len(raw) + 1)])
    return random.choice([raw[:place], raw[place:]])


def repeat(random: Random, raw: bytes) -> bytes:
    start = random.randrange(len(raw) + 1)
    end = random.randrange(start, len(raw) + 1)
    return random.choice([raw + raw, raw[:end] + raw[start:], b"[" + raw + b"," + raw + b"]", raw + b"\n" + raw])


def insert_stray(random: Random, raw: bytes) -> bytes:
    place = random.choice([0, len(raw), random.randrange(len(raw) + 1)])
    return raw[:place] + random.choice(_STRAYS) + raw[place:]


def repeat_member(random: Random, raw: bytes) -> bytes:
    members = list(_MEMBER.finditer(raw))
    if not members:
        return raw
    member = random.choice(members)
    again = random.choice([member[0], member[0].replace(b'"', b'"\\u0065', 1), member[0].replace(b"e", b"\\u0065", 1)])
    return raw[: member.start()] + again + b", " + raw[member.start() :]


def swap_number(random: Random, raw: bytes) -> bytes:
    numbers = list(_NUMBER.finditer(raw))
    if not numbers:
        return raw
    number = random.choice(numbers)
    return raw[: number.start()] + random.choice(_NUMBERS) + raw[number.end() :]


def encode_otherwise(random: Random, raw: bytes) -> bytes:
    return raw.decode(errors="replace").encode(random.choice(_ENCODINGS), errors="replace")


def pad(random: Random, raw: bytes) -> bytes:
    length = random.choice([len(raw) + 1, 10_000, LIMIT_BYTES - 1, LIMIT_BYTES, LIMIT_BYTES + 1, 2 * LIMIT_BYTES])
    return random.choice([raw.ljust(length), raw.rjust(length, random.choice([b" ", b"\n", b"\t"]))])


def nest(random: Random, raw: bytes) -> bytes:
    depth = random.choice([1, 63, 64, 65, 2_000, 20_000, 100_000])
    opening, closing = random.choice([(b"[", b"]"), (b'{"a":', b"}")])
    inner = opening * depth + random.choice([b"1", b"", raw]) + closing * random.choice([depth, depth - 1, 0])
    return random.choice([inner, b'{"event": "charge.success", "data": ' + inner + b"}"])


def fill_a_text(random: Random, raw: bytes) -> bytes:
    filling = random.choice([b"[", b"\\u0000", b"\\ud800", b"\\", b"{", b"'", "\u20ac".encode(), b"\x1f"])
    text = filling * (random.choice([10, 1000, LIMIT_BYTES - 100]) // len(filling))
    return raw.rstrip()[:-1] + b', "filling": "' + text + b'"}'


def form(random: Random, raw: bytes) -> bytes:
    return random.choice([b"payload=" + raw, b"--x\r\n\r\n" + raw + b"\r\n--x--", b"<event>" + raw + b"</event>"])


_WEIGHTED: Final[dict[Callable[[Random, bytes], bytes], int]] = {
    flip_bits: 30,
    cut_off: 15,
    repeat: 10,
    insert_stray: 15,
    repeat_member: 8,
    swap_number: 15,
    encode_otherwise: 5,
    pad: 2,
    nest: 4,
    fill_a_text: 3,
    form: 2,
}
_CHANGES: Final = list(_WEIGHTED)
_WEIGHTS: Final = list(_WEIGHTED.values())
