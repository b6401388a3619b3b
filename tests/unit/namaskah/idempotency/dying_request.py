"""A keyed request that is killed after its first write: run as a process of its own, with a user and a key."""

import signal
import sys
from uuid import UUID

import django


def main() -> None:
    django.setup()
    from django.contrib.auth.models import User  # noqa: PLC0415 -- needs the set-up

    from tests.unit.namaskah.idempotency.steps import claim  # noqa: PLC0415 -- needs the set-up

    held = claim(User.objects.get(pk=int(sys.argv[1])), UUID(sys.argv[2]))
    held.advance("payment_created", resource="nmk-25")
    print("payment created", flush=True)  # noqa: T201 -- whoever kills it waits for this
    signal.pause()


if __name__ == "__main__":
    main()
