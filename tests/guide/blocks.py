"""Reading the fenced blocks of the guide."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "API_GUIDE.md"
COMMANDS = frozenset({"sh", "python"})
OUTPUTS = frozenset({"json", "text"})
# Shown and neither run nor compared.
SAMPLES = frozenset({"http"})
_FENCE = re.compile(r"^```(\S*)$")
_VARIES = re.compile(r"^<!-- varies: ([\w ]+) -->$")


@dataclass(frozen=True)
class Block:
    """A fenced block; `varies` names the members of which only the type is compared."""

    language: str
    text: str
    line: int
    section: str
    varies: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Step:
    """Something to run and what it shows, if the guide says so."""

    command: Block
    expected: Block | None


def read_blocks(text: str) -> Iterator[Block]:
    section, varies, opened, lines = "", frozenset[str](), None, []
    for number, line in enumerate(text.splitlines(), start=1):
        if opened is not None and line != "```":
            lines.append(line)
        elif opened is not None:
            language, began = opened
            yield Block(language, "".join(f"{inner}\n" for inner in lines), began, section, varies)
            opened, varies, lines = None, frozenset(), []
        elif fence := _FENCE.match(line):
            opened = (fence[1], number)
        elif marked := _VARIES.match(line):
            varies = frozenset(marked[1].split())
        elif line.startswith("## "):
            section = line.removeprefix("## ")


def list_steps(blocks: Sequence[Block]) -> list[Step]:
    """Return the commands in order, each with the output that the next block shows."""
    following = [*blocks[1:], None]
    return [
        Step(block, after if after is not None and after.language in OUTPUTS else None)
        for block, after in zip(blocks, following, strict=True)
        if block.language in COMMANDS
    ]


def list_orphans(blocks: Sequence[Block]) -> list[Block]:
    """Return outputs that no command comes before, and languages that nobody would run or compare."""
    known = COMMANDS | OUTPUTS | SAMPLES
    unknown = [block for block in blocks if block.language not in known]
    pairs = pairwise([None, *blocks])
    return unknown + [
        block
        for before, block in pairs
        if block.language in OUTPUTS and (before is None or before.language not in COMMANDS)
    ]
