"""Requests that are sent until they are answered, whatever happens to the server, and what became of them."""

import uuid
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple, TypeVar

from django.contrib.auth.models import User
from django.db import connection

from billing.models import Wallet
from namaskah.idempotency.models import IdempotencyKey
from tests.factories.api_keys import make_api_key
from tests.processes.persistence import CUT_OFF, Answer, Request, send

CLIENTS = 60
READERS = 8
# What the documentation tells a client to wait for.
WAITS = {(409, "request_in_progress"), (503, "payment_busy")}
Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass
class Trial:
    """One request that a fault is planted for; `user` sends it, `customer` is whose wallet it is about.

    `left` is the key's recovery point and the number of rows made, as the fault left them.
    """

    fault: Any
    user: User
    customer: User
    request: Request
    left: tuple[str, int] | None = None
    answers: list[Answer] = field(default_factory=list)

    @property
    def key(self) -> str:
        return self.request.headers["Idempotency-Key"]

    @property
    def final(self) -> Answer:
        return self.answers[-1]

    @property
    def surprises(self) -> tuple[tuple[int, str], ...]:
        """Return what was answered before the end, but for lost connections and what is only to be waited for."""
        told = {(answer.status, answer.code) for answer in self.answers[:-1] if answer.status != CUT_OFF}
        return tuple(sorted(told - WAITS))


class Ending(NamedTuple):
    """How a keyed request ended: how far it came at first, its answer, and its key."""

    left: tuple[str, int] | None
    status: int
    surprises: tuple[tuple[int, str], ...] = ()
    is_replayed: bool = True
    key: str = "finished"
    is_held: bool = False


def make_trial(fault: Any, url: str, body: dict[str, Any], *, user: User, api_key: str, customer: User) -> Trial:
    request = Request.to_api(url, body, api_key=api_key, key=str(uuid.uuid4()))
    return Trial(fault, user, customer, request)


def make_client() -> tuple[User, str]:
    """Return a new user with an e-mail address, and an API key."""
    name = f"client-{uuid.uuid4()}"
    user = User.objects.create(username=name, email=f"{name}@example.com")
    return user, make_api_key(user)[1]


def do_together(work: Callable[[Item], Result], items: Iterable[Item], *, at_once: int = CLIENTS) -> list[Result]:
    """Do many things at once, in threads."""
    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(work, items))


def look(read: Callable[[Trial], Result], trial: Trial) -> Result:
    """Read the database in a thread: a client that goes on to wait for its answer keeps no connection."""
    with closing(connection):
        return read(trial)


def note_left(trial: Trial, count_rows: Callable[[Trial], int]) -> None:
    """Note how far the request came, before it is sent again."""
    trial.left = look(lambda _: (look_at_key(trial)[0], count_rows(trial)), trial)


def look_at_key(trial: Trial) -> tuple[str, bool]:
    """Return the key's recovery point ("" if there is none) and whether somebody holds it."""
    row = IdempotencyKey.objects.filter(user=trial.user, key=trial.key).first()
    return (row.recovery_point, row.owner_token is not None) if row else ("", False)


def find_balance(user: User) -> Decimal | None:
    """Return what is in the user's wallet, or None if there is none."""
    return Wallet.objects.filter(user=user).values_list("balance", flat=True).first()


def describe_ending(trial: Trial) -> Ending:
    """Send the request once more, and say what its answers and its key came to."""
    again = send(trial.request)
    is_replayed = again.is_replay and (again.status, again.content) == (trial.final.status, trial.final.content)
    return Ending(trial.left, trial.final.status, trial.surprises, is_replayed, *look_at_key(trial))


def tally(trials: Sequence[Trial], describe: Callable[[Trial], Hashable]) -> dict[str, Counter[Hashable]]:
    """Count, for each fault, what became of the requests."""
    tallies: dict[str, Counter[Hashable]] = {trial.fault.name: Counter() for trial in trials}
    for trial, outcome in zip(trials, do_together(partial(look, describe), trials, at_once=READERS), strict=True):
        tallies[trial.fault.name][outcome] += 1
    return tallies
