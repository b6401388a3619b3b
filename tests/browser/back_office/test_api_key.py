"""An API key from its issue to its end, and what it opens meanwhile."""

import httpx
import pytest
from playwright.sync_api import expect

from namaskah.api_keys.models import ApiKey
from namaskah.audit.models import AuditEntry
from tests.browser.back_office.together import find_winner, press_together
from tests.factories.api_keys import make_api_key
from tests.factories.users import UserFactory

# The first test waits for the database and for the product too.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

ISSUE = "Issue the key"
REVOKE = "Revoke it for good"


def test_key_is_shown_once_opens_the_api_and_opens_nothing_once_it_is_revoked(office, sit_down):
    operator = sit_down("Operator")
    customer = UserFactory()

    open_form(operator, customer)
    operator.button(ISSUE).click()
    secret = operator.page.locator("#secret").inner_text()

    answer = ask(office, secret)
    assert (answer.status_code, answer.json()["balance"]) == (200, "0.00")

    # The browser sends the form again.
    operator.page.reload()
    assert operator.told().startswith("This form was sent before.")
    api_key = ApiKey.objects.get(user=customer)
    operator.open(f"/admin/api_keys/apikey/{api_key.pk}/change/")
    expect(operator.fact("Ends with")).to_have_text(secret[-4:])
    assert secret not in operator.page.content()

    operator.link("Revoke").click()
    operator.fill(Why="The customer published it.")
    operator.button(REVOKE).click()

    assert operator.told().endswith("is revoked.")
    answer = ask(office, secret)
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    expect(operator.fact("State")).to_contain_text("Revoked")


def test_form_that_two_browsers_send_at_once_issues_one_key(office, open_browser, sit_down):
    operator = sit_down("Operator")
    browsers = [operator, open_browser(beside=operator)]
    customer = UserFactory()

    for browser in browsers:
        open_form(browser, customer)
    copy_form(*browsers)
    press_together([browser.button(ISSUE) for browser in browsers])

    shown = [browser.page.locator("#secret").or_(browser.said()).first.inner_text() for browser in browsers]
    [told] = [text for text in shown if text.startswith("This form was sent before.")]
    [secret] = [text for text in shown if text != told]
    assert ApiKey.objects.filter(user=customer).count() == 1
    assert ask(office, secret).status_code == 200


def test_two_operators_who_revoke_a_key_at_once_revoke_it_once(office, sit_down):
    operators = [sit_down("Operator"), sit_down("Operator")]
    api_key, secret = make_api_key(UserFactory())

    for operator in operators:
        operator.open(f"/admin/api_keys/apikey/{api_key.pk}/revoke/")
        operator.fill(Why="The customer published it.")
    press_together([operator.button(REVOKE) for operator in operators])

    find_winner(operators, winner="is revoked.$", loser="^Something changed since you opened")
    assert AuditEntry.objects.filter(action="api_key.revoke", outcome="done", after__id=str(api_key.pk)).count() == 1
    assert ask(office, secret).status_code == 401


def open_form(operator, customer):
    operator.open("/admin/api_keys/apikey/")
    operator.link("Issue an API key").click()
    operator.fill(Account=customer.username, What_it_is_for="The shop's server")


def copy_form(original, copy):
    """Give one browser the form of the other, as a tab has it that was duplicated."""
    token = original.page.locator("[name=token]").input_value()
    copy.page.locator("[name=token]").evaluate("(field, token) => { field.value = token }", token)


def ask(office, secret):
    """Use the key as a client does, over HTTP."""
    return httpx.get(
        f"{office.url}/api/v1/billing/balance", headers={"Authorization": f"Bearer {secret}"}, trust_env=False
    )
