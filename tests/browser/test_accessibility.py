"""Every page of the back office by the rules of WCAG 2.2 AA: light and dark, on a desk and on a phone."""

import re
from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.management import call_command
from django.db import connections
from django.urls import reverse
from playwright.sync_api import expect

from billing.models import Wallet
from payments.models import PaymentLog
from tests.browser.accessibility import (
    COUNT_CONTROLS,
    DESK,
    PHONE,
    ZOOMED,
    find_violations,
    load_axe,
    scrolls_sideways,
    switch_theme,
    walk,
)
from tests.browser.conftest import PRODUCTION
from tests.factories.rows import MAKE
from tests.factories.users import StaffFactory
from tests.integration.back_office.addresses import list_addresses, name_of
from tests.integration.back_office.role_table import ADDRESSES
from tests.processes import product
from tests.processes.valkey import ValkeyServer

pytestmark = pytest.mark.browser

PASSWORD = "a-password-of-the-staff"
_OK, _REFUSED = 200, 400
_NO_PAGES = {"jsi18n", "autocomplete", "logout", "view_on_site"}
_BEFORE_LOG_IN = {"login", "set-password"}
_PAGES = sorted({address.name for address in list_addresses()} - _NO_PAGES - _BEFORE_LOG_IN)
_MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label_lower)


@pytest.fixture(scope="module")
def database(django_db_setup, django_db_blocker):
    """What all tests here share, emptied once nothing runs on it any more."""
    with django_db_blocker.unblock():
        # Tests before may have ended ours.
        connections.close_all()
        yield
        call_command("flush", verbosity=0, interactive=False, reset_sequences=False, inhibit_post_migrate=True)


@pytest.fixture(scope="module")
def office(database, tmp_path_factory) -> Iterator[product.Product]:
    """The back office as in production but for the second factor."""
    environment = {**PRODUCTION, "STAFF_SECOND_FACTOR": "off", "RATE_LIMIT_AUTHENTICATION": "100000"}
    with (
        ValkeyServer() as valkey,
        product.running(
            redis_url=valkey.url,
            paystack_url="http://127.0.0.1:9",
            logs=tmp_path_factory.mktemp("office"),
            environment=environment,
        ) as running,
    ):
        running.start_web()
        yield running


@pytest.fixture(scope="module")
def session(office, chromium):
    """Log in once, as somebody who sees everything; return the cookies."""
    hasher = PBKDF2PasswordHasher()
    member = StaffFactory(password=hasher.encode(PASSWORD, hasher.salt()), email="staff@example.com")
    context = chromium.new_context(base_url=office.url)
    page = context.new_page()
    page.goto("/admin/login/")
    page.fill("[name=username]", member.username)
    page.fill("[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/")
    yield context.storage_state()
    context.close()


@pytest.fixture(scope="module")
def page(office, chromium, session):
    context = chromium.new_context(base_url=office.url, storage_state=session, viewport=DESK)
    yield context.new_page()
    context.close()


@pytest.fixture
def stranger(office, chromium):
    context = chromium.new_context(base_url=office.url, viewport=DESK)
    yield context.new_page()
    context.close()


def find_faults(page):
    """Return what is wrong with the page that is open; each rule is run on the screens where its answer can differ."""
    load_axe(page)
    switch_theme(page, dark=False)
    faults = find_violations(page)
    switch_theme(page, dark=True)
    faults += [f"dark: {fault}" for fault in find_violations(page, only="color-contrast")]
    page.set_viewport_size(PHONE)
    switch_theme(page, dark=False)
    faults += [f"phone: {fault}" for fault in find_violations(page, without="color-contrast")]
    faults += ["scrolls sideways on a phone"] if scrolls_sideways(page) else []
    page.set_viewport_size(ZOOMED)
    faults += ["scrolls sideways at 200 %"] if scrolls_sideways(page) else []
    page.set_viewport_size(DESK)
    return faults


@pytest.mark.parametrize("name", _PAGES)
def test_page_keeps_the_rules(page, name):
    address = next(address for address in list_addresses() if address.name == name)
    expected = {_OK} if ADDRESSES[name].get == _OK else {_OK, *range(300, 400)}

    answer = page.goto(address.fill())

    assert answer.status in expected
    assert find_faults(page) == []


@pytest.mark.parametrize("model", _MODELS, ids=lambda model: model._meta.label_lower)
def test_list_and_row_keep_the_rules(page, model):
    row = MAKE[model]()

    for url in [
        reverse(f"admin:{name_of(model, 'changelist')}"),
        reverse(f"admin:{name_of(model, 'change')}", args=[row.pk]),
    ]:
        assert page.goto(url).status == _OK
        assert find_faults(page) == [], url


