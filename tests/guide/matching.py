"""Comparing what a command printed with what the guide shows."""

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.guide.blocks import Block

# What `dev.py` reports on stderr of steps that take longer than a second.
_PROGRESS = re.compile(r"^\[ *[0-9.]+ s\] .*\n", re.MULTILINE)


def list_differences(expected: Block | None, output: str) -> list[str]:
    """Return what differs; `…` stands for any text, and what the guide does not show must not be printed."""
    printed = _PROGRESS.sub("", output).strip("\r\n")
    if expected is None:
        return [f"printed: {printed}"] if printed else []
    if expected.language == "text":
        return list(_compare_lines(expected.text.splitlines(), printed.splitlines()))
    try:
        actual = json.loads(printed)
    except ValueError:
        return [f"no JSON: {printed}"]
    return list(_compare(json.loads(expected.text), actual, expected.varies, "$"))


def _compare_lines(expected: list[str], actual: list[str]) -> Iterator[str]:
    if len(expected) != len(actual):
        yield f"{len(actual)} lines, not {len(expected)}: {actual}"
    for wanted, line in zip(expected, actual, strict=False):
        if not _fits(wanted, line):
            yield f"{line!r}, not {wanted!r}"


def _compare(expected: Any, actual: Any, varies: frozenset[str], place: str) -> Iterator[str]:
    if type(expected) is not type(actual):
        yield f"{place}: {actual!r}, not {expected!r}"
    elif isinstance(expected, dict):
        if expected.keys() != actual.keys():
            yield f"{place}: members {sorted(actual)}, not {sorted(expected)}"
        for name in expected.keys() & actual.keys():
            if name not in varies or type(expected[name]) is not type(actual[name]):
                yield from _compare(expected[name], actual[name], varies, f"{place}.{name}")
    elif isinstance(expected, list):
        if len(expected) != len(actual):
            yield f"{place}: {len(actual)} items, not {len(expected)}"
        for number, (wanted, item) in enumerate(zip(expected, actual, strict=False)):
            yield from _compare(wanted, item, varies, f"{place}[{number}]")
    elif not (_fits(expected, actual) if isinstance(expected, str) else expected == actual):
        yield f"{place}: {actual!r}, not {expected!r}"


def _fits(expected: str, actual: str) -> bool:
    return re.fullmatch(".*".join(re.escape(part) for part in expected.split("…")), actual) is not None
