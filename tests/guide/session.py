"""A shell in which somebody pastes the guide."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.guide.blocks import Block
from tests.processes.product import ROOT

_RUN = {"sh": '. "{file}"', "python": "python3 -"}


@dataclass(frozen=True)
class Outcome:
    status: int
    output: str


class Session:
    """One bash in the checkout. Its variables and functions stay from block to block."""

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        self._directory = directory
        self._shell = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],  # noqa: S607 -- the shell of whoever runs the tests
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, block: Block) -> Outcome:
        """Run a block as it stands; return the exit status of its last command and all that a person would see."""
        file = self._directory / f"line-{block.line}.{block.language}"
        file.write_text(block.text)
        output = file.with_suffix(".output")
        # Python reads its block from stdin, as when it is pasted; a shell's block reads nothing more.
        source = file if block.language == "python" else self._directory / "nothing"
        source.touch()
        command = _RUN[block.language].format(file=file)
        self._shell.stdin.write(f'{command} > "{output}" 2>&1 < "{source}"; echo "$?"\n')
        self._shell.stdin.flush()
        return Outcome(int(self._shell.stdout.readline()), output.read_text())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._shell.stdin.close()
        self._shell.wait()
        self._shell.stdout.close()