def test_log_in_keeps_the_rules_and_says_what_is_wrong(stranger):
    stranger.goto("/admin/login/")
    faults = find_faults(stranger)
    first = [stop["field"] for stop in walk(stranger)][:2]
    stranger.fill("[name=username]", "nobody")
    stranger.fill("[name=password]", "nothing")
    stranger.keyboard.press("Enter")

    expect(stranger).to_have_title(re.compile("^Error: "))
    expect(stranger.get_by_role("alert").last).to_contain_text("correct")
    assert first == ["username", "password"]
    assert faults + find_faults(stranger) == []


@pytest.mark.parametrize("path", ["/admin/set-password/MQ/none/", "/admin/no-such-page/"])
def test_pages_before_the_log_in_keep_the_rules(stranger, path):
    stranger.goto(path)

    assert find_faults(stranger) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_nothing_matches_keeps_the_rules(page, scheme):
    page.emulate_media(color_scheme=scheme)
    page.goto("/admin/payments/paymentlog/?q=nobody-by-this-name&state__exact=failed")
    page.get_by_text("Filters, some are set").click()

    assert find_faults(page) == []


def test_refused_form_ties_each_error_to_its_field(page):
    page.goto(reverse("admin:wallet-adjust", args=[MAKE[Wallet]().pk]))
    page.locator("[name=amount]").press("Enter")
    page.wait_for_load_state()

    field = page.locator("[name=ticket]")
    expect(page).to_have_title(re.compile("^Error: "))
    expect(page.get_by_role("alert")).to_contain_text("Nothing was done yet")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(re.compile("This field is required"))
    expect(field).to_have_accessible_description(re.compile("Where the customer asked for it"))
    assert find_faults(page) == []


@pytest.mark.parametrize("width", [DESK, PHONE], ids=["desk", "phone"])
def test_keyboard_reaches_everything_in_order_and_shows_where_it_is(page, width):
    wallet = MAKE[Wallet]()
    paths = [
        reverse("admin:payments_paymentlog_change", args=[MAKE[PaymentLog]().pk]),
        reverse("admin:wallet-adjust", args=[wallet.pk]),
        reverse("admin:approvals"),
        reverse("admin:payments_webhookevent_changelist"),
    ]
    page.set_viewport_size(width)

    for path in paths:
        page.goto(path)
        stops = walk(page)
        assert stops[0]["name"] == "Skip to the content"
        assert [stop for stop in stops if not (stop["isMarked"] and stop["isSeen"])] == [], path
        assert len(stops) == page.evaluate(COUNT_CONTROLS), path
    page.set_viewport_size(DESK)


def test_wallet_form_is_filled_in_from_top_to_bottom_by_keyboard(page):
    page.goto(reverse("admin:wallet-adjust", args=[MAKE[Wallet]().pk]))

    stops = walk(page)

    fields = [stop["field"] for stop in stops if stop["field"]]
    assert fields == ["direction", "amount", "reason_code", "ticket", "note"]
    assert stops[-2]["name"] == "Do it now, or ask for approval"
    assert stops[-1]["name"] == "Back, and do nothing"


def test_skip_link_leads_past_the_side_bar(page):
    page.goto("/admin/approvals/")

    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    expect(page.locator("main")).to_be_focused()


def test_menus_open_by_keyboard_and_close_by_escape(page):
    page.goto("/admin/payments/paymentlog/")
    own, filters = page.get_by_role("button", name="log out"), page.locator("details.filters")

    own.press("Enter")
    expect(page.get_by_role("button", name="Log out", exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Log out", exact=True)).to_be_hidden()
    expect(own).to_be_focused()

    filters.locator("summary").press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(filters.locator("form")).to_be_hidden()
    expect(filters.locator("summary")).to_be_focused()


def test_side_bar_opens_on_a_phone_by_keyboard_and_closes_by_escape(page):
    page.set_viewport_size(PHONE)
    page.goto("/admin/payments/paymentlog/")
    opener, bar = (
        page.get_by_role("button", name="Menu", exact=True),
        page.get_by_role("navigation", name="Back office"),
    )

    opener.press("Enter")
    expect(bar).to_be_visible()
    expect(page.get_by_role("button", name="Close the menu")).to_be_focused()
    load_axe(page)
    faults = find_violations(page)
    page.keyboard.press("Escape")

    expect(bar).to_be_hidden()
    expect(opener).to_be_focused()
    assert faults == []
    page.set_viewport_size(DESK)


def test_pages_have_titles_that_tell_them_apart(page):
    lists = [page.request.get(reverse(f"admin:{name_of(model, 'changelist')}")).text() for model in _MODELS]

    titles = {re.search("<title>(.*?)</title>", text, re.DOTALL)[1].strip() for text in lists}

    assert len(titles) == len(_MODELS)
