"""`dev.py check`: everything that can be said about the code without running the tests."""

import difflib
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from devtools.workflow import data_servers, dotenv, environments, progress
from devtools.workflow.checkout import Checkout

_TYPED = ("dev.py", "manage.py", "devtools", "namaskah", "billing", "payments", "examples")
_PIN = re.compile(r"^([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)
DESCRIPTION = "docs/openapi.yaml"
_SHOWN_LINES = 40
_LINT_IMPORTS = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"


@dataclass(frozen=True)
class Step:
    """One check; `find` returns nothing, or what is wrong."""

    name: str
    find: Callable[[progress.Ticker], str]


def run(checkout: Checkout) -> int:
    """Run every check, print a line for each, and return 1 if any failed."""
    data_servers.install(checkout, "check")
    with data_servers.own(checkout, "test") as (servers, _):
        results = [
            report(step)
            for step in steps(checkout, environments.for_servers(servers.urls, dotenv.configured(checkout.root)))
        ]
    return 0 if all(results) else 1


def report(step: Step) -> bool:
    """Run one check and print its line, and what is wrong below it."""
    began = time.monotonic()
    with progress.step(step.name) as tick:
        wrong = step.find(tick)
    print(f"{'FAILED' if wrong else 'ok    '} {time.monotonic() - began:5.1f} s  {step.name}", flush=True)
    if wrong:
        print(wrong, flush=True)
    return not wrong


def steps(checkout: Checkout, base: Mapping[str, str]) -> list[Step]:
    """Return the checks in order, the quick ones first."""
    ordinary = environments.for_tests(base)
    production = environments.for_deployment_check(base)

    def tool(name: str, *arguments: str, environment: Mapping[str, str] = ordinary) -> Step:
        command: list[str | Path] = [checkout.python, *arguments]
        return Step(name, partial(_run_tool, command, environment=environment, root=checkout.root))

    return [
        Step("lock files", lambda _: "\n".join(differing_pins(checkout.root))),
        tool("ruff format", "-m", "ruff", "format", "--check", "."),
        tool("ruff check", "-m", "ruff", "check", "."),
        tool("mypy", "-m", "mypy", *_TYPED),
        tool("import layers", "-c", _LINT_IMPORTS),
        tool("migrations", "manage.py", "makemigrations", "--check", "--dry-run"),
        tool(
            "deployment",
            "manage.py",
            "check",
            "--deploy",
            "--fail-level",
            "WARNING",
            environment=production,
        ),
        Step("OpenAPI", partial(_find_stale_description, checkout, environment=ordinary)),
    ]


def _run_tool(command: list[str | Path], tick: progress.Ticker, *, environment: Mapping[str, str], root: Path) -> str:
    answer = progress.run_and_capture(command, tick, environment=environment, root=root)
    if answer.returncode == 0:
        return ""
    return f"{answer.stdout}{answer.stderr}".strip() or f"exit status {answer.returncode}"


def _find_stale_description(checkout: Checkout, tick: progress.Ticker, *, environment: Mapping[str, str]) -> str:
    """Compare the description in docs/ with what the code says, which must be valid OpenAPI and complete."""
    command: list[str | Path] = [checkout.python, "manage.py", "spectacular", "--validate", "--fail-on-warn"]
    answer = progress.run_and_capture(command, tick, environment=environment, root=checkout.root)
    if answer.returncode != 0:
        return f"{answer.stdout}{answer.stderr}".strip()
    return differing_lines(checkout.root / DESCRIPTION, answer.stdout)


def differing_lines(file: Path, wanted: str) -> str:
    """Return how `file` differs from `wanted`, and how to write it anew; nothing if it does not."""
    kept = file.read_text() if file.exists() else ""
    difference = list(difflib.unified_diff(kept.splitlines(), wanted.splitlines(), "kept", "wanted", lineterm="", n=1))
    if not difference:
        return ""
    shown = "\n".join(difference[:_SHOWN_LINES])
    return f"{shown}\nWrite it anew: python3 dev.py manage spectacular --file {DESCRIPTION}"


def differing_pins(root: Path) -> list[str]:
    """Return the pins of each `requirements*.in` that its lock file does not have."""
    return [
        f"{source.name}: {name}=={version} is not in {source.stem}.txt: compile it again"
        for source in sorted(root.glob("requirements*.in"))
        for name, version in sorted(pins(source.read_text()) - pins(source.with_suffix(".txt").read_text()))
    ]


def pins(text: str) -> set[tuple[str, str]]:
    """Return the pinned packages, their names as the packaging specification normalizes them."""
    return {(re.sub(r"[-_.]+", "-", name).lower(), version) for name, version in _PIN.findall(text)}
