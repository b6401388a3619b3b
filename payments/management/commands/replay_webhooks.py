"""`manage.py replay_webhooks`: put events through the same processing again."""

from argparse import ArgumentParser
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.core.management.base import CommandError

from namaskah.commands import OperatorCommand, read_moment, read_text
from namaskah.errors import DomainError
from namaskah.money import format_credits
from payments.lifecycles import EventStatus
from payments.selectors import webhook_events
from payments.selectors.webhook_events import EventFilter
from payments.services import replay_plans, replays
from payments.services.replay_plans import PlannedReplay

_DEFAULT_LIMIT: Final = 100
_MAX_LIMIT: Final = 10_000
_DEFAULT_BATCH: Final = 50


class Command(OperatorCommand):
    """Replay webhook events."""

    help = (
        "Put webhook events through the same processing again, now, one after the other. An event that had its effect "
        "changes nothing. --dry-run does the real thing, rolls it back, and prints what would change with a hash; "
        "--plan HASH applies only if the same would still happen."
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
        parser.add_argument("--limit", type=int, default=_DEFAULT_LIMIT, help="at most so many, the oldest first")
        parser.add_argument(
            "--batch", type=int, default=_DEFAULT_BATCH, help="say how far it is after every so many, also in a log"
        )
        parser.add_argument(
            "--reason", type=read_text, default="", help="why; stands in the log of attempts. Needed but for --dry-run"
        )
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--plan", metavar="HASH", help="apply only if a dry run would print this hash now")
        how.add_argument("--dry-run", action="store_true", help="show what would change, and change nothing")
        self.add_json(parser)

    def work(self, **options: Any) -> int:
        """Choose the events, plan if asked, and replay them one by one."""
        events = self._choose(options)
        if options["dry_run"] or options["plan"]:
            plan = self._plan(events)
            if options["dry_run"]:
                return self._show_plan(plan, as_json=options["json"])
            self._check_plan(plan, options["plan"])
        elif not options["reason"].strip():
            raise CommandError("Say why with --reason; it stands beside every attempt.", returncode=2)
        return self._replay(events, options)

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
        self.say(f"Apply it with --plan {replay_plans.hash_plan(plan)} --reason …")
        return 0

    def _replay(self, events: list[UUID], options: dict[str, Any]) -> int:
        failed = 0
        for number, event_id in enumerate(events, start=1):
            self.check_stop()
            self.show_progress(f"{number} of {len(events)} replayed")
            status, error = self._replay_one(event_id, reason=options["reason"].strip() or f"plan {options['plan']}")
            failed += status != EventStatus.PROCESSED
            if options["json"]:
                self.print_json({"event": event_id, "status": status, "error": error})
            else:
                self.say(f"{event_id}  {status}{f': {error}' if error else ''}")
            if number % options["batch"] == 0 and number < len(events):
                self.stderr.write(f"{number} of {len(events)} replayed, {failed} not processed", style_func=str)
        if not options["json"]:
            self.say(f"{len(events) - failed} processed, {failed} not.")
        return 1 if failed else 0

    def _replay_one(self, event_id: UUID, *, reason: str) -> tuple[str, str]:
        try:
            result = replays.replay_event(event_id=event_id, by=None, reason=reason)
        except DomainError as error:
            return "refused", error.detail
        return result.status, result.error and f"{result.error_class}: {result.error}"
