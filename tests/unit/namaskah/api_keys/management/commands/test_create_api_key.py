import io
import json
import os
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone

from namaskah.api_keys.management.commands.create_api_key import Command
from namaskah.api_keys.models import ApiKey
from tests.factories.users import UserFactory

pytestmark = pytest.mark.django_db


def create(*arguments):
    stdout, stderr = io.StringIO(), io.StringIO()
    call_command("create_api_key", *arguments, stdout=stdout, stderr=stderr, no_color=True)
    return stdout.getvalue(), stderr.getvalue()


def test_the_key_stands_alone_on_stdout_and_opens_the_api(client):
    stdout, stderr = create("shop")

    assert stdout.count("\n") == 1
    assert stdout.strip() not in stderr
    answer = client.get("/api/v1/billing/balance", headers={"Authorization": f"Bearer {stdout.strip()}"})
    assert answer.status_code == 200


def test_a_new_user_has_the_address_and_no_password_that_could_be_guessed():
    create("shop", "--email", "shop@example.com")

    user = User.objects.get(username="shop")
    assert (user.email, user.has_usable_password(), user.is_staff) == ("shop@example.com", False, False)


def test_a_user_who_is_there_keeps_password_and_address():
    user = UserFactory(username="shop", password="a-hash", email="kept@example.com")

    create("shop")

    user.refresh_from_db()
    assert (user.password, user.email) == ("a-hash", "kept@example.com")
    assert user.auth_token_set.count() == 1


def test_number_of_the_user_is_told_and_is_not_coloured_as_an_error():
    terminal = io.StringIO()
    terminal.isatty = lambda: True

    call_command(Command(stderr=terminal, force_color=True), "shop", stdout=io.StringIO())

    api_key = ApiKey.objects.get()
    assert terminal.getvalue() == f"Key {api_key} of shop (user {api_key.user_id}), shown this once:\n"


def test_permissions_are_granted():
    create("shop", "--permission", "auth.view_user", "--permission", "auth.view_group")

    assert User.objects.get().get_all_permissions() == {"auth.view_user", "auth.view_group"}


def test_name_and_end_are_kept():
    create("shop", "--name", "till 7", "--expires-days", "30")

    api_key = ApiKey.objects.get()
    assert api_key.name == "till 7"
    assert abs(api_key.expiry - timezone.now() - timedelta(days=30)) < timedelta(minutes=1)


def test_json_says_what_was_made_beside_the_key():
    stdout, stderr = create("shop", "--permission", "auth.view_user", "--json")

    assert json.loads(stderr) == {
        "user_id": User.objects.get().pk,
        "username": "shop",
        "name": "made by command",
        "last_four": stdout.strip()[-4:],
        "permissions": ["auth.view_user"],
        "dry_run": False,
    }


def test_dry_run_makes_nothing():
    stdout, stderr = create("shop", "--permission", "auth.view_user", "--dry-run")

    assert (stdout, stderr) == ("", "Would make a key of shop, named made by command.\n")
    assert (User.objects.count(), ApiKey.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["shop", "--permission", "auth.fly"], 1),
        (["shop", "--permission", "fly"], 1),
        (["shop", "--expires-days", "0"], 2),
        (["shop", "--expires-days", "9999999"], 2),
        (["shop", "--email", "nobody"], 2),
        (["a shop"], 2),
        (["x" * 151], 2),
    ],
)
def test_a_refusal_makes_nothing(arguments, status):
    with pytest.raises(CommandError) as caught:
        create(*arguments)

    assert caught.value.returncode == status
    assert (User.objects.count(), ApiKey.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    "arguments",
    [["\udcff"], ["shop", "--email", "a@\udcff"], ["shop", "--name", "\udcff"], ["shop", "--permission", "\0"]],
)
def test_what_is_no_text_is_refused(arguments):
    with pytest.raises(CommandError, match="must be printable text"):
        create(*arguments)


@pytest.mark.django_db(transaction=True)
def test_a_key_that_nobody_could_read_is_not_made(monkeypatch):
    reading, writing = os.pipe()
    os.close(reading)

    with os.fdopen(writing, "w") as broken:
        # Ending quietly puts something else in the place of the broken output.
        monkeypatch.setattr("sys.stdout", broken)
        with pytest.raises(SystemExit):
            call_command("create_api_key", "shop", stdout=broken, stderr=io.StringIO())

    assert (User.objects.count(), ApiKey.objects.count()) == (0, 0)
