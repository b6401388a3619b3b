"""The settings that `dev.py` gives to the processes it starts."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from devtools.embedded.lease import Urls
from devtools.workflow.errors import WorkflowError

SANDBOX_SECRET_KEY = "sk_test_local_simulator_key"  # noqa: S105 -- the sandbox believes it, nobody else
_SAMPLE_SECRET_KEYS = ("", "change-me")


def for_servers(
    urls: Urls, configured: Mapping[str, str], environment: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return the caller's environment with the servers in use.

    A direct way to the database, configured beside DATABASE_URL, says nothing about an embedded one.
    """
    direct = configured.get("DIRECT_DATABASE_URL", "") if configured.get("DATABASE_URL") else ""
    return {
        # Hundreds of processes are started, and each would compile all of the product for itself.
        **{name: value for name, value in environment.items() if name != "PYTHONDONTWRITEBYTECODE"},
        "DATABASE_URL": urls.database,
        "DIRECT_DATABASE_URL": direct,
        "REDIS_URL": urls.redis,
        "PYTHONUNBUFFERED": "1",
    }


def for_tests(base: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the tests, the same on every machine."""
    return {
        **base,
        "DEBUG": "on",
        "SECRET_KEY": "a-secret-key-for-tests-that-protects-nothing-at-all-00",
        "PAYSTACK_SECRET_KEY": SANDBOX_SECRET_KEY,
        "PAYSTACK_PREVIOUS_SECRET_KEY": "",
    }


def for_deployment_check(base: Mapping[str, str]) -> dict[str, str]:
    """Return an environment like that of production, but for the test key."""
    return {
        **base,
        "DEBUG": "off",
        "SECRET_KEY": secrets.token_urlsafe(64),
        "SECURE_SSL_REDIRECT": "on",
        "ALLOW_TEST_KEY": "on",
        "PAYSTACK_SECRET_KEY": "sk_test_deployment_check",
        "PAYSTACK_PREVIOUS_SECRET_KEY": "",
    }


def for_development(base: Mapping[str, str], configured: Mapping[str, str], secret_key_file: Path) -> dict[str, str]:
    """Return the environment of `up` and `manage`: what must hold on a developer's machine, whatever `.env` says.

    `configured` is `.env` overlaid with the environment; from it come a secret key and a real test key.

    :raises WorkflowError: if the Paystack key is a live one.
    """
    paystack_key = configured.get("PAYSTACK_SECRET_KEY", SANDBOX_SECRET_KEY)
    if paystack_key.startswith("sk_live_"):
        raise WorkflowError("PAYSTACK_SECRET_KEY is a live key: development takes a sk_test_ key, or none")
    secret_key = configured.get("SECRET_KEY", "")
    return {
        **base,
        "DEBUG": "on",
        "SECRET_KEY": generated_key(secret_key_file) if secret_key in _SAMPLE_SECRET_KEYS else secret_key,
        "SECURE_SSL_REDIRECT": "off",
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "CALLBACK_ALLOWED_HOSTS": configured.get("CALLBACK_ALLOWED_HOSTS", "127.0.0.1,localhost"),
        "PAYSTACK_SECRET_KEY": paystack_key,
        # A demonstration, whose passwords everybody knows; each page says so.
        "STAFF_SECOND_FACTOR": "off",
    }


def generated_key(file: Path) -> str:
    """Return the secret key of this machine, made at the first call."""
    if not file.exists():
        unfinished = file.with_suffix(f".{os.getpid()}")
        unfinished.touch(mode=0o600)
        unfinished.write_text(secrets.token_urlsafe(64))
        unfinished.rename(file)
    return file.read_text()
