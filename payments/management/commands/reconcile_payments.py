"""`manage.py reconcile_payments --since --until [--fix]`: the gateway's books against ours."""

from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.core.management.base import CommandError
from django.utils import timezone

from namaskah.command_actors import add_actor, check_said, get_actor
from namaskah.commands import OperatorCommand, read_moment, read_text
from payments.lifecycles import TransitionSource
from payments.models import Cause
from payments.services import breaks, reconciliation
from payments.services.comparison import Difference
from payments.services.reconciliation import Reconciliation

_LONGEST: Final = timedelta(days=92)
_REASON_LENGTH: Final = 300


class Command(OperatorCommand):
    """Reconcile a period, or dismiss what a run found."""

    help = (
        "Compare Paystack's transactions, refunds and disputes of a period with our payments, and keep every "
        "difference until it is repaired or gone. --fix credits what Paystack says was paid, books refunds made there "
        "and follows its disputes; it never guesses. --dismiss closes one open break instead, which no run brings up "
        "again while both sides say the same. A long period is read day by day, and each day is kept as it ends."
    )
    is_exclusive = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the period and whether to repair, or a break to dismiss."""
        parser.add_argument("--since", type=read_moment, help="such as 2026-11-20 or 2026-11-20T10:00Z")
        parser.add_argument(
            "--until",
            type=read_moment,
            help=f"not included, not in the future, at most {_LONGEST.days} days after --since",
        )
        parser.add_argument("--fix", action="store_true", help="repair what the gateway's evidence can repair")
        parser.add_argument("--dismiss", type=UUID, metavar="ID", help="let the open break with this id be")
        parser.add_argument("--reason", type=read_text, default="", help="why it is let be; needed with --dismiss")
        add_actor(parser, is_required=False, when="with --fix and --dismiss")
        self.add_dry_run(parser, "compare and tell, and write nothing down")
        self.add_json(parser)

    def work(self, **options: Any) -> int:
        """Compare, and tell what differs; or dismiss."""
        now = timezone.now()
        if options["dismiss"]:
            return self._dismiss(options, now=now)
        _check_options(options, now=now)
        cause = reconciliation.CAUSE
        if options["fix"]:
            cause = Cause(source=TransitionSource.COMMAND, by=get_actor(options["by"]).username)
        found = [
            self._reconcile_day(since, until, options, with_open=since == options["since"], cause=cause, now=now)
            for since, until in _split(options["since"], options["until"])
        ]
        return self._report(_sum_up(found), as_json=options["json"])

    def _dismiss(self, options: dict[str, Any], *, now: datetime) -> int:
        for name in ("since", "until", "fix", "dry_run"):
            if options[name]:
                raise CommandError(f"--dismiss goes without --{name.replace('_', '-')}.", returncode=2)
        reason = check_said(options["reason"], "--reason")
        if len(reason) > _REASON_LENGTH:
            raise CommandError(f"--reason has at most {_REASON_LENGTH} characters.", returncode=2)
        by = get_actor(options["by"])
        dismissed = breaks.dismiss_break(break_id=options["dismiss"], by=by, reason=reason, now=now)
        told = {"id": dismissed.pk, "kind": dismissed.kind, "subject": dismissed.subject, "state": dismissed.state}
        if options["json"]:
            self.print_json(told)
        else:
            self.say(f"dismissed {dismissed.kind} {dismissed.subject}")
        return 0

    def _reconcile_day(
        self,
        since: datetime,
        until: datetime,
        options: dict[str, Any],
        *,
        with_open: bool,
        cause: Cause,
        now: datetime,
    ) -> Reconciliation:
        def tell(what: str, count: int) -> None:
            self.check_stop()
            self.show_progress(f"{since:%Y-%m-%d}: {count} {what}")

        period = {"since": since, "until": until}
        if options["dry_run"]:
            return reconciliation.rehearse_reconciliation(**period, now=now, progress=tell, with_open=with_open)
        return reconciliation.reconcile(
            **period, fix=options["fix"], cause=cause, now=now, progress=tell, with_open=with_open
        )

    def _report(self, found: Reconciliation, *, as_json: bool) -> int:
        if as_json:
            self.print_json(asdict(found))
        else:
            for difference in found.repaired:
                self.say(f"repaired  {_tell(difference)}")
            for difference in found.open:
                self.say(f"open      {_tell(difference)}{_tell_age(difference)}")
            self.say(
                f"{found.transactions} transactions, {found.refunds} refunds and {found.disputes} disputes at Paystack "
                f"against {found.payments} payments: {len(found.open)} open breaks, {len(found.repaired)} repaired."
            )
        return 1 if found.open else 0


def _check_options(options: dict[str, Any], *, now: datetime) -> None:
    since, until = options["since"], options["until"]
    missing = [f"--{name}" for name in ("since", "until") if options[name] is None]
    if missing:
        raise CommandError(f"Error: the following arguments are required: {', '.join(missing)}", returncode=2)
    if not since < until:
        raise CommandError("--since must be before --until.", returncode=2)
    if until > now:
        raise CommandError("--until is in the future: what has not ended cannot be reconciled.", returncode=2)
    if until - since > _LONGEST:
        raise CommandError(f"At most {_LONGEST.days} days at once.", returncode=2)
    if options["fix"] and options["dry_run"]:
        raise CommandError("--fix writes and --dry-run does not: choose one.", returncode=2)
    if options["reason"]:
        raise CommandError("--reason says why a break is dismissed: it goes with --dismiss.", returncode=2)


def _split(since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Return the days of a period, so that no more than one is held in memory."""
    while since < until:
        end = min(since + timedelta(days=1), until)
        yield since, end
        since = end


def _sum_up(days: Sequence[Reconciliation]) -> Reconciliation:
    """Add the days up; a payment that two of them tell of counts for both, a difference once."""
    still = {(difference.kind, difference.subject): difference for day in days for difference in day.open}
    return Reconciliation(
        transactions=sum(day.transactions for day in days),
        payments=sum(day.payments for day in days),
        refunds=sum(day.refunds for day in days),
        disputes=sum(day.disputes for day in days),
        open=list(still.values()),
        repaired=[difference for day in days for difference in day.repaired],
    )


def _tell(difference: Difference) -> str:
    return f"{difference.kind:<13} {difference.subject}  ours: {difference.ours}, Paystack: {difference.theirs}"


def _tell_age(difference: Difference) -> str:
    """Say since when it is known and by which id it is dismissed; a rehearsal has kept nothing."""
    if difference.first_seen_at is None:
        return ""
    return f"  since {difference.first_seen_at.astimezone(UTC):%Y-%m-%dT%H:%MZ}  break {difference.break_id}"
