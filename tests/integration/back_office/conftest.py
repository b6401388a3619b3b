"""People before the back office: each with a client that is logged in; tests of the second factor switch it on."""

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from tests.factories.users import StaffFactory, UserFactory

# Here too for those who look for them beside the fixtures.
from tests.integration.back_office.forms import (  # noqa: F401 -- re-exported
    open_form,
    read_form,
    read_messages,
    second_tab,
    send,
)


@pytest.fixture
def staff(db):
    """Return how a new member of the staff with a role sits down: logged in, proved a moment ago."""

    def sit_down(role):
        user = UserFactory(is_staff=True)
        if role is not None:
            user.groups.add(Group.objects.get(name=role))
        return log_in(user)

    return sit_down


@pytest.fixture
def superuser(db):
    return log_in(StaffFactory())


@pytest.fixture
def customer(db):
    return log_in(UserFactory())


@pytest.fixture
def anonymous():
    return Client()


def log_in(user):
    """Return a client of the user; logging in counts as a proof of who sits there."""
    client = Client()
    client.force_login(user)
    client.user = user
    return client
