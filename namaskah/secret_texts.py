"""What must never be kept: card numbers and keys, wherever somebody types or pastes them."""

import re
from typing import Final
from unicodedata import category, normalize

# As the invariant no_secret_is_stored looks for them.
_SECRETS: Final = re.compile(
    r"\b[3-6][0-9]{3}([\s.-]?[0-9]{4}){2}[\s.-]?[0-9]{3,4}\b"
    r"|(sk_(live|test)_|AUTH_)[A-Za-z0-9]{8}|Bearer [A-Za-z0-9._-]{8}"
)
# Digits with what people put between those of a card.
_DIGITS: Final = re.compile(r"(?<![^\W_])[0-9]+(?:[\s.,_/\u2010-\u2015-]{1,3}[0-9]+)*(?![^\W_])")
# How the numbers of cards begin; those of the 2 series have sixteen digits, and telephone numbers less.
_BEGINNING: Final = re.compile(r"[3-6]|2[2-7][0-9]{14}$")
_LENGTHS: Final = range(13, 20)
# In groups of so many at least, or one by one or in pairs: what stands beside a card is seldom a part of it.
_SMALLEST_GROUP: Final = 3


def has_secret(text: str) -> bool:
    """Whether something in the text looks like the number of a card, in whatever digits and groups, or like a key."""
    plain = "".join(letter for letter in normalize("NFKC", text) if category(letter) != "Cf")
    return _SECRETS.search(plain) is not None or any(_has_card(run) for run in _DIGITS.findall(plain))


def _has_card(run: str) -> bool:
    groups = re.findall(r"[0-9]+", run)
    for start in range(len(groups)):
        is_small = len(groups[start]) < _SMALLEST_GROUP
        number = ""
        for group in groups[start:]:
            if (len(group) < _SMALLEST_GROUP) != is_small or len(number) > _LENGTHS[-1]:
                break
            number += group
            if len(number) in _LENGTHS and _BEGINNING.match(number) and _has_check_digit(number):
                return True
    return False


def _has_check_digit(number: str) -> bool:
    """Whether the last digit is right by Luhn's formula, as it is of every card (ISO/IEC 7812-1)."""
    odd = sum(int(digit) for digit in number[-1::-2])
    even = sum(sum(divmod(2 * int(digit), 10)) for digit in number[-2::-2])
    return (odd + even) % 10 == 0
