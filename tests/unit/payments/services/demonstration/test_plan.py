from datetime import UTC, datetime, timedelta
from uuid import UUID

from namaskah.identifiers import find_first_id
from payments.services.demonstration import plan

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_plan_purchases_is_the_same_at_every_run():
    assert plan.plan_purchases(now=NOW) == plan.plan_purchases(now=NOW)


def test_plan_purchases_gives_each_its_own_moment_and_key_within_thirty_days():
    purchases = plan.plan_purchases(now=NOW)

    assert len({purchase.begun_at for purchase in purchases}) == len(purchases)
    assert len({purchase.key for purchase in purchases}) == len(purchases)
    assert all(NOW - timedelta(days=31) < purchase.begun_at < NOW for purchase in purchases)
    assert purchases == sorted(purchases, key=lambda purchase: purchase.begun_at)


def test_plan_purchases_ends_none_in_the_future_but_those_that_are_open():
    late = [purchase for purchase in plan.plan_purchases(now=NOW) if purchase.ended_at > NOW]

    assert {purchase.story for purchase in late} <= {plan.OPEN, plan.PENDING}


def test_list_usernames_has_no_name_twice():
    names = plan.list_usernames()

    assert len(set(names)) == len(names)


def test_make_id_at_is_a_uuid_of_that_moment():
    made = plan.make_id_at(NOW)

    assert (made.version, made.variant) == (7, UUID(int=0x8 << 60 | 7 << 76).variant)
    assert find_first_id(NOW) <= made < find_first_id(NOW + timedelta(milliseconds=1))
