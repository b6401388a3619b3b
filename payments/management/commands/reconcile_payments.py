"""`manage.py reconcile_payments --since --until [--fix]`: the gateway's books against ours."""

from argparse import ArgumentParser
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final

from django.core.management.base import CommandError
from django.utils import timezone

from namaskah.commands import OperatorCommand, read_moment
from payments.services import reconciliation
from payments.services.comparison import Difference
from payments.services.reconciliation import Reconciliation

_LONGEST: Final = timedelta(days=92)


class Command(OperatorCommand):
    """Reconcile a period."""

    help = (
        "Compare Paystack's transactions and refunds of a period with our payments, and keep every difference until it "
        "is repaired or gone. --fix credits what Paystack says was paid and books refunds made there; it never guesses."
    )
    is_exclusive = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the period, and whether to repair."""
        parser.add_argument("--since", type=read_moment, required=True, help="such as 2026-11-20 or 2026-11-20T10:00Z")
        parser.add_argument("--until", type=read_moment, required=True, help="not included; not in the future")
        parser.add_argument("--fix", action="store_true", help="repair what the gateway's evidence can repair")
        self.add_dry_run(parser, "compare and tell, and write nothing down")
        self.add_json(parser)

    def work(self, **options: Any) -> int:
        """Compare, and tell what differs."""
        now = timezone.now()
        since, until = options["since"], options["until"]
        if not since < until:
            raise CommandError("--since must be before --until.", returncode=2)
        if until > now:
            raise CommandError("--until is in the future: what has not ended cannot be reconciled.", returncode=2)
        if until - since > _LONGEST:
            raise CommandError(f"At most {_LONGEST.days} days at once.", returncode=2)
        if options["fix"] and options["dry_run"]:
            raise CommandError("--fix writes and --dry-run does not: choose one.", returncode=2)
        if options["dry_run"]:
            found = reconciliation.rehearse_reconciliation(since=since, until=until, now=now, progress=self._progress)
        else:
            found = reconciliation.reconcile(
                since=since, until=until, fix=options["fix"], now=now, progress=self._progress
            )
        return self._report(found, as_json=options["json"])

    def _progress(self, what: str, count: int) -> None:
        self.check_stop()
        self.show_progress(f"{count} {what}")

    def _report(self, found: Reconciliation, *, as_json: bool) -> int:
        if as_json:
            self.print_json(asdict(found))
        else:
            for difference in found.repaired:
                self.say(f"repaired  {_tell(difference)}")
            for difference in found.open:
                self.say(f"open      {_tell(difference)}")
            self.say(
                f"{found.transactions} transactions and {found.refunds} refunds at Paystack against {found.payments} "
                f"payments: {len(found.open)} open breaks, {len(found.repaired)} repaired."
            )
        return 1 if found.open else 0


def _tell(difference: Difference) -> str:
    return f"{difference.kind:<13} {difference.subject}  ours: {difference.ours}, Paystack: {difference.theirs}"
