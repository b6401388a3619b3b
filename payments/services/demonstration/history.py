"""Thirty days of a made-up business. Every part is made once: a run that was cut off is gone on with by the next."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from django.contrib.auth.models import User

from namaskah.audit.models import AuditEntry
from payments.lifecycles import PaymentState
from payments.models import PaymentLog, ReconciliationBreak, WebhookEvent
from payments.services import reviews
from payments.services.demonstration import hands, people, plan, refunds
from payments.services.demonstration.payments import BY_CLIENT, expire, make_payment
from payments.services.demonstration.refunds import Team

# One payment of so many is spent in part.
_SPENT_OF: Final = 3
_CASES: Final = ("amount_mismatch", "dispute_soon", "refund_needs_attention", "dead_letter", "paid_twice", "overpaid")


def seed_history(*, now: datetime, check_stop: Callable[[], None] = lambda: None) -> int:
    """Make what is missing of the history; return how many payments were made.

    `check_stop` is called between payments, and may raise.
    """
    staff = {user.username: user for user in User.objects.filter(username__in=[people.ADMINISTRATOR, *people.STAFF])}
    software = User.objects.get(username=people.SERVICE_ACCOUNT)
    team = Team(asks=staff["support"], decides=staff["finance"], software=software)
    people.seed_old_rates(by=staff["finance"], now=now)
    customers = _make_customers(now=now)
    made = _make_payments(customers, team, now=now, check_stop=check_stop)
    check_stop()
    _make_the_rest(list(customers.values()), team, staff, now=now)
    return made


def list_customers() -> list[User]:
    """Return the made-up customers."""
    return list(User.objects.filter(username__in=plan.list_usernames()))


def _make_customers(*, now: datetime) -> dict[str, User]:
    User.objects.bulk_create(
        (
            User(username=username, email=f"{username}@example.com", password="!", date_joined=now - timedelta(days=40))  # noqa: S106 -- nobody can log in with it
            for username in plan.list_usernames()
        ),
        ignore_conflicts=True,
    )
    found = {user.username: user for user in list_customers()}
    return {username: found[username] for username in plan.list_usernames()}


def _make_payments(customers: dict[str, User], team: Team, *, now: datetime, check_stop: Callable[[], None]) -> int:
    dice = random.Random(5)  # noqa: S311 -- the same demonstration every time
    known = set(PaymentLog.objects.filter(user__in=customers.values()).values_list("idempotency_key", flat=True))
    made = 0
    for purchase in plan.plan_purchases(now=now):
        check_stop()
        share = Decimal(dice.randint(1, 8)) / 10
        if purchase.key in known:
            continue
        payment = make_payment(purchase, customers[purchase.username], now=now)
        refunds.follow(payment, purchase, team, now=now)
        if purchase.story == plan.PAID and payment.state == PaymentState.COMPLETED and made % _SPENT_OF == 0:
            refunds.spend(payment, share=share, by=team.software, at=min(now, purchase.ended_at + timedelta(hours=2)))
        if purchase.story == "dismissed":
            _dismiss(payment, team)
        made += 1
    return made


def _dismiss(payment: PaymentLog, team: Team) -> None:
    reviews.dismiss_review(
        payment_id=payment.pk,
        note="The customer's bank took the rest back; nothing to credit.",
        by=team.decides,
        cause=BY_CLIENT,
        now=payment.created_at + timedelta(hours=9),
    )
    expire(PaymentLog.objects.get(pk=payment.pk))


def _make_the_rest(customers: list[User], team: Team, staff: dict[str, User], *, now: datetime) -> None:
    hands.seed_adjustments(customers, team, now=now)
    keys = {plan.make_key(f"special {number}"): story for number, story in plan.list_specials() if story in _CASES}
    cases = list(PaymentLog.objects.filter(idempotency_key__in=keys, superseded_by__isnull=True).order_by("pk"))
    if not AuditEntry.objects.filter(action="note.add").exists():
        hands.seed_notes(cases, team.asks, now=now)
    if not ReconciliationBreak.objects.exists():
        hands.seed_breaks(cases, team.decides, now=now)
    if not WebhookEvent.objects.filter(object_id=hands.UNKNOWN_CHARGE).exists():
        hands.seed_odd_events(now=now)
    if not AuditEntry.objects.filter(action="lock_out").exists():
        hands.seed_trail(staff, now=now)
