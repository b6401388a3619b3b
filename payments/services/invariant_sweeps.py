"""Checking the laws again and again: every few minutes for the users whose rows changed, once a day for everybody.

A sweep of some users shows each law a part of the tables under their own names, so that there is one catalogue.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.db import connection, transaction

from namaskah.identifiers import find_first_id
from payments.services import invariants
from payments.services.invariants import Invariant, Violation

logger = structlog.get_logger(__name__)

# Longer than what lies between two sweeps, so that one that is missed leaves no gap.
CHANGED_WITHIN: Final = timedelta(minutes=20)
# A payment changes within the janitor's three days; what changes later has a ledger entry, or a new hold.
_PAYMENTS_CHANGE_WITHIN: Final = timedelta(days=4)
_SHOWN: Final = 3

_CHANGED_USERS: Final = """
SELECT wallet.user_id FROM wallets AS wallet JOIN sms_transactions AS entry ON entry.wallet_id = wallet.id
WHERE entry.id >= %(new)s
UNION SELECT wallet.user_id FROM wallets AS wallet JOIN holds AS hold ON hold.wallet_id = wallet.id
WHERE hold.id >= %(new)s
UNION SELECT user_id FROM payment_logs WHERE id >= %(recent)s AND updated_at >= %(since)s
"""
# Within its own definition each name still means the whole table.
_PART: Final = """
WITH wallets AS (SELECT * FROM wallets WHERE user_id = ANY (%(users)s)),
payment_logs AS (SELECT * FROM payment_logs WHERE user_id = ANY (%(users)s)),
idempotency_keys AS (SELECT * FROM idempotency_keys WHERE user_id = ANY (%(users)s)),
receivables AS (SELECT * FROM receivables WHERE user_id = ANY (%(users)s)),
sms_transactions AS (SELECT * FROM sms_transactions WHERE wallet_id IN (SELECT id FROM wallets)),
credit_adjustments AS (SELECT * FROM credit_adjustments
    WHERE user_id = ANY (%(users)s) OR ledger_entry_id IN (SELECT id FROM sms_transactions)),
holds AS (SELECT * FROM holds WHERE wallet_id IN (SELECT id FROM wallets)),
refunds AS (SELECT * FROM refunds WHERE payment_id IN (SELECT id FROM payment_logs)),
disputes AS (SELECT * FROM disputes WHERE payment_id IN (SELECT id FROM payment_logs)),
webhook_events AS (SELECT * FROM webhook_events WHERE id IN (
    SELECT id FROM webhook_events WHERE reference <> '' AND reference IN (SELECT reference FROM payment_logs)
    UNION SELECT id FROM webhook_events WHERE id >= %(new)s
)),
webhook_attempts AS (SELECT * FROM webhook_attempts WHERE event_id IN (SELECT id FROM webhook_events)),
gateway_calls AS (SELECT * FROM gateway_calls WHERE payment_id IN (SELECT id FROM payment_logs)),
audit_log AS (SELECT * FROM audit_log WHERE id >= %(new)s),
notes AS (SELECT * FROM notes WHERE created_at >= %(since)s)
"""


@dataclass(frozen=True, slots=True)
class Part:
    """The users whose rows changed, and the first id of whatever is as new."""

    users: tuple[int, ...]
    first_new_id: UUID
    since: datetime


def sweep_changes(*, now: datetime) -> list[Violation]:
    """Check the laws for all users of whom a payment, a ledger entry or a hold is new or changed."""
    laws = invariants.load_invariants()
    with transaction.atomic(durable=True):
        invariants.begin_snapshot()
        with connection.cursor() as cursor:
            # Of few users there is an index for everything; the planner cannot know how few they are.
            cursor.execute("SET LOCAL enable_seqscan = off")
        part = find_changes(now=now)
        found = invariants.find_violations([narrow(law, part) for law in laws if law.scope != "day"])
    _report(found, users=len(part.users))
    return found


def sweep_everything() -> list[Violation]:
    """Check every law for every row, which takes as long as reading the tables."""
    found = invariants.check_invariants()
    _report(found, users=None)
    return found


def find_changes(*, now: datetime) -> Part:
    """Return what is new or changed since shortly before `now`."""
    since = now - CHANGED_WITHIN
    new, recent = find_first_id(since), find_first_id(now - _PAYMENTS_CHANGE_WITHIN)
    with connection.cursor() as cursor:
        cursor.execute(_CHANGED_USERS, {"new": new, "recent": recent, "since": since})
        return Part(users=tuple(row[0] for row in cursor.fetchall()), first_new_id=new, since=since)


def narrow(law: Invariant, part: Part) -> Invariant:
    """Return the law as it looks at this part of the tables alone; one that is about no user's rows as it is."""
    if law.scope != "users":
        return law
    with connection.cursor() as cursor:
        names = cursor.mogrify(
            _PART, {"users": list(part.users), "new": part.first_new_id, "since": part.since}
        ).decode()
    return replace(law, query=names + law.query)


def _report(found: Sequence[Violation], *, users: int | None) -> None:
    for violation in found:
        if violation.not_checked:
            logger.error("invariant_not_checked", invariant=violation.invariant.name, reason=violation.not_checked)
            continue
        logger.error(
            "invariant_violated",
            invariant=violation.invariant.name,
            law=violation.invariant.law,
            count=violation.count,
            rows=violation.rows[:_SHOWN],
            runbook=violation.invariant.runbook,
        )
    not_checked = sum(bool(violation.not_checked) for violation in found)
    logger.info("invariants_swept", users=users, violated=len(found) - not_checked, not_checked=not_checked)
