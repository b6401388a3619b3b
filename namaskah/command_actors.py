"""Who acts through a command: a shell knows no staff member, so whoever uses it names themselves."""

from argparse import ArgumentParser

from django.contrib.auth.models import User
from django.core.management.base import CommandError

from namaskah.commands import read_text


def add_actor(parser: ArgumentParser, *, is_required: bool = True, when: str = "") -> None:
    """Take `--by`; where only some uses need it, `when` says which, and `get_actor` insists."""
    needed = f"; needed {when}" if when else ""
    parser.add_argument(
        "--by",
        metavar="USERNAME",
        type=read_text,
        required=is_required,
        default="",
        help=f"who does this: their name stands on it{needed}",
    )


def get_actor(username: str) -> User:
    """Return the active account that `--by` names; what it may do is the service's to check.

    :raises CommandError: if there is none, or none was named.
    """
    if not username:
        raise CommandError("Name yourself with --by; it stands beside what is done.", returncode=2)
    actor = User.objects.filter(username=username, is_active=True).first()
    if actor is None:
        raise CommandError(
            f"There is no active account {username!r} to do this: name yourself with --by.", returncode=2
        )
    return actor


def check_said(value: str, option: str, *, ask: str = "Say why") -> str:
    """Return what was said under `option`, which must not be left out or blank; `ask` is how it is asked for.

    :raises CommandError: if it is.
    """
    if not value.strip():
        raise CommandError(f"{ask} with {option}; it stands beside what is done.", returncode=2)
    return value.strip()
