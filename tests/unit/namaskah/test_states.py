"""A state field refuses assignment and survives everything that Django itself does to it."""

import pytest
from django.db import transaction

from payments.models import PaymentLog
from tests.factories.payments import CAUSE, PaymentFactory
from tests.factories.users import UserFactory
from tests.unit.payments.models.test_payment import NOW


@pytest.fixture
def payment(db):
    return PaymentFactory()


@pytest.fixture
def outdated(payment):
    """The payment as read before another process moved it to processing."""
    read_before = PaymentLog.objects.get()
    payment.start_processing(cause=CAUSE, now=NOW)
    with transaction.atomic():
        PaymentLog.write([payment], now=NOW)
    return read_before


def test_constructor_sets_any_state():
    assert PaymentLog(state="failed").state == "failed"


def test_constructor_without_state_gives_the_default():
    assert PaymentLog().state == "pending"


@pytest.mark.parametrize("value", ["completed", "", None, "PENDING"])
def test_assignment_of_another_state_is_refused(value):
    payment = PaymentFactory.build(user=UserFactory.build())

    with pytest.raises(AttributeError, match="state changes through its transitions only"):
        payment.state = value

    assert payment.state == "pending"


def test_assignment_of_the_same_state_is_accepted():
    payment = PaymentFactory.build(user=UserFactory.build())

    payment.state = "pending"

    assert payment.state == "pending"


def test_refresh_from_db_reads_the_new_state(outdated):
    outdated.refresh_from_db()

    assert (outdated.state, outdated.lock_version) == ("processing", 1)


@pytest.mark.parametrize("fields", [["state"], ["state", "lock_version"], ("state_transitions", "state")], ids=str)
def test_refresh_of_named_fields_reads_the_new_state(fields, outdated):
    outdated.refresh_from_db(fields=fields)

    assert outdated.state == "processing"


def test_refresh_of_other_fields_leaves_the_state(outdated):
    outdated.refresh_from_db(fields=["lock_version"])

    assert (outdated.state, outdated.lock_version) == ("pending", 1)


def test_refresh_through_a_locking_queryset_reads_the_new_state(outdated):
    with transaction.atomic():
        outdated.refresh_from_db(from_queryset=PaymentLog.objects.select_for_update(no_key=True))

    assert outdated.state == "processing"


def test_locked_read_gives_the_new_state(outdated):
    with transaction.atomic():
        locked = PaymentLog.objects.select_for_update(no_key=True).get(pk=outdated.pk)

    assert locked.state == "processing"


def test_deferred_state_is_read_on_access(outdated):
    deferred = PaymentLog.objects.defer("state").get(pk=outdated.pk)

    assert deferred.state == "processing"


def test_assignment_after_a_refresh_is_refused(outdated):
    outdated.refresh_from_db()

    with pytest.raises(AttributeError, match="state changes through its transitions only"):
        outdated.state = "completed"

    assert outdated.state == "processing"


def test_assignment_after_a_failed_refresh_is_refused(db):
    unsaved = PaymentFactory.build(user=UserFactory())
    with pytest.raises(PaymentLog.DoesNotExist):
        unsaved.refresh_from_db()

    with pytest.raises(AttributeError, match="state changes through its transitions only"):
        unsaved.state = "completed"

    assert unsaved.state == "pending"


def test_full_clean_accepts_a_loaded_row(payment):
    loaded = PaymentLog.objects.get()

    loaded.full_clean(exclude=["user"])

    assert loaded.state == payment.state


def test_step_after_a_refresh_starts_from_the_new_state(outdated):
    outdated.refresh_from_db()

    outdated.fail(code="expired", message="", cause=CAUSE, now=NOW)

    assert [entry["to"] for entry in outdated.state_transitions] == ["pending", "processing", "failed"]
