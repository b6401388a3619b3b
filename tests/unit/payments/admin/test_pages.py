import pytest

from payments.lifecycles import PaymentState
from tests.factories.payments import GatewayCallFactory, PaymentFactory, WebhookEventFactory
from tests.factories.users import StaffFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client):
    client.force_login(StaffFactory())
    return client


@pytest.mark.parametrize("by", ["reference", "email"])
def test_payments_are_found_by(staff, by):
    payment, other = PaymentFactory(), PaymentFactory()

    page = staff.get("/admin/payments/paymentlog/", {"q": getattr(payment, by)}).content.decode()

    assert (payment.reference in page, other.reference in page) == (True, False)


def test_payments_are_narrowed_by_state(staff):
    pending, completed = PaymentFactory(), PaymentFactory(at=PaymentState.COMPLETED)

    page = staff.get("/admin/payments/paymentlog/", {"state__exact": "completed"}).content.decode()

    assert (completed.reference in page, pending.reference in page) == (True, False)


def test_calls_of_the_gateway_are_found_by_reference(staff):
    call, other = GatewayCallFactory(), GatewayCallFactory()

    page = staff.get("/admin/payments/gatewaycall/", {"q": call.reference}).content.decode()

    assert (call.reference in page, other.reference in page) == (True, False)


def test_an_event_shows_no_raw_body(staff):
    event = WebhookEventFactory(body=b'{"event": "charge.success", "data": {"customer": "secret"}}')

    page = staff.get(f"/admin/payments/webhookevent/{event.pk}/change/").content.decode()

    assert (event.reference in page, "secret" in page) == (True, False)
