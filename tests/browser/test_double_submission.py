"""Forms that move money, sent more often than meant by a person at a real browser: each acts once."""

import re

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import Group
from playwright.sync_api import expect

from billing.models import Transaction, Wallet
from namaskah.api_keys.models import ApiKey
from payments.models import Refund
from tests.browser.conftest import PRODUCTION
from tests.factories.billing import post
from tests.factories.payments import PaymentFactory
from tests.factories.people import ask
from tests.factories.users import UserFactory
from tests.processes import product
from tests.waiting import wait_until

pytestmark = pytest.mark.browser

PASSWORD = "a-password-of-the-staff"
CHANGED = "Something changed since you opened this page."
AGAIN = "You did exactly this before."
# What Chromium says of a form that is refused: it is shown again, with the reason.
OF_REFUSALS = "the server responded with a status of 400"


@pytest.fixture
def production(transactional_db, valkey, sandbox, tmp_path):
    """The product, with password and without a second factor."""
    environment = PRODUCTION | {"STAFF_SECOND_FACTOR": "off"}
    with product.running(
        redis_url=valkey.url, paystack_url=sandbox.url, logs=tmp_path, environment=environment
    ) as running:
        running.start_web()
        yield running


@pytest.fixture
def person(visit):
    """Somebody who decides about money and keys, logged in; nothing may go wrong before their eyes."""
    hasher = PBKDF2PasswordHasher()
    user = UserFactory(is_staff=True, password=hasher.encode(PASSWORD, hasher.salt()))
    user.groups.add(*Group.objects.filter(name__in=["Finance", "Operator"]))
    visit = visit("/admin/login/")
    visit.page.get_by_label("Username").fill(user.username)
    visit.page.get_by_label("Password").fill(PASSWORD)
    visit.page.get_by_role("button", name="Log in").click()
    visit.page.wait_for_url("**/admin/")
    failures = []
    visit.page.context.on("response", lambda answer: failures.append(answer.url) if answer.status >= 500 else None)

    yield visit

    assert (failures, [said for said in visit.complaints if OF_REFUSALS not in said]) == ([], [])


class GiveCredits:
    """10 credits given to a customer with 100, which one person may do alone."""

    button = "Do it now, or ask for approval"
    done = "10.00 credits moved"

    def __init__(self):
        self.wallet = Wallet.objects.get(user=post(UserFactory(), amount=100).user)
        self.url = f"/admin/billing/wallet/{self.wallet.pk}/adjust/"
        self.result = re.compile(f"/admin/billing/wallet/{self.wallet.pk}/change/$")

    def fill(self, page):
        page.get_by_label("Amount").fill("10")
        page.get_by_label("Ticket").fill("T-7")
        page.get_by_label("Note").fill("An outage")

    def count(self):
        return Transaction.objects.filter(wallet=self.wallet).count() - 1


class SendMoneyBack:
    """10 of the 25 dollars that a customer paid."""

    button = "Send it back, or ask for approval"
    done = "to Paystack within seconds"

    def __init__(self):
        self.payment = PaymentFactory(at="completed")
        self.url = f"/admin/payments/paymentlog/{self.payment.pk}/refund/"
        self.result = re.compile(f"/admin/payments/paymentlog/{self.payment.pk}/change/$")

    def fill(self, page):
        page.get_by_label("Amount in dollars").fill("10")
        page.get_by_label("Ticket").fill("T-7")
        page.get_by_label("Note").fill("Seen the receipt")

    def count(self):
        return Refund.objects.filter(payment=self.payment).count()


class Approve:
    """75 credits for a customer, which a colleague asked for."""

    button = "Approve: the credits move now"
    done = "75.00 credits moved"

    def __init__(self):
        self.adjustment = ask(post(UserFactory(), amount=100).user, "75")
        self.url = f"/admin/billing/creditadjustment/{self.adjustment.pk}/approve/"
        self.result = re.compile(f"/admin/billing/creditadjustment/{self.adjustment.pk}/change/$")

    def fill(self, page):
        page.get_by_label("Comment").fill("Seen the ticket")

    def count(self):
        return Transaction.objects.filter(reference=self.adjustment.reference).count()


def open_filled(page, form):
    page.goto(form.url)
    form.fill(page)
    return page.get_by_role("button", name=form.button)


def double_click(page, form):
    open_filled(page, form).dblclick()

    expect(page).to_have_url(form.result)


def go_back_and_send_again(page, form):
    open_filled(page, form).click()
    expect(page).to_have_url(form.result)

    page.go_back()
    button = page.get_by_role("button", name=form.button)
    # What was decided about has no form any more, and says so.
    if button.count():
        button.click()
        expect(page.locator("body")).to_contain_text(AGAIN)


def reload_the_result(page, form):
    open_filled(page, form).click()
    expect(page).to_have_url(form.result)

    page.reload()


def send_from_two_tabs_at_once(page, form):
    tab = page.context.new_page()
    tabs = [page, tab]
    buttons = [open_filled(each, form) for each in tabs]

    for button in buttons:
        button.click(no_wait_after=True)

    for each in tabs:
        expect(each.get_by_text(CHANGED).or_(each.get_by_text(form.done)).first).to_be_visible()
    assert [CHANGED in each.inner_text("body") for each in tabs].count(True) == 1
    tab.close()


GESTURES = (double_click, go_back_and_send_again, reload_the_result, send_from_two_tabs_at_once)


@pytest.mark.parametrize("make", [GiveCredits, SendMoneyBack, Approve])
def test_a_form_acts_once_whatever_is_done_with_it(person, make):
    effects = {}
    for gesture in GESTURES:
        form = make()
        gesture(person.page, form)
        wait_until(form.count, seconds=10)
        effects[gesture.__name__] = form.count()

    assert effects == {gesture.__name__: 1 for gesture in GESTURES}


def test_a_double_click_does_not_lose_the_secret_of_a_key(person):
    UserFactory(username="platform")
    page = person.page
    page.goto("/admin/api_keys/apikey/issue/")
    page.get_by_label("Account").fill("platform")
    page.get_by_label("What it is for").fill("billing")

    page.get_by_role("button", name="Issue the key").dblclick()

    expect(page.get_by_role("heading", name="The new API key", level=1)).to_be_visible()
    assert ApiKey.objects.get().last_four in page.inner_text("main")
