from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from namaskah.audit.looks import AGAIN_AFTER, record_look
from namaskah.audit.models import AuditEntry
from tests.factories.users import StaffFactory
from tests.integration.actors import run_together

pytestmark = pytest.mark.django_db(transaction=True)


def look(by, *, subject="nmk-1", action="payment.view"):
    record_look(by=by, action=action, subject=subject, now=timezone.now())


def looks():
    return list(AuditEntry.objects.order_by("id").values_list("actor__username", "action", "subject"))


def test_look_is_written_once_within_ten_minutes():
    ada = StaffFactory(username="ada")

    look(ada)
    look(ada)

    assert looks() == [("ada", "payment.view", "nmk-1")]


def test_look_is_written_again_later():
    ada = StaffFactory(username="ada")
    before = timezone.now() - AGAIN_AFTER - timedelta(seconds=1)
    AuditEntry.objects.create(actor=ada, action="payment.view", subject="nmk-1", created_at=before)

    look(ada)

    assert len(looks()) == 2


def test_look_of_another_person_at_another_thing_or_in_another_way_is_another():
    ada, eve = StaffFactory(username="ada"), StaffFactory(username="eve")

    look(ada)
    look(eve)
    look(ada, subject="nmk-2")
    look(ada, action="customer.view")

    assert len(looks()) == 4


def test_looks_of_one_person_at_once_are_one():
    ada = StaffFactory(username="ada")

    assert run_together([partial(look, ada)] * 6) == [None] * 6

    assert looks() == [("ada", "payment.view", "nmk-1")]


def test_refusals_are_written_apart_from_looks_and_as_seldom():
    ada, path = StaffFactory(username="ada"), f"/admin/{'x' * 200}\x00/"

    for _ in range(2):
        look(ada, subject=path)
        record_look(by=ada, action="payment.view", subject=path, now=timezone.now(), outcome="refused", reason="no")

    assert list(AuditEntry.objects.order_by("id").values_list("outcome", "reason")) == [("done", ""), ("refused", "no")]
