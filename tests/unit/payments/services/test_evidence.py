import pytest

from payments.lifecycles import PaymentState, ReviewReason
from payments.services.evidence import Judgement, Verdict, judge
from tests.factories.payments import EvidenceFactory, PaymentFactory
from tests.factories.users import UserFactory

PRICE = 4_125_000


@pytest.fixture
def payment():
    return PaymentFactory.build(user=UserFactory.build(), amount_minor=PRICE, currency="NGN")


def say(payment, **changes):
    return judge(payment, EvidenceFactory(of=payment, **changes), domain="test")


@pytest.mark.parametrize(
    "said",
    [
        pytest.param({}, id="exactly the price"),
        pytest.param({"fees_minor": None}, id="without fees"),
        pytest.param({"fees_minor": 0}, id="fees of nothing"),
        pytest.param({"requested_amount_minor": None}, id="older answer without requested amount"),
        pytest.param(
            {"amount_minor": PRICE + 1500, "requested_amount_minor": PRICE, "fees_minor": 1500},
            id="payer bears the fees",
        ),
        pytest.param(
            {"amount_minor": PRICE + 1, "requested_amount_minor": PRICE, "fees_minor": 1500}, id="payer bears some fees"
        ),
        pytest.param({"channel": "", "paid_at": None, "gateway_response": ""}, id="nothing but what counts"),
    ],
)
def test_judge_paid(payment, said):
    assert say(payment, **said) == Judgement(Verdict.PAID)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"amount_minor": None}, ReviewReason.EVIDENCE_INCOMPLETE),
        ({"amount_minor": None, "requested_amount_minor": PRICE}, ReviewReason.EVIDENCE_INCOMPLETE),
        ({"gateway_transaction_id": None}, ReviewReason.EVIDENCE_INCOMPLETE),
        ({"domain": "live"}, ReviewReason.WRONG_DOMAIN),
        ({"domain": ""}, ReviewReason.WRONG_DOMAIN),
        ({"currency": "GHS"}, ReviewReason.CURRENCY_MISMATCH),
        ({"currency": "ngn"}, ReviewReason.CURRENCY_MISMATCH),
        ({"currency": ""}, ReviewReason.CURRENCY_MISMATCH),
        ({"amount_minor": 1, "requested_amount_minor": 1}, ReviewReason.AMOUNT_MISMATCH),
        ({"amount_minor": PRICE, "requested_amount_minor": PRICE - 1}, ReviewReason.AMOUNT_MISMATCH),
        ({"amount_minor": PRICE, "requested_amount_minor": PRICE + 1}, ReviewReason.AMOUNT_MISMATCH),
        ({"amount_minor": PRICE, "requested_amount_minor": 0}, ReviewReason.AMOUNT_MISMATCH),
        ({"amount_minor": PRICE - 1, "requested_amount_minor": None}, ReviewReason.AMOUNT_MISMATCH),
        ({"amount_minor": PRICE + 1500, "requested_amount_minor": None}, ReviewReason.AMOUNT_MISMATCH),
        ({"amount_minor": PRICE - 1, "requested_amount_minor": PRICE}, ReviewReason.PARTIAL_DEBIT),
        ({"amount_minor": 0, "requested_amount_minor": PRICE}, ReviewReason.EVIDENCE_INCOMPLETE),
        (
            {"amount_minor": PRICE + 1501, "requested_amount_minor": PRICE, "fees_minor": 1500},
            ReviewReason.OVERPAID,
        ),
        ({"amount_minor": PRICE + 1, "requested_amount_minor": PRICE, "fees_minor": None}, ReviewReason.OVERPAID),
        (
            {"amount_minor": 2 * PRICE + 1, "requested_amount_minor": PRICE, "fees_minor": PRICE + 1},
            ReviewReason.OVERPAID,
        ),
        ({"amount_minor": PRICE + 1, "requested_amount_minor": PRICE, "fees_minor": 0}, ReviewReason.OVERPAID),
    ],
)
def test_judge_success_that_does_not_fit_goes_to_review(payment, said, reason):
    assert say(payment, **said) == Judgement(Verdict.REVIEW, reason)


@pytest.mark.parametrize(
    ("status", "judgement"),
    [
        ("success", Judgement(Verdict.PAID)),
        ("abandoned", Judgement(Verdict.OPEN)),
        ("ongoing", Judgement(Verdict.OPEN)),
        ("pending", Judgement(Verdict.OPEN)),
        ("processing", Judgement(Verdict.OPEN)),
        ("queued", Judgement(Verdict.OPEN)),
        ("failed", Judgement(Verdict.FAILED)),
        ("reversed", Judgement(Verdict.FAILED)),
        ("reversal-pending", Judgement(Verdict.REVIEW, ReviewReason.REVERSAL_PENDING)),
        ("settled-next-tuesday", Judgement(Verdict.OPEN)),
        ("SUCCESS", Judgement(Verdict.OPEN)),
        ("", Judgement(Verdict.OPEN)),
    ],
)
def test_judge_status(payment, status, judgement):
    assert say(payment, status=status) == judgement


@pytest.mark.parametrize("status", ["abandoned", "pending", "failed", "reversed"])
def test_judge_open_or_failed_looks_at_no_amount(payment, status):
    said = say(payment, status=status, amount_minor=None, currency="", gateway_transaction_id=None)

    assert said.review_reason is None


def test_judge_live_transaction_under_a_live_key(payment):
    live = EvidenceFactory(of=payment, domain="live")

    assert judge(payment, live, domain="live") == Judgement(Verdict.PAID)
    assert judge(payment, live, domain="test") == Judgement(Verdict.REVIEW, ReviewReason.WRONG_DOMAIN)


@pytest.mark.parametrize("state", [PaymentState.PENDING, PaymentState.PROCESSING, PaymentState.FAILED])
def test_judge_does_not_depend_on_the_state(state):
    payment = PaymentFactory.build(user=UserFactory.build(), state=state)

    assert say(payment) == Judgement(Verdict.PAID)
