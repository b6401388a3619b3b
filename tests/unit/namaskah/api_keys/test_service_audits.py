"""What issuing and revoking keys leaves in the audit log, and whom it refuses."""

from uuid import uuid4

import pytest
from django.db import IntegrityError, connection
from django.utils import timezone

from namaskah.api_keys.models import ApiKey
from namaskah.api_keys.services import ApiKeyIssuedBeforeError, issue_api_key, revoke_api_key
from namaskah.audit.models import AuditEntry
from namaskah.errors import PermissionDeniedError
from tests.factories.api_keys import make_api_key
from tests.factories.commands import run
from tests.factories.people import AgentFactory
from tests.factories.users import ServiceAccountFactory, StaffFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def no_audit_log():
    """Have the database refuse audit entries."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_log ADD CONSTRAINT refused CHECK (action NOT LIKE 'api_key%') NOT VALID")


def test_a_key_and_its_audit_entry_come_together_or_not_at_all(no_audit_log):
    with pytest.raises(IntegrityError, match="refused"):
        issue_api_key(user=UserFactory(), name="a", expires_in=None, by=StaffFactory(), now=timezone.now(), key=uuid4())

    assert ApiKey.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_a_revocation_and_its_audit_entry_come_together_or_not_at_all():
    api_key, _ = make_api_key(UserFactory())
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_log ADD CONSTRAINT refused CHECK (action <> 'api_key.revoke')")
    try:
        with pytest.raises(IntegrityError, match="refused"):
            revoke_api_key(api_key=api_key, now=timezone.now())
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE audit_log DROP CONSTRAINT refused")

    assert ApiKey.objects.get().revoked_at is None


def test_revoke_api_key_again_writes_no_second_entry():
    api_key, _ = make_api_key(UserFactory())

    for _ in range(2):
        revoke_api_key(api_key=api_key, now=timezone.now())

    assert AuditEntry.objects.filter(action="api_key.revoke").count() == 1


def test_whoever_may_not_is_refused():
    api_key, _ = make_api_key(UserFactory())
    nobody = AgentFactory(permission="")

    with pytest.raises(PermissionDeniedError, match="may not issue"):
        issue_api_key(user=UserFactory(), name="a", expires_in=None, by=nobody, now=timezone.now())
    with pytest.raises(PermissionDeniedError, match="may not revoke"):
        revoke_api_key(api_key=api_key, by=nobody, now=timezone.now())

    assert ApiKey.objects.get().revoked_at is None


@pytest.mark.parametrize("in_shell", [False, True])
def test_keys_of_accounts_with_rights_are_issued_in_a_shell_alone(in_shell):
    operator, platform = AgentFactory(permission="issue_key"), ServiceAccountFactory()

    def issue():
        return issue_api_key(
            user=platform, name="a", expires_in=None, by=operator, now=timezone.now(), in_shell=in_shell
        )

    if in_shell:
        issue()
    else:
        with pytest.raises(PermissionDeniedError, match="may do more than buy for itself"):
            issue()

    assert ApiKey.objects.count() == int(in_shell)


def test_the_same_key_issues_one():
    key, user = uuid4(), UserFactory()
    issue_api_key(user=user, name="a", expires_in=None, by=None, now=timezone.now(), key=key)

    with pytest.raises(ApiKeyIssuedBeforeError):
        issue_api_key(user=user, name="a", expires_in=None, by=None, now=timezone.now(), key=key)

    assert ApiKey.objects.get().pk == key
    assert AuditEntry.objects.count() == 1


def test_the_commands_name_whoever_named_themselves():
    operator, user = StaffFactory(username="ada"), UserFactory(username="shop")

    (secret,), _ = run("create_api_key", "shop", "--by", "ada")
    run("revoke_api_key", "shop", secret[-4:], "--by", "ada", "--reason", "It leaked.")
    run("create_api_key", "shop")

    entries = AuditEntry.objects.order_by("pk").values_list("action", "actor", "reason", "address")
    assert list(entries) == [
        ("api_key.issue", operator.pk, "", ""),
        ("api_key.revoke", operator.pk, "It leaked.", ""),
        ("api_key.issue", None, "", ""),
    ]
    assert ApiKey.objects.filter(user=user, created_by=operator).count() == 1
