"""`manage.py check_invariants`: what must always be true, checked now."""

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from namaskah.commands import OperatorCommand
from payments.services import invariants
from payments.services.invariants import Invariant


class Command(OperatorCommand):
    """Check the invariants."""

    help = "Check what must always be true of wallets, ledger, payments and events, in one snapshot."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the form of the answer."""
        self.add_json(parser)

    def work(self, **options: Any) -> int:
        """Check, and tell each broken law with its first rows."""
        laws = invariants.load_invariants()
        violations = invariants.check_invariants(self._one_by_one(laws))
        if options["json"]:
            broken = {
                violation.invariant.name: {"rows": violation.count, "first": violation.rows} for violation in violations
            }
            self.print_json({"checked": len(laws), "violations": broken})
            return 1 if violations else 0
        for violation in violations:
            law = violation.invariant
            self.say(f"{law.name}: {violation.count} rows. {law.law} See the runbook, {law.runbook!r}.")
            for row in violation.rows:
                self.say(f"  {row}")
        self.say(f"{len(laws)} invariants checked, {len(violations)} violated.")
        return 1 if violations else 0

    def _one_by_one(self, laws: list[Invariant]) -> Iterator[Invariant]:
        for number, law in enumerate(laws, start=1):
            self.check_stop()
            self.show_progress(f"{number} of {len(laws)}: {law.name}")
            yield law
