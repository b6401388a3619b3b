"""`manage.py reset_second_factor USERNAME --by NAME --reason TEXT`: for when the only superuser lost theirs."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandError

from namaskah.back_office import staff
from namaskah.command_actors import add_actor, check_said, get_actor
from namaskah.commands import OperatorCommand, read_text


class Command(OperatorCommand):
    """Reset a second factor."""

    help = "Forget a member's authenticator app and recovery codes and end their sessions: they enrol anew."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take whose it is, who does it, and why."""
        parser.add_argument("username", type=read_text)
        add_actor(parser)
        parser.add_argument("--reason", type=read_text, required=True, help="why; it stands in the audit log")
        self.add_dry_run(parser, "say whose it would be and change nothing")
        self.add_json(parser)

    def work(self, **options: Any) -> int:
        """Find the member, and reset it."""
        by = get_actor(options["by"])
        reason = check_said(options["reason"], "--reason")
        member = User.objects.filter(username=options["username"], is_staff=True).first()
        if member is None:
            raise CommandError(f"There is no member of the staff {options['username']!r}.")
        if not options["dry_run"]:
            staff.reset_second_factor_from_shell(user_id=member.pk, reason=reason, by=by)
        self._report(member, options=options)
        return 0

    def _report(self, member: User, *, options: dict[str, Any]) -> None:
        if options["json"]:
            self.print_json({"username": member.get_username(), "dry_run": options["dry_run"]})
        elif options["dry_run"]:
            self.say(f"Would reset the second factor of {member.get_username()}.")
        else:
            self.say(f"The second factor of {member.get_username()} is reset; they enrol anew at the next log-in.")
