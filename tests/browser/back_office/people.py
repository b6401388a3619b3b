"""Members of the staff as a browser meets them: a name, a password, and an authenticator app on a phone."""

from dataclasses import dataclass
from functools import cache

from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import Group, User
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_otp.util import random_hex

from namaskah.api_keys.services import issue_api_key
from tests.factories.users import UserFactory
from tests.integration.back_office.second_factors import code_of
from tests.processes.client import Client

PASSWORD = "a-password-of-the-staff"


@dataclass(frozen=True)
class Member:
    """Somebody of the staff, and the key in their app; none before they enrolled."""

    user: User
    key: bytes = b""

    @property
    def code(self) -> str:
        """What the app shows now; it is taken once."""
        return code_of(self.key)


def make_member(role: str, *, has_app: bool = True) -> Member:
    user = UserFactory(is_staff=True, password=_hash_password())
    user.groups.add(Group.objects.get(name=role))
    if not has_app:
        return Member(user)
    device = TOTPDevice.objects.create(user=user, name="Authenticator app", key=random_hex(20), confirmed=True)
    return Member(user, device.bin_key)


def make_client(url: str) -> tuple[User, Client]:
    """Return a new customer, and their client of the API."""
    user = UserFactory()
    _, secret = issue_api_key(user=user, name="test", expires_in=None, by=None, now=timezone.now())
    return user, Client(url, secret)


@cache
def _hash_password() -> str:
    """Return the password as the product keeps it; the tests' own way of it is weaker, and unknown there."""
    hasher = PBKDF2PasswordHasher()
    return hasher.encode(PASSWORD, hasher.salt())
