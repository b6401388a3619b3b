"""`manage.py check_invariants`: what must always be true, checked now."""

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from namaskah.commands import OperatorCommand
from payments.services import invariants
from payments.services.invariants import Invariant, Violation


class Command(OperatorCommand):
    """Check the invariants."""

    help = "Check what must always be true of wallets, ledger, payments and events, in one snapshot."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the form of the answer."""
        self.add_json(parser)

    def work(self, **options: Any) -> int:
        """Check, and tell each broken law with its first rows, and each that could not be checked."""
        laws = invariants.load_invariants()
        found = invariants.check_invariants(self._one_by_one(laws))
        broken = [violation for violation in found if not violation.not_checked]
        unchecked = {violation.invariant.name: violation.not_checked for violation in found if violation.not_checked}
        checked = len(laws) - len(unchecked)
        if options["json"]:
            told = {
                violation.invariant.name: {"rows": violation.count, "first": violation.rows} for violation in broken
            }
            self.print_json({"checked": checked, "violations": told, "not_checked": unchecked})
            return 1 if found else 0
        for violation in broken:
            self._tell(violation)
        for name, reason in unchecked.items():
            self.say(f"{name}: not checked: {reason}")
        more = f", {len(unchecked)} not checked" if unchecked else ""
        self.say(f"{checked} invariants checked, {len(broken)} violated{more}.")
        return 1 if found else 0

    def _tell(self, violation: Violation) -> None:
        law = violation.invariant
        self.say(f"{law.name}: {violation.count} rows. {law.law} See the runbook, {law.runbook!r}.")
        for row in violation.rows:
            self.say(f"  {row}")

    def _one_by_one(self, laws: list[Invariant]) -> Iterator[Invariant]:
        for number, law in enumerate(laws, start=1):
            self.check_stop()
            self.show_progress(f"{number} of {len(laws)}: {law.name}")
            yield law
