"""In every state: the page answers, says the one sentence, and offers what the services would take on, and no more."""

from decimal import Decimal
from uuid import uuid4

import pytest
from django.utils import timezone
from django.utils.html import strip_tags

from namaskah.errors import ConflictError, PaymentRequiredError
from namaskah.rehearsals import rehearse
from payments.admin.payments import PaymentLogAdmin
from payments.lifecycles import PaymentState, ReviewReason
from payments.models import Cause, PaymentLog
from payments.services import explanations, gateway_calls, refunds, reviews
from payments.services.refund_terms import RefundExceedsPaymentError
from payments.services.refunds import RefundRequest
from tests.factories.users import StaffFactory
from tests.integration.back_office.payment_cases import REVIEWS, STATES
from tests.integration.back_office.reading import words_of

pytestmark = pytest.mark.django_db(transaction=True)

CASES = STATES | REVIEWS
CAUSE = Cause(source="admin")
# On the form of the event: see `test_stuck_events`.
OF_ITS_EVENT = "Replay its event"
TITLES = {page.name: page.title for page in PaymentLogAdmin.action_pages}


def verify(payment, by):
    # Asked about a payment that is settled, the service asks nobody.
    if payment.is_settled:
        raise ConflictError("There is nothing to learn.")


def credit(payment, by):
    reviews.credit_after_review(payment_id=payment.pk, note="Paid so.", by=by, cause=CAUSE, now=timezone.now())


def dismiss(payment, by):
    reviews.dismiss_review(payment_id=payment.pk, note="Seen.", by=by, cause=CAUSE, now=timezone.now())


def refund(payment, by):
    wanted = RefundRequest(
        payment_id=payment.pk, amount_usd=Decimal("0.01"), reason="Asked for", idempotency_key=uuid4()
    )
    refunds.request_refund(request=wanted, by=by, cause=CAUSE, now=timezone.now())


SERVICES = {"payment.verify": verify, "review.credit": credit, "refund.request": refund, "review.dismiss": dismiss}


def takes_on(service, payment, by):
    """Whether the service would do it for the payment as it is; nothing stays of the trial."""
    try:
        with rehearse(), gateway_calls.reads_only():
            service(payment, by)
    except PaymentRequiredError:
        # The wallet's fault, not the payment's.
        return True
    except (ConflictError, RefundExceedsPaymentError):
        return False
    return True


def test_the_cases_hold_every_state_and_every_reason():
    reasons = {name.split(", ")[1] for name in REVIEWS}

    assert reasons == set(ReviewReason.values)
    assert set(SERVICES) | {"payment.note"} == set(TITLES)


@pytest.mark.parametrize("case", CASES)
def test_the_page_says_the_sentence_and_offers_what_the_services_take_on(case, superuser, sandbox, settings):
    made = CASES[case](sandbox, settings)
    payment = PaymentLog.objects.get(pk=made.pk)
    sentence = explanations.explain_payment(payment).conclusion
    by = StaffFactory()
    possible = [name for name in TITLES if name == "payment.note" or takes_on(SERVICES[name], payment, by)]

    page = superuser.get(f"/admin/payments/paymentlog/{payment.pk}/change/")

    assert page.status_code == 200
    assert strip_tags(page.context["explanation"]) == sentence
    assert sentence in words_of(page)
    offers = [offer.label for offer in page.context["offers"] if offer.label != OF_ITS_EVENT]
    assert offers == [TITLES[name] for name in possible]


@pytest.mark.parametrize("case", CASES)
def test_the_pages_of_what_is_offered_open(case, superuser, sandbox, settings):
    payment = CASES[case](sandbox, settings)
    page = superuser.get(f"/admin/payments/paymentlog/{payment.pk}/change/")

    answers = {offer.label: superuser.get(offer.url).status_code for offer in page.context["offers"]}

    assert set(answers.values()) == {200}


def test_the_states_are_reached(sandbox, settings):
    reached = set()
    for make in (STATES[name] for name in ("pending", "processing", "completed", "failed", "refunded")):
        reached.add(PaymentLog.objects.get(pk=make(sandbox, settings).pk).state)

    assert reached == set(PaymentState.values)
