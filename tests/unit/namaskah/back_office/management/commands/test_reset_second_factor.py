import json

import pytest
from django.core.management import CommandError
from django.test import Client
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from namaskah.audit.models import AuditEntry
from tests.factories.commands import run
from tests.factories.users import StaffFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def member():
    member = StaffFactory(username="ada")
    TOTPDevice.objects.create(user=member, confirmed=True)
    StaticDevice.objects.create(user=member)
    Client().force_login(member)
    AuditEntry.objects.order_by("pk").first()
    return member


def reset(*arguments):
    return run("reset_second_factor", "ada", *arguments)


def test_the_only_superuser_gets_in_again(member):
    stdout, _ = reset("--by", "ada", "--reason", "Phone and codes are lost.")

    assert stdout == ["The second factor of ada is reset; they enrol anew at the next log-in."]
    assert TOTPDevice.objects.count() == StaticDevice.objects.count() == 0
    entry = AuditEntry.objects.get(action="staff.reset_second_factor")
    assert (entry.actor, entry.subject, entry.reason) == (member, "ada", "Phone and codes are lost.")
    assert (entry.before, entry.after) == ({"enrolled": True}, {"enrolled": False, "sessions_ended": 1})


def test_dry_run_changes_nothing(member):
    assert reset("--by", "ada", "--reason", "Lost.", "--dry-run")[0] == ["Would reset the second factor of ada."]

    assert TOTPDevice.objects.count() == 1
    assert not AuditEntry.objects.filter(action="staff.reset_second_factor").exists()


def test_json_is_one_object(member):
    (line,) = reset("--by", "ada", "--reason", "Lost.", "--json")[0]

    assert json.loads(line) == {"username": "ada", "dry_run": False}


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["--by", "nobody", "--reason", "Lost."], 2),
        (["--by", "ada", "--reason", " "], 2),
        (["--by", "", "--reason", "Lost."], 2),
    ],
)
def test_whoever_does_not_say_who_and_why_is_refused(member, arguments, status):
    with pytest.raises(CommandError) as caught:
        reset(*arguments)

    assert caught.value.returncode == status
    assert TOTPDevice.objects.count() == 1


def test_the_reason_is_asked_for_as_it_is_on_the_page(member):
    with pytest.raises(CommandError, match=r"the following arguments are required: --reason$"):
        reset("--by", "ada")

    assert TOTPDevice.objects.count() == 1


@pytest.mark.parametrize("name", ["nobody", "shop"])
def test_customers_and_nobody_have_no_second_factor(member, name):
    UserFactory(username="shop")

    with pytest.raises(CommandError, match="no member of the staff"):
        run("reset_second_factor", name, "--by", "ada", "--reason", "Lost.")
