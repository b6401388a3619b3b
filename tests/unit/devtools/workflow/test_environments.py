import pytest

from devtools.embedded.lease import Urls
from devtools.workflow import environments
from devtools.workflow.errors import WorkflowError

URLS = Urls(database="postgresql://embedded", redis="unix:///embedded")


def test_for_servers_hides_a_direct_database_that_belongs_to_another():
    configured = {"DIRECT_DATABASE_URL": "postgresql://elsewhere"}

    environment = environments.for_servers(URLS, configured, {"HOME": "/home/me"})

    assert environment == {
        "HOME": "/home/me",
        "DATABASE_URL": "postgresql://embedded",
        "DIRECT_DATABASE_URL": "",
        "REDIS_URL": "unix:///embedded",
        "PYTHONUNBUFFERED": "1",
    }


def test_for_servers_keeps_the_direct_way_to_a_configured_database():
    configured = {"DATABASE_URL": "postgresql://pooler", "DIRECT_DATABASE_URL": "postgresql://direct"}

    environment = environments.for_servers(URLS, configured, {})

    assert environment["DIRECT_DATABASE_URL"] == "postgresql://direct"


def test_for_development_overrules_a_copied_sample(tmp_path):
    sample = {"DEBUG": "off", "SECRET_KEY": "change-me", "SECURE_SSL_REDIRECT": "on", "STAFF_SECOND_FACTOR": "on"}

    environment = environments.for_development(sample, sample, tmp_path / "secret-key")

    assert environment == {
        "DEBUG": "on",
        "SECRET_KEY": (tmp_path / "secret-key").read_text(),
        "SECURE_SSL_REDIRECT": "off",
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "CALLBACK_ALLOWED_HOSTS": "127.0.0.1,localhost",
        "PAYSTACK_SECRET_KEY": "sk_test_local_simulator_key",
        "STAFF_SECOND_FACTOR": "off",
    }


def test_for_development_takes_a_test_key_and_a_secret_key(tmp_path):
    configured = {"PAYSTACK_SECRET_KEY": "sk_test_mine", "SECRET_KEY": "mine", "CALLBACK_ALLOWED_HOSTS": "shop.example"}

    environment = environments.for_development({}, configured, tmp_path / "secret-key")

    chosen = {name: environment[name] for name in configured}
    assert chosen == configured
    assert not (tmp_path / "secret-key").exists()


def test_for_development_refuses_a_live_key(tmp_path):
    with pytest.raises(WorkflowError, match="live key"):
        environments.for_development({}, {"PAYSTACK_SECRET_KEY": "sk_live_1"}, tmp_path / "secret-key")


def test_generated_key_is_made_once_and_private(tmp_path):
    file = tmp_path / "secret-key"

    first = environments.generated_key(file)

    assert environments.generated_key(file) == first
    assert len(first) >= 64
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret-key"]


def test_for_deployment_check_is_like_production():
    environment = environments.for_deployment_check({"DEBUG": "on"})

    assert (environment["DEBUG"], environment["SECURE_SSL_REDIRECT"]) == ("off", "on")
    assert environment["SECRET_KEY"] != environments.for_deployment_check({})["SECRET_KEY"]


def test_for_tests_does_not_take_the_developers_keys():
    environment = environments.for_tests({"PAYSTACK_SECRET_KEY": "sk_test_mine", "SECRET_KEY": "mine"})

    assert environment["PAYSTACK_SECRET_KEY"] == "sk_test_local_simulator_key"
    assert environment["SECRET_KEY"] != "mine"
