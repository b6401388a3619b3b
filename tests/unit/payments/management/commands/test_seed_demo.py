import json
from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.core.management.base import CommandError
from django.utils import timezone

from billing.models import ExchangeRate
from billing.selectors.exchange_rates import get_exchange_rate
from tests.factories.billing import ExchangeRateFactory
from tests.factories.commands import run

pytestmark = pytest.mark.django_db


@pytest.fixture
def debug(settings):
    settings.DEBUG = True


def test_seed_demo_makes_the_people_and_rates_of_a_demonstration(debug):
    run("seed_demo")

    people = {user.username: user for user in User.objects.all()}
    assert set(people) == {"admin", "support", "finance", "operator", "auditor", "demo-customer", "demo-service"}
    assert (people["admin"].is_superuser, people["admin"].is_staff) == (True, True)
    for name in ("support", "finance", "operator", "auditor"):
        assert (people[name].is_superuser, people[name].is_staff) == (False, True)
        assert [group.name for group in people[name].groups.all()] == [name.capitalize()]
    assert people["demo-customer"].get_all_permissions() == set()
    assert people["demo-customer"].email == "ada@example.com"
    assert people["demo-service"].get_all_permissions() == {"billing.debit_wallet"}
    assert get_exchange_rate("NGN", now=timezone.now()) == Decimal(1650)
    assert set(ExchangeRate.objects.values_list("currency", flat=True)) == {"NGN", "GHS", "KES", "ZAR"}


def test_seed_demo_prints_a_log_in_that_works(debug, rf):
    stdout, _ = run("seed_demo")

    assert stdout[0] == (
        "Log in at /admin/ as admin, support, finance, operator, auditor, each with the password demonstration-only."
    )
    for username in ("admin", "support", "finance", "operator", "auditor"):
        assert authenticate(rf.post("/admin/login/"), username=username, password="demonstration-only")


@pytest.mark.parametrize("username", ["demo-customer", "demo-service"])
def test_seed_demo_gives_the_others_no_password(debug, rf, username):
    run("seed_demo")

    for password in ["", "demonstration-only"]:
        assert authenticate(rf.post("/admin/login/"), username=username, password=password) is None


def test_seed_demo_again_changes_nothing(debug):
    run("seed_demo")
    User.objects.filter(username="admin").update(email="changed@example.com")
    User.objects.get(username="support").groups.clear()
    before = _everything()

    run("seed_demo")

    assert _everything() == before


def test_seed_demo_days_later_renews_the_rates(debug):
    run("seed_demo")

    with time_machine.travel(timezone.now() + timedelta(days=4)):
        run("seed_demo")
        rate = get_exchange_rate("NGN", now=timezone.now())

    assert (rate, ExchangeRate.objects.count()) == (1650, 8)


def test_seed_demo_keeps_a_rate_that_was_set_today(debug):
    ExchangeRateFactory(units_per_usd=1700)

    run("seed_demo")

    assert get_exchange_rate("NGN", now=timezone.now()) == 1700


def test_seed_demo_as_json_is_one_object(debug):
    (line,), _ = run("seed_demo", "--json")

    assert json.loads(line) == {
        "staff": [
            {"role": role, "username": username, "password": "demonstration-only"}
            for role, username in [
                ("administrator", "admin"),
                ("support", "support"),
                ("finance", "finance"),
                ("operator", "operator"),
                ("auditor", "auditor"),
            ]
        ],
        "customer": {"username": "demo-customer", "user_id": User.objects.get(username="demo-customer").pk},
        "service_account": {"username": "demo-service"},
        "dry_run": False,
    }


@pytest.mark.django_db(transaction=True)
def test_seed_demo_as_a_dry_run_makes_nobody(debug):
    told, _ = run("seed_demo", "--dry-run")
    (line,), _ = run("seed_demo", "--dry-run", "--json")

    assert told[-1] == "So it would be. Nothing was changed."
    assert json.loads(line)["customer"] == {"username": "demo-customer", "user_id": None}
    assert (User.objects.count(), ExchangeRate.objects.count()) == (0, 0)


def test_seed_demo_without_debug_is_refused_and_makes_nobody():
    with pytest.raises(CommandError, match="only where DEBUG is on"):
        run("seed_demo")

    assert (User.objects.count(), ExchangeRate.objects.count()) == (0, 0)


def _everything():
    memberships = list(User.groups.through.objects.order_by("id").values())
    return memberships, list(User.objects.order_by("id").values()), list(ExchangeRate.objects.order_by("id").values())
