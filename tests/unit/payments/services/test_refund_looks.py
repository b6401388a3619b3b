"""A person has the gateway asked about a refund."""

from uuid import uuid4

import pytest
from django.utils import timezone

from namaskah.audit.models import AuditEntry
from namaskah.errors import GatewayUnavailableError, PermissionDeniedError
from payments.selectors.refunds import RefundNotFoundError
from payments.services import refund_looks
from payments.services.refund_looks import RefundNotAtGatewayError
from tests.factories.payments import CAUSE
from tests.factories.people import AgentFactory
from tests.factories.refunds import request
from tests.unit.payments.services.refunding import buy, move, submit

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def refund(sandbox):
    return submit(request(buy(sandbox), "10.00"))


@pytest.fixture
def agent(db):
    return AgentFactory(permission="verify_payment")


def look(refund_id, by):
    return refund_looks.look_at_refund(refund_id=refund_id, by=by, cause=CAUSE, now=timezone.now())


def test_look_at_refund_follows_what_the_gateway_says_and_writes_who_asked(sandbox, refund, agent):
    move(sandbox, refund.payment, "processed")

    assert look(refund.pk, agent).state == "processed"

    entry = AuditEntry.objects.get(action="refund.look")
    assert (entry.action, entry.actor, entry.subject, entry.before) == (
        "refund.look",
        agent,
        refund.reference,
        {"state": "submitted"},
    )


def test_look_at_refund_writes_who_asked_even_if_no_answer_comes(sandbox, refund, agent):
    sandbox.script(operation="list_refunds", fault="http_500", times=4)

    with pytest.raises(GatewayUnavailableError):
        look(refund.pk, agent)

    assert AuditEntry.objects.get(action="refund.look").subject == refund.reference


def test_look_at_refund_needs_the_permission(refund):
    with pytest.raises(PermissionDeniedError):
        look(refund.pk, AgentFactory())

    assert not AuditEntry.objects.filter(action="refund.look").exists()


def test_look_at_refund_that_does_not_exist_is_refused(agent):
    with pytest.raises(RefundNotFoundError):
        look(uuid4(), agent)


def test_look_at_refund_that_was_not_sent_is_refused(sandbox, agent):
    with pytest.raises(RefundNotAtGatewayError, match="This refund is approved"):
        look(request(buy(sandbox), "10.00").pk, agent)

    assert not AuditEntry.objects.filter(action="refund.look").exists()
