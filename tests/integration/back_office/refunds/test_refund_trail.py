"""What staff did about a refund is found under its own reference and under its payment's, done or refused."""

import pytest

from namaskah.audit.models import AuditEntry
from tests.factories.refunds import request as ask
from tests.factories.users import StaffFactory
from tests.integration.back_office.conftest import log_in
from tests.integration.back_office.reading import count_queries, read
from tests.integration.back_office.refunds.pages import do, do_late
from tests.unit.payments.services.refunding import submit

pytestmark = pytest.mark.django_db(transaction=True)

AUDIT = "/admin/audit/auditentry/"


def find(client, reference):
    rows = client.get(AUDIT, {"q": reference}).context["cl"].result_list
    return [(row.action, row.outcome) for row in rows]


@pytest.fixture
def trail(staff, gateway, payment):
    """A refund that was asked for, which who asked may not approve, was approved, sent and looked at."""
    asker = log_in(StaffFactory())
    refund = ask(payment, "150.00", by=asker.user)
    do_late(asker, refund, "approve")
    do(staff("Finance"), refund, "approve")
    submit(refund)
    do(staff("Support"), refund, "look")
    return refund


def test_all_of_it_is_found_by_the_refund_and_by_its_payment(staff, trail):
    auditor = staff("Auditor")
    expected = [
        ("refund.look", "done"),
        ("refund.approve", "done"),
        ("refund.approve", "refused"),
        ("refund.request", "done"),
    ]

    assert find(auditor, trail.reference) == expected
    assert find(auditor, trail.payment.reference) == expected
    assert find(auditor, trail.reference[:-1]) == []


def test_the_entry_leads_to_all_that_is_about_the_payment(staff, trail):
    entry = AuditEntry.objects.get(action="refund.look")

    page = staff("Auditor").get(f"{AUDIT}{entry.pk}/change/").content.decode()

    assert f"{AUDIT}?q={trail.payment.reference}" in page
    assert f"{AUDIT}?q={trail.reference}" in page


def test_the_payments_timeline_tells_what_was_refused_and_who_looked(staff, trail):
    page = read(staff("Support"), f"/admin/payments/paymentlog/{trail.payment_id}/change/")

    assert "Not done: refund approve" in page
    assert "Paystack asked about the refund" in page


def test_the_search_takes_as_many_queries_by_either(staff, trail):
    auditor = staff("Auditor")
    count_queries(auditor, AUDIT)

    assert count_queries(auditor, f"{AUDIT}?q={trail.reference}") == count_queries(
        auditor, f"{AUDIT}?q={trail.payment.reference}"
    )
