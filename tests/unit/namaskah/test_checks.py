from decimal import Decimal

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection

from namaskah.checks import check_database, check_settings, find_faults, refuse_faulty_start

SOUND = {
    "DEBUG": False,
    "SECRET_KEY": "0123456789" * 5,
    "ALLOWED_HOSTS": ["api.example.com"],
    "DATABASE_URL": "postgresql://db/namaskah",
    "DIRECT_DATABASE_URL": "postgresql://db/namaskah",
    "REDIS_URL": "redis://cache/0",
    "PAYSTACK_SECRET_KEY": "sk_live_0123456789",
    "PAYSTACK_PREVIOUS_SECRET_KEY": "",
    "ALLOW_TEST_KEY": False,
    "STAFF_SECOND_FACTOR": True,
    "GATEWAY_CONCURRENCY": 2,
    "DEFAULT_CURRENCY": "NGN",
    "REPORT_TIME_ZONE": "Africa/Lagos",
    "LOG_LEVEL": "INFO",
}


@pytest.fixture(autouse=True)
def sound(settings):
    """Begin with settings that production may run with."""
    _set(settings, SOUND)


def _set(settings, changes):
    for name, value in changes.items():
        setattr(settings, name, value)


def test_find_faults_of_sound_settings_is_nothing():
    assert list(find_faults()) == []


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"DATABASE_URL": ""}, "DATABASE_URL is not set: name a Postgres database."),
        (
            {"DATABASE_URL": "sqlite:///namaskah.db"},
            "DATABASE_URL begins with sqlite://; it must be one of postgresql, postgres.",
        ),
        (
            {"DIRECT_DATABASE_URL": "mysql://db/namaskah"},
            "DIRECT_DATABASE_URL begins with mysql://; it must be one of postgresql, postgres.",
        ),
        (
            {"STAFF_SECOND_FACTOR": False},
            "STAFF_SECOND_FACTOR is off with a live Paystack key: a stolen password would be enough to give credits.",
        ),
        ({"REDIS_URL": ""}, "REDIS_URL is not set: name a Redis or Valkey server."),
        (
            {"REDIS_URL": "memcached://cache"},
            "REDIS_URL begins with memcached://; it must be one of redis, rediss, unix.",
        ),
        (
            {"PAYSTACK_SECRET_KEY": ""},
            "PAYSTACK_SECRET_KEY is not set: nothing could be charged, and an empty key verifies no webhook.",
        ),
        (
            {"PAYSTACK_SECRET_KEY": "sk_live_0123456789\u00e9"},
            "PAYSTACK_SECRET_KEY must be a secret key, sk_test_… or sk_live_…, without blanks: copy it again.",
        ),
        (
            {"PAYSTACK_SECRET_KEY": "sk_live_0123456789\n"},
            "PAYSTACK_SECRET_KEY must be a secret key, sk_test_… or sk_live_…, without blanks: copy it again.",
        ),
        (
            {"PAYSTACK_PREVIOUS_SECRET_KEY": "sk_live_0"},
            "PAYSTACK_PREVIOUS_SECRET_KEY must be a secret key, sk_test_… or sk_live_…, without blanks: copy it again.",
        ),
        (
            {"PAYSTACK_PREVIOUS_SECRET_KEY": "sk_test_0123456789"},
            "PAYSTACK_PREVIOUS_SECRET_KEY is of another mode than PAYSTACK_SECRET_KEY: remove it.",
        ),
        (
            {"PAYSTACK_BASE_URL": "api.paystack.co"},
            "PAYSTACK_BASE_URL must begin with https://: the secret key travels there.",
        ),
        (
            {"PAYSTACK_BASE_URL": "http://api.paystack.co"},
            "PAYSTACK_BASE_URL must begin with https://: the secret key travels there.",
        ),
        ({"WEBHOOK_RETRY_SECONDS": [float("nan")]}, "WEBHOOK_RETRY_SECONDS must be waits in seconds, such as 1,2,4."),
        ({"PAYMENT_LOCK_TIMEOUT_SECONDS": 0}, "PAYMENT_LOCK_TIMEOUT_SECONDS must be more than 0."),
        ({"TRUSTED_PROXY_COUNT": -1}, "TRUSTED_PROXY_COUNT must be 0 or more."),
        (
            {"IDEMPOTENCY_LEASE_SECONDS": 50},
            "IDEMPOTENCY_LEASE_SECONDS must exceed two calls of Paystack, 50 s with your time-outs.",
        ),
        ({"GATEWAY_CONCURRENCY": 0}, "GATEWAY_CONCURRENCY must be 1 or more."),
        ({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL 'LOUD' is none; examples are INFO and WARNING."),
        ({"DEFAULT_CURRENCY": "XOF"}, "DEFAULT_CURRENCY must be one of NGN, GHS, KES, ZAR, USD."),
        (
            {"REPORT_TIME_ZONE": "Africa/Atlantis"},
            "REPORT_TIME_ZONE 'Africa/Atlantis' is no time zone; an example is Africa/Lagos.",
        ),
        ({"DEBUG": True}, "DEBUG is on with a live Paystack key: turn one of them off."),
        ({"SECRET_KEY": "change-me"}, "SECRET_KEY must be your own and at least 32 characters long."),
        ({"SECRET_KEY": "0" * 31}, "SECRET_KEY must be your own and at least 32 characters long."),
        (
            {"PAYSTACK_SECRET_KEY": "sk_test_0123456789"},
            "PAYSTACK_SECRET_KEY is a test key: use the live one, or set ALLOW_TEST_KEY=on.",
        ),
        ({"ALLOWED_HOSTS": ["*"]}, "ALLOWED_HOSTS must name the hosts, not *."),
    ],
)
def test_find_faults_names_each_fault_in_one_line(settings, changes, fault):
    _set(settings, changes)

    assert list(find_faults()) == [fault]


