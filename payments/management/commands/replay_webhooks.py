"""`manage.py replay_webhooks`: put events through the same processing again, or give them up."""

from argparse import ArgumentParser
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import User
from django.core.management.base import CommandError

from namaskah.command_actors import add_actor, get_actor
from namaskah.commands import OperatorCommand, read_moment, read_text
from namaskah.errors import DomainError
from namaskah.money import format_credits
from namaskah.rehearsals import rehearse
from payments.lifecycles import EventStatus
from payments.selectors import webhook_events
from payments.selectors.webhook_events import EventFilter
from payments.services import replay_plans, replays
from payments.services.replay_plans import PlannedReplay

_DEFAULT_LIMIT: Final = 100
_MAX_LIMIT: Final = 10_000
_DEFAULT_BATCH: Final = 50

# What is done with one event: its status then, and what went wrong.
Act = Callable[[UUID], tuple[str, str]]


class Command(OperatorCommand):
    """Replay webhook events, or dismiss them."""

    help = (
        "Put webhook events through the same processing again, now, one after the other. An event that had its effect "
        "changes nothing. --dry-run does the real thing, rolls it back, and prints what would change with a hash; "
        "--plan HASH applies only if the same would still happen. --dismiss gives up dead letters and events in "
        "quarantine instead: they stay as they are, and nobody processes them any more."
    )
    is_exclusive = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take which events, how many, and how."""
        parser.add_argument("ids", nargs="*", type=UUID, metavar="ID", help="events by their id")
        by_status = parser.add_mutually_exclusive_group()
        by_status.add_argument("--all-dead", action="store_true", help="every dead letter; short for --status dead")
        by_status.add_argument("--status", choices=EventStatus.values)
        parser.add_argument("--type", type=read_text, help="such as charge.success")
        parser.add_argument("--reference", type=read_text, help="events about this payment")
        parser.add_argument("--since", type=read_moment, help="received from then on, such as 2026-11-21T10:00Z")
        parser.add_argument("--until", type=read_moment, help="received before then")
        parser.add_argument(
            "--limit",
            type=int,
            default=_DEFAULT_LIMIT,
            help=f"at most so many, the oldest first: {_DEFAULT_LIMIT} unless told otherwise, {_MAX_LIMIT} at the most",
        )
        parser.add_argument(
            "--batch",
            type=int,
            default=_DEFAULT_BATCH,
            help=f"say how far it is after every so many, also in a log; {_DEFAULT_BATCH} unless told otherwise",
        )
        parser.add_argument(
            "--reason",
            type=read_text,
            default="",
            help="why; stands in the log of attempts. Needed but for --dry-run and --plan",
        )
        add_actor(parser, is_required=False, when="but for --dry-run")
        parser.add_argument("--dismiss", action="store_true", help="give the events up instead of replaying them")
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--plan", metavar="HASH", type=read_text, help="apply only if a dry run would print this hash")
        how.add_argument("--dry-run", action="store_true", help="show what would change, and change nothing")
        self.add_json(parser)

    def work(self, **options: Any) -> int:
        """Choose the events, plan if asked, and replay or dismiss them one by one."""
        if options["dismiss"] and options["plan"]:
            raise CommandError("--plan is for replays: --dismiss moves no money.", returncode=2)
        events = self._choose(options)
        reason = options["reason"].strip() or (f"plan {options['plan']}" if options["plan"] else "")
        if options["dry_run"]:
            return self._rehearse(events, options)
        if not reason:
            raise CommandError("Say why with --reason; it stands beside every attempt.", returncode=2)
        by = get_actor(options["by"])
        if options["dismiss"]:
            return self._go_through(events, lambda event_id: _dismiss(event_id, by=by, reason=reason), options)
        if options["plan"]:
            self._check_plan(self._plan(events), options["plan"])
        return self._go_through(events, lambda event_id: _replay(event_id, by=by, reason=reason), options)

    def _rehearse(self, events: list[UUID], options: dict[str, Any]) -> int:
        if not options["dismiss"]:
            return self._show_plan(self._plan(events), as_json=options["json"])

        def rehearse_dismissal(event_id: UUID) -> tuple[str, str]:
            with rehearse():
                return _dismiss(event_id, by=None, reason="rehearsal")

        return self._go_through(events, rehearse_dismissal, options)

    def _choose(self, options: dict[str, Any]) -> list[UUID]:
        if not 1 <= options["limit"] <= _MAX_LIMIT:
            raise CommandError(f"--limit must be from 1 to {_MAX_LIMIT}.", returncode=2)
        if options["batch"] < 1:
            raise CommandError("--batch must be 1 or more.", returncode=2)
        if options["since"] and options["until"] and options["since"] >= options["until"]:
            raise CommandError("--since must be before --until.", returncode=2)
        wanted = EventFilter(
            ids=tuple(options["ids"]),
            status=EventStatus.DEAD if options["all_dead"] else options["status"],
            event_type=options["type"],
            reference=options["reference"],
            since=options["since"],
            until=options["until"],
        )
        if len(wanted.ids) > options["limit"]:
            raise CommandError(f"{len(wanted.ids)} events are more than --limit allows.", returncode=2)
        if wanted.is_empty:
            raise CommandError("Name events, or narrow them down: --all-dead, --status, --reference, …", returncode=2)
        events = webhook_events.list_event_ids(wanted, limit=options["limit"] + 1)
        missing = set(options["ids"]) - set(events)
        if len(events) > options["limit"]:
            self.stderr.write(f"Only the oldest {options['limit']} were taken; --limit takes more.", style_func=str)
        if missing:
            raise CommandError(f"There is no such event among those asked for: {', '.join(map(str, sorted(missing)))}.")
        return events[: options["limit"]]

    def _plan(self, events: list[UUID]) -> list[PlannedReplay]:
        def tell(count: int) -> None:
            self.check_stop()
            self.show_progress(f"{count} of {len(events)} rehearsed")

        return replay_plans.plan_replays(events, progress=tell)

    def _check_plan(self, plan: list[PlannedReplay], expected: str) -> None:
        actual = replay_plans.hash_plan(plan)
        if actual != expected:
            raise CommandError(f"The world has changed: the plan is {actual} now, not {expected}. Look at it again.")

    def _show_plan(self, plan: list[PlannedReplay], *, as_json: bool) -> int:
        total = sum((planned.total for planned in plan), Decimal(0))
        if as_json:
            events = [replay_plans.as_dictionary(planned) for planned in plan]
            self.print_json({"plan": replay_plans.hash_plan(plan), "total": format_credits(total), "events": events})
            return 0
        for planned in plan:
            self.say(replay_plans.tell(planned))
        self.say(
            f"{len(plan)} event{'s' * (len(plan) != 1)}, {format_credits(total)} credits in all. Nothing was changed."
        )
        self.say(f"Apply it with --plan {replay_plans.hash_plan(plan)} --by …")
        return 0

    def _go_through(self, events: list[UUID], act: Act, options: dict[str, Any]) -> int:
        done = EventStatus.DISMISSED if options["dismiss"] else EventStatus.PROCESSED
        would_be = "would be " if options["dry_run"] else ""
        failed = 0
        for number, event_id in enumerate(events, start=1):
            self.check_stop()
            self.show_progress(f"{number} of {len(events)}")
            status, error = act(event_id)
            failed += status != done or bool(error)
            if options["json"]:
                self.print_json({"event": event_id, "status": status, "error": error, "dry_run": options["dry_run"]})
            else:
                self.say(f"{event_id}  {would_be if status == done else ''}{status}{f': {error}' if error else ''}")
            if number % options["batch"] == 0 and number < len(events):
                self.stderr.write(f"{number} of {len(events)} done with, {failed} not {done}", style_func=str)
        if not options["json"]:
            self.say(f"{len(events) - failed} {would_be}{done}, {failed} not.")
        return 1 if failed else 0


def _replay(event_id: UUID, *, by: User, reason: str) -> tuple[str, str]:
    try:
        result = replays.replay_event(event_id=event_id, by=by, reason=reason)
    except DomainError as error:
        return "refused", error.detail
    return result.status, result.error and f"{result.error_class}: {result.error}"


def _dismiss(event_id: UUID, *, by: User | None, reason: str) -> tuple[str, str]:
    try:
        replays.dismiss_event(event_id=event_id, by=by, reason=reason)
    except DomainError as error:
        return "refused", error.detail
    return EventStatus.DISMISSED, ""
