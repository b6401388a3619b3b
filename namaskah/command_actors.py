"""Who acts through a command: a shell knows no staff member, so whoever uses it names themselves."""

from argparse import ArgumentParser

from django.contrib.auth.models import User
from django.core.management.base import CommandError


def add_actor(parser: ArgumentParser) -> None:
    """Take `--by`."""
    parser.add_argument("--by", metavar="USERNAME", required=True, help="who does this: their name stands on it")


def get_actor(username: str) -> User:
    """Return the active account that `--by` names; what it may do is the service's to check.

    :raises CommandError: if there is none.
    """
    actor = User.objects.filter(username=username, is_active=True).first()
    if actor is None:
        raise CommandError(
            f"There is no active account {username!r} to do this: name yourself with --by.", returncode=2
        )
    return actor


def check_said(value: str, option: str) -> str:
    """Return what was said under `option`, which must not be left out or blank.

    :raises CommandError: if it is.
    """
    if not value.strip():
        raise CommandError(f"Say why with {option}; it stands beside what is done.", returncode=2)
    return value.strip()
