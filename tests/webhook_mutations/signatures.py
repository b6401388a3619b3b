"""Signatures that are good, and every way in which they are not."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from random import Random
from typing import Any, Final

from tests.events import SECRET_KEY, sign

PREVIOUS_KEY: Final = "sk_test_before_the_rotation"
KEYS: Final = (SECRET_KEY, PREVIOUS_KEY)
_OTHER_KEYS: Final = (
    "",
    "sk_test_another",
    SECRET_KEY[:-1],
    f"{SECRET_KEY}\n",
    f"{SECRET_KEY}\x00\x01",
    SECRET_KEY.upper(),
    SECRET_KEY.replace("sk_", "pk_"),
    f"Bearer {SECRET_KEY}",
)
_PADDINGS: Final = (" ", "\t", "\n", "\r\n", "\x00", "0", ",", ";", '"', "=", "\xa0", "\x85")
_PREFIXES: Final = ("sha512=", "sha512:", "v1=", "t=1,v1=", "0x", "hmac-sha512 ")
_STRAY: Final = ("\xe9", "\xb2", "\xff", "\x00", "\x80", "g", "O", "l", " ", "-")


def sign_well(random: Random, raw: bytes) -> tuple[str, str]:
    """Return the signature that Paystack would send, under the key of today or of before."""
    return "signed", sign(raw, key=random.choice(KEYS))


def sign_badly(random: Random, raw: bytes) -> tuple[str, str | None]:
    """Return the name of a fault and a signature that has it; None stands for no header."""
    forge = random.choice(_FORGERIES)
    return forge.__name__.strip("_"), forge(random, raw)


def _missing(_random: Random, _raw: bytes) -> None:
    return None


def _empty(random: Random, _raw: bytes) -> str:
    return random.choice(["", " ", "0" * 128, "f" * 128, "null", "undefined"])


def _upper_case(random: Random, raw: bytes) -> str:
    signature = sign(raw)
    letter = random.choice([digit for digit in "abcdef" if digit in signature])
    return random.choice([signature.upper(), signature.replace(letter, letter.upper(), 1)])


def _padded(random: Random, raw: bytes) -> str:
    padding = random.choice(_PADDINGS) * random.choice([1, 1, 5000])
    return random.choice([sign(raw) + padding, padding + sign(raw), padding + sign(raw) + padding])


def _cut(random: Random, raw: bytes) -> str:
    length = random.choice([1, 8, 64, 127, random.randrange(1, 128)])
    return random.choice([sign(raw)[:length], sign(raw)[-length:]])


def _twice(random: Random, raw: bytes) -> str:
    # A server joins headers that came twice.
    other = random.choice([sign(raw), "0" * 128, ""])
    return random.choice([",", ", ", ""]).join(random.sample([sign(raw), other], 2))


def _prefixed(random: Random, raw: bytes) -> str:
    return random.choice(_PREFIXES) + sign(raw)


def _of_another_body(random: Random, raw: bytes) -> str:
    others = [raw + b"\n", raw + b" ", raw.strip() + b"\x00", raw[:-1] + b"\x00", raw * 2 + b"\x00", b"{}\x00"]
    return sign(random.choice(others), key=random.choice(KEYS))


def _of_a_body_written_again(random: Random, raw: bytes) -> str:
    try:
        event = json.loads(raw)
    except (ValueError, RecursionError):
        return sign(raw.hex().encode())
    # A body that is written again as it came is told apart by a blank.
    return sign(json.dumps(event, indent=random.choice([None, 1, 2])).encode() + b" ")


def _of_another_key(random: Random, raw: bytes) -> str:
    return sign(raw, key=random.choice(_OTHER_KEYS))


def _of_another_hash(random: Random, raw: bytes) -> str:
    name = random.choice(["sha256", "sha1", "md5", "sha3_512", "blake2b", "sha384"])
    keyed = hmac.new(SECRET_KEY.encode(), raw, name).hexdigest()
    plain = hashlib.new(random.choice([name, "sha512"]), SECRET_KEY.encode() + raw).hexdigest()
    return random.choice([keyed, plain, (keyed * 4)[:128]])


def _in_another_alphabet(random: Random, raw: bytes) -> str:
    digest = bytes.fromhex(sign(raw))
    return random.choice(
        [base64.b64encode(digest).decode(), base64.b32encode(digest).decode(), digest.decode("latin-1")]
    )


def _stray_character(random: Random, raw: bytes) -> str:
    place = random.randrange(128)
    stray = random.choice(_STRAY)
    return random.choice([sign(raw)[:place] + stray + sign(raw)[place + 1 :], stray * 128])


def _one_digit_off(random: Random, raw: bytes) -> str:
    place = random.randrange(128)
    signature = sign(raw, key=random.choice(KEYS))
    other = random.choice([digit for digit in "0123456789abcdef" if digit != signature[place]])
    return signature[:place] + other + signature[place + 1 :]


def _random_digits(random: Random, _raw: bytes) -> str:
    return random.randbytes(64).hex()


_FORGERIES: Final[list[Callable[[Random, bytes], Any]]] = [
    _missing,
    _empty,
    _upper_case,
    _padded,
    _cut,
    _twice,
    _prefixed,
    _of_another_body,
    _of_a_body_written_again,
    _of_another_key,
    _of_another_hash,
    _in_another_alphabet,
    _stray_character,
    _one_digit_off,
    _random_digits,
]