@pytest.mark.parametrize(
    "changes",
    [
        {"PAYSTACK_SECRET_KEY": "sk_test_0123456789", "ALLOW_TEST_KEY": True},
        {"PAYSTACK_SECRET_KEY": "sk_test_0123456789", "DEBUG": True},
        {"PAYSTACK_SECRET_KEY": "sk_test_0123456789", "DEBUG": True, "SECRET_KEY": "change-me", "ALLOWED_HOSTS": ["*"]},
        {"REDIS_URL": "unix:///run/valkey.sock?db=0"},
        {"DATABASE_URL": "postgres://db/namaskah"},
    ],
)
def test_find_faults_lets_these_start(settings, changes):
    _set(settings, changes)

    assert list(find_faults()) == []


def test_refuse_faulty_start_ends_with_the_first_fault_alone(settings):
    _set(settings, {"DATABASE_URL": "", "REDIS_URL": ""})

    with pytest.raises(SystemExit) as end:
        refuse_faulty_start()

    # `sys.exit` of a text writes it to standard error and ends with status 1.
    assert end.value.code == "namaskah: DATABASE_URL is not set: name a Postgres database."


def test_refuse_faulty_start_lets_sound_settings_go_on():
    refuse_faulty_start()


def test_check_settings_reports_every_fault_with_an_id_of_its_own(settings):
    _set(settings, {"DATABASE_URL": "", "REDIS_URL": ""})

    assert [(message.id, message.msg) for message in check_settings()] == [
        ("namaskah.E001", "DATABASE_URL is not set: name a Postgres database."),
        ("namaskah.E002", "REDIS_URL is not set: name a Redis or Valkey server."),
    ]


def test_manage_py_check_fails_with_a_fault(settings):
    settings.DEFAULT_CURRENCY = "XOF"

    with pytest.raises(SystemCheckError, match="DEFAULT_CURRENCY must be one of"):
        call_command("check")


@pytest.mark.django_db
def test_check_database_of_a_sound_server_is_nothing():
    assert check_database(databases=["default"]) == []


def test_check_database_without_a_database_asks_none():
    assert check_database(databases=None) == []


@pytest.mark.django_db
def test_check_database_reports_a_time_out_that_a_pooler_dropped():
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = 0")

    (message,) = check_database(databases=["default"])

    assert (message.id, message.msg) == ("namaskah.E102", "lock_timeout is 0, not 3s.")
    assert "ALTER ROLE" in message.hint


@pytest.mark.parametrize("name", ["initialize", "verify", "reads", "writes", "authentication", "signatures"])
@pytest.mark.parametrize("limit", [0, -1, 1_000_001])
def test_find_faults_of_a_limit_out_of_bounds_names_it(settings, name, limit):
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, name: limit}

    assert list(find_faults()) == [f"RATE_LIMIT_{name.upper()} must be from 1 to 1000000 requests per minute."]


@pytest.mark.parametrize("name", ["MANUAL_CREDIT_APPROVAL_USD", "REFUND_APPROVAL_USD"])
@pytest.mark.parametrize("amount", ["-0.01", "NaN", "sNaN", "Infinity", "-Infinity"])
def test_find_faults_of_an_amount_that_is_none_names_it(settings, name, amount):
    _set(settings, {name: Decimal(amount)})

    assert list(find_faults()) == [f"{name} must be an amount of 0 or more."]


@pytest.mark.parametrize("name", ["MANUAL_CREDIT_APPROVAL_USD", "REFUND_APPROVAL_USD"])
@pytest.mark.parametrize("amount", ["0", "-0", "0.01", "1E+6"])
def test_find_faults_lets_any_amount_be_the_threshold(settings, name, amount):
    _set(settings, {name: Decimal(amount)})

    assert list(find_faults()) == []
