import html
import re

import httpx
import pytest


@pytest.fixture
def choose(visitor, page):
    """Return how a button of the page is pressed."""
    return lambda decision, **fields: visitor.post(page, data={"decision": decision, **fields})


def text_of(answer):
    return html.unescape(re.sub(r"<style>.*?</style>|<[^>]+>", " ", answer.text, flags=re.DOTALL))


@pytest.fixture
def see(visitor):
    return visitor.get


def test_page_says_who_what_and_that_no_money_moves(see, page):
    answer = see(page)

    assert answer.status_code == 200
    said = text_of(answer)
    for words in ("Namaskah", "ada@example.com", "NGN 2,500.00", "No money moves", "Fail", "Abandon", "Mobile money"):
        assert words in said
    assert "<script" not in answer.text
    assert re.findall(r'(?:src|href)="(?!/|data:)', answer.text) == []
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_paying_without_a_callback_ends_on_the_page(see, sandbox, page, choose):
    answer = choose("pay", channel="bank_transfer")

    assert (answer.status_code, answer.headers["location"]) == (303, f"{httpx.URL(page).path}?done")
    assert "Paid. Thank you." in text_of(see(f"{page}?done"))
    assert [(row["status"], row["channel"], row["amount_minor"]) for row in sandbox.transactions()] == [
        ("success", "bank_transfer", 250_000)
    ]


def test_paying_leads_back_to_the_merchant(visitor, see, initialize):
    page = initialize(callback_url="https://shop.example/back?cart=7").json()["data"]["authorization_url"]

    answer = visitor.post(page, data={"decision": "pay"})

    assert answer.headers["location"] == "https://shop.example/back?cart=7&trxref=nmk-1&reference=nmk-1"
    assert "Back to Namaskah" in text_of(see(page))


def test_customer_can_bear_the_fees(sandbox, choose):
    choose("pay", bearer="customer")

    assert [(row["amount_minor"], row["fees_minor"]) for row in sandbox.transactions()] == [(253_750, 3750)]


@pytest.mark.parametrize(("written", "amount_minor"), [("1,250.5", 125_050), ("0.01", 1), (" 9 ", 900)])
def test_wrong_amount_is_paid_as_written(sandbox, choose, written, amount_minor):
    choose("pay_wrong_amount", amount=written)

    assert [row["amount_minor"] for row in sandbox.transactions()] == [amount_minor]


@pytest.mark.parametrize("written", ["", "0", "much", "-1", "1.234"])
def test_wrong_amount_that_is_none_is_asked_for_again(sandbox, choose, written):
    answer = choose("pay_wrong_amount", amount=written)

    assert answer.status_code == 400
    assert "Write the amount like 1250.00." in text_of(answer)
    assert [row["status"] for row in sandbox.transactions()] == ["abandoned"]


def test_declined_payment_can_be_tried_again(see, sandbox, page, choose):
    choose("fail")
    declined = text_of(see(page))
    choose("pay")

    assert "Declined. You can try again." in declined
    assert [row["status"] for row in sandbox.transactions()] == ["success"]


def test_abandoning_leaves_the_page_open(see, page, choose):
    answer = choose("abandon")

    assert answer.headers["location"] == f"{httpx.URL(page).path}?left"
    assert "You left without paying. You can still pay." in text_of(see(f"{page}?left"))


@pytest.mark.parametrize(
    ("url", "followed"),
    [
        ("https://shop.example/cancelled", True),
        ("javascript:alert(1)", False),
        ("https://x/\r\nset-cookie: a=b", False),
    ],
)
def test_abandoning_leads_where_the_merchant_wants(visitor, initialize, url, followed):
    page = initialize(metadata={"cancel_action": url}).json()["data"]["authorization_url"]

    answer = visitor.post(page, data={"decision": "abandon"})

    assert answer.headers["location"] == (url if followed else f"{httpx.URL(page).path}?left")


def test_paid_page_says_so_and_pays_nothing_again(see, sandbox, page, choose):
    choose("pay")

    again = choose("pay_wrong_amount", amount="1")

    assert (again.status_code, again.headers["location"]) == (303, httpx.URL(page).path)
    assert "This is paid already." in text_of(see(page))
    assert [row["amount_minor"] for row in sandbox.transactions()] == [250_000]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_unknown_page_is_told_kindly(visitor, method):
    answer = visitor.request(method, "/checkout/nothing")

    assert answer.status_code == 404
    assert "There is no payment at this address" in text_of(answer)


def test_unknown_button_changes_nothing(sandbox, choose):
    answer = choose("steal")

    assert (answer.status_code, [row["status"] for row in sandbox.transactions()]) == (400, ["abandoned"])


def test_what_a_merchant_writes_stays_text(see, sandbox, page):
    sandbox.settings.merchant_name = "<b>Shop</b>"

    assert "<b>Shop" not in see(page).text


def test_overview_lists_the_newest_payments(see, initialize):
    empty = text_of(see("/"))
    made = [initialize(reference=f"nmk-{number}").json()["data"]["access_code"] for number in (1, 2)]

    links = re.findall(r'href="/checkout/(\w+)"', see("/").text)

    assert "There are none yet." in empty
    assert links == list(reversed(made))
