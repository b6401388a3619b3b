"""A phone that is lost, and the ways back in."""

from base64 import b32decode

import pytest
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from playwright.sync_api import expect

from tests.browser.back_office.people import make_member
from tests.browser.back_office.together import press_together
from tests.factories.users import StaffFactory
from tests.integration.back_office.second_factors import code_of
from tests.processes import shell

# The first test waits for the database and for the product too.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

DASHBOARD = "**/admin/"


def test_recovery_code_lets_in_once_whoever_lost_the_app_and_they_enrol_anew(open_browser):
    member = make_member("Support", has_app=False)
    browser = open_browser()
    browser.show_password(member)
    lost_key, codes = enrol(browser)
    browser.page.get_by_role("link", name="I have kept them").click()
    browser.page.wait_for_url(DASHBOARD)

    at_home = open_browser()
    at_home.show_password(member)
    at_home.show_code(codes[0])
    at_home.page.wait_for_url(DASHBOARD)

    elsewhere = open_browser()
    elsewhere.show_password(member)
    elsewhere.show_code(codes[0])
    assert elsewhere.told().startswith("This code is wrong or was used before.")
    assert StaticToken.objects.filter(device__user=member.user).count() == 9

    at_home.open("/admin/second-factor/mine/")
    expect(at_home.page.get_by_text("You have 9 recovery codes left")).to_be_visible()
    at_home.page.get_by_role("link", name="Set up another app").click()
    new_key, new_codes = enrol(at_home)

    assert new_key != lost_key
    assert not set(codes) & set(new_codes)
    assert TOTPDevice.objects.get(user=member.user).bin_key == new_key


def test_recovery_code_that_two_browsers_show_at_once_lets_one_in(open_browser):
    member = make_member("Support", has_app=False)
    enrolled = open_browser()
    enrolled.show_password(member)
    _, codes = enrol(enrolled)

    browsers = [open_browser(), open_browser()]
    for browser in browsers:
        browser.show_password(member)
        browser.fill(Code=codes[0])
    press_together([browser.button("Continue") for browser in browsers], table="otp_static_staticdevice")

    for browser in browsers:
        browser.page.get_by_role("heading", name="Dashboard").or_(browser.said()).first.wait_for()
    inside = [browser for browser in browsers if browser.page.url.endswith("/admin/")]
    [outside] = [browser for browser in browsers if browser not in inside]
    assert outside.told().startswith("This code is wrong or was used before. You can try again in")
    outside.open("/admin/payments/paymentlog/")
    expect(outside.field("Code")).to_be_visible()
    assert StaticToken.objects.filter(device__user=member.user).count() == 9
    assert len(inside) == 1


def test_two_browsers_that_enrol_at_once_set_up_one_app(open_browser):
    member = make_member("Support", has_app=False)
    browsers = [open_browser(), open_browser()]
    keys = []
    for browser in browsers:
        browser.show_password(member)
        keys.append(read_key(browser))
        browser.fill(Code=code_of(keys[-1]))

    press_together([browser.button("Confirm") for browser in browsers], table="otp_totp_totpdevice")

    for browser in browsers:
        browser.page.get_by_role("heading", name="Recovery codes").or_(browser.said()).first.wait_for()
    [inside] = [browser for browser in browsers if browser.page.locator("li code").count() == 10]
    [outside] = [browser for browser in browsers if browser is not inside]
    assert outside.told().startswith("Another app was set up for you meanwhile, and this one was not")
    assert TOTPDevice.objects.get(user=member.user).bin_key == keys[browsers.index(inside)]
    assert StaticToken.objects.filter(device__user=member.user).count() == 10


def test_operator_resets_the_second_factor_in_a_shell(office, open_browser):
    member = make_member("Support")
    at_work = open_browser()
    at_work.log_in(member)
    StaffFactory(username="ada")

    with shell.running(office.product.environment) as opened:
        ended = opened.run(
            "reset_second_factor", member.user.username, "--by", "ada", "--reason", "The phone fell into the lagoon."
        )

    assert ended.status == 0, ended.stderr
    at_work.page.reload()
    expect(at_work.field("Password")).to_be_visible()
    at_work.show_password(member)
    enrol(at_work)
    at_work.page.get_by_role("link", name="I have kept them").click()
    at_work.page.wait_for_url(DASHBOARD)


def enrol(browser):
    """Scan the key that is shown and confirm it; return the key and the recovery codes."""
    key = read_key(browser)
    browser.show_code(code_of(key))
    expect(browser.page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    codes = browser.page.locator("li code").all_inner_texts()
    assert len(set(codes)) == 10
    return key, codes


def read_key(browser):
    """Return the key that the picture shows, from where it is written out."""
    picture = browser.page.get_by_role("img", name="QR code of the key below").locator("svg")
    expect(picture).to_be_visible()
    return b32decode(browser.page.get_by_role("code").inner_text().replace(" ", ""))
