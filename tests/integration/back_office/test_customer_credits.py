"""Credits given and taken from the customer's page, also to whoever has no wallet yet."""

from decimal import Decimal

import pytest

from billing.models import CreditAdjustment, Transaction, Wallet
from tests.factories.billing import post
from tests.factories.people import ask
from tests.factories.users import UserFactory
from tests.integration.back_office.forms import keep_form_open, open_form, read_messages, send
from tests.integration.back_office.reading import list_audit, list_offers, words_of

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/admin/auth/user/"
GIVE = {"direction": "give", "amount": "10", "reason_code": "goodwill", "ticket": "T-7", "note": "Lost messages"}
TAKE = GIVE | {"direction": "take", "reason_code": "correction"}
OFFER = "Give or take credits"


@pytest.fixture
def ada(db):
    """A customer to whom nothing was ever credited."""
    return UserFactory(username="ada", email="ada@example.com")


def page_of(user):
    return f"{LIST}{user.pk}/change/"


def form_of(user):
    return f"{LIST}{user.pk}/adjust/"


def adjust(client, user, **fields):
    return send(client, form_of(user), open_form(client, form_of(user)), **fields)


@pytest.mark.parametrize(
    ("role", "is_offered"), [("Support", True), ("Finance", True), ("Operator", False), ("Auditor", False)]
)
def test_it_is_offered_with_and_without_a_wallet_to_whoever_may(staff, ada, role, is_offered):
    with_wallet = post(UserFactory(), amount=Decimal(100)).user
    client = staff(role)

    assert [OFFER in list_offers(client, page_of(user)) for user in (ada, with_wallet)] == [is_offered] * 2


def test_it_is_never_offered_to_the_customer_themselves(superuser):
    form = keep_form_open(superuser, form_of(superuser.user))

    assert OFFER not in list_offers(superuser, page_of(superuser.user))
    assert read_messages(superuser.get(form_of(superuser.user)))[0].startswith(f"{OFFER}: not possible now.")
    answer = send(superuser, form_of(superuser.user), form, **GIVE)
    assert (answer.status_code, "Nobody adjusts their own wallet." in words_of(answer)) == (400, True)
    assert not CreditAdjustment.objects.exists()


def test_the_first_credits_make_the_wallet(staff, ada):
    client = staff("Support")
    shown = words_of(client.get(form_of(ada)))

    answer = adjust(client, ada, **GIVE)

    assert "Customer ada ada@example.com Balance 0.00 Available 0.00" in shown
    made = CreditAdjustment.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, page_of(ada))
    assert read_messages(answer) == [f"10.00 credits moved ({made.reference})."]
    assert (Wallet.objects.get().user, Wallet.objects.get().balance, made.requested_by) == (ada, 10, client.user)
    assert ("adjustment.request", "ada", "done") in list_audit()


def test_opening_the_form_makes_no_wallet(staff, ada):
    open_form(staff("Support"), form_of(ada))

    assert not Wallet.objects.exists()


def test_nothing_is_taken_from_whoever_has_nothing(staff, ada):
    answer = adjust(staff("Support"), ada, **TAKE)

    assert (answer.status_code, "10.00 too little" in words_of(answer)) == (400, True)
    assert not CreditAdjustment.objects.exists()
    assert list_audit() == [("customer.adjust", "ada", "refused")]


def test_above_the_threshold_a_colleague_decides(staff, ada):
    answer = adjust(staff("Support"), ada, **GIVE | {"amount": "75"})

    (message,) = read_messages(answer)
    assert message.endswith("waits for a colleague's approval; no credits have moved.")
    assert not Transaction.objects.exists()


@pytest.mark.parametrize("meanwhile", [lambda user: post(user, amount=Decimal(5)), lambda user: ask(user, "75")])
def test_a_form_that_was_opened_before_something_changed_does_nothing(staff, ada, meanwhile):
    client = staff("Support")
    form = open_form(client, form_of(ada))
    meanwhile(ada)
    before = CreditAdjustment.objects.count()

    answer = send(client, form_of(ada), form, **GIVE)

    assert (answer.status_code, "Something changed since" in words_of(answer)) == (400, True)
    assert CreditAdjustment.objects.count() == before


def test_a_form_that_is_sent_twice_acts_once(staff, ada):
    client = staff("Support")
    form = open_form(client, form_of(ada))

    answers = [send(client, form_of(ada), form, **GIVE) for _ in range(2)]

    assert [answer["Location"] for answer in answers] == [page_of(ada)] * 2
    assert (CreditAdjustment.objects.count(), Wallet.objects.get().balance) == (1, 10)


def test_of_nobody_there_is_no_form(staff):
    answer = staff("Support").get(f"{LIST}0/adjust/")

    assert read_messages(answer) == ["There is no such account."]
