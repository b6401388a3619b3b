"""Authenticator apps and log-ins for tests."""

from base64 import b32decode

from django.test import Client
from django_otp.oath import totp
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from tests.factories.users import UserFactory

PASSWORD = "a-password-of-the-staff"
LOG_IN = "/admin/login/"
SHOW = "/admin/second-factor/"
ENROL = "/admin/second-factor/enrol/"
MINE = "/admin/second-factor/mine/"


def make_member(**fields):
    """Make a member of the staff with a password."""
    member = UserFactory(is_staff=True, **fields)
    member.set_password(PASSWORD)
    member.save()
    return member


def log_in(client: Client, user, *, password=PASSWORD, to="/admin/", **fields):
    """Send user name and password."""
    return client.post(f"{LOG_IN}?next={to}", {"username": user.username, "password": password, "next": to, **fields})


def read_key(page) -> bytes:
    """Return the key that an app scans."""
    return b32decode(page.context["key"].replace(" ", ""))


def code_of(key: bytes, *, steps: int = 0) -> str:
    """Return what the app shows now, or some half-minutes later."""
    return f"{totp(key, t0=-30 * steps):06d}"


def enrol(client: Client) -> tuple[bytes, list[str]]:
    """Set up an app for whoever is logged in with the password; return its key and the recovery codes."""
    key = read_key(client.get(ENROL))
    page = client.post(ENROL, {"code": code_of(key)})
    assert page.status_code == 200, page.content.decode()
    return key, page.context["codes"]


def sit_down(client: Client, **fields):
    """Log a new member in whole; return them, the key of their app, and their recovery codes."""
    member = make_member(**fields)
    log_in(client, member)
    key, codes = enrol(client)
    return member, key, codes


def wrong_code(key: bytes) -> str:
    """Return six digits that are not the code."""
    near = {code_of(key, steps=steps) for steps in range(-3, 4)}
    return next(f"{number:06d}" for number in range(10) if f"{number:06d}" not in near)


def let_time_pass(user) -> None:
    """Let the wait after wrong codes be over, as time does."""
    for model in (TOTPDevice, StaticDevice):
        model.objects.filter(user=user).update(throttling_failure_timestamp=None)
