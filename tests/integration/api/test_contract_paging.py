"""Cursors: only what this list gave out to this user is one."""

from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest

from payments.lifecycles import PaymentState
from tests.factories.billing import post
from tests.factories.payments import PaymentFactory
from tests.integration.api.clients import PAYMENTS, TRANSACTIONS, problem, read

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unlimited")]

LISTS = [PAYMENTS, TRANSACTIONS]
INVALID = (400, "validation_error")


@pytest.fixture(autouse=True)
def _rows(api, other_api):
    """Three payments with their credits for each of two users."""
    for client in (api, other_api) * 3:
        PaymentFactory(user=client.user, at=PaymentState.COMPLETED)


def _cursor(client, path):
    """Return the cursor of the second page of one row."""
    return parse_qs(urlsplit(read(client.get(path, page_size=1))["next"]).query)["cursor"][0]


@pytest.mark.parametrize("path", LISTS)
def test_a_cursor_leads_on(api, path):
    rows = [row["reference"] for row in read(api.get(path))["results"]]

    page = read(api.get(path, page_size=1, cursor=_cursor(api, path)))

    assert [row["reference"] for row in page["results"]] == [rows[1]]


@pytest.mark.parametrize("path", LISTS)
def test_a_cursor_with_one_character_changed_is_refused(api, path):
    cursor = _cursor(api, path)
    changed = [
        cursor[:place] + ("A" if character != "A" else "B") + cursor[place + 1 :]
        for place, character in list(enumerate(cursor))[::4]
    ]

    answers = [api.get(path, cursor=tampered) for tampered in changed]

    assert {problem(answer) for answer in answers} == {INVALID}
    assert {read(answer)["errors"][0]["field"] for answer in answers} == {"cursor"}


@pytest.mark.parametrize("path", LISTS)
def test_a_cursor_that_was_cut_or_lengthened_is_refused(api, path):
    cursor = _cursor(api, path)

    answers = [api.get(path, cursor=tampered) for tampered in (cursor[:-1], cursor[1:], cursor + "A", cursor * 2)]

    assert {problem(answer) for answer in answers} == {INVALID}


@pytest.mark.parametrize(("path", "other"), [LISTS, LISTS[::-1]])
def test_a_cursor_of_another_list_is_refused(api, path, other):
    assert problem(api.get(path, cursor=_cursor(api, other))) == INVALID


@pytest.mark.parametrize("path", LISTS)
def test_a_cursor_of_another_user_is_refused(api, other_api, path):
    assert problem(api.get(path, cursor=_cursor(other_api, path))) == INVALID


@pytest.mark.parametrize("path", LISTS)
def test_a_cursor_twice_is_refused(api, path):
    cursor = _cursor(api, path)

    assert problem(api.get(path, cursor=[cursor, cursor])) == INVALID


def test_pages_of_a_ledger_are_whole_while_entries_are_added(api):
    before = [row["reference"] for row in read(api.get(TRANSACTIONS))["results"]]
    seen, address = [], f"{TRANSACTIONS}?page_size=1"

    while address:
        page = read(api.get(address))
        seen += [row["reference"] for row in page["results"]]
        address = page["next"]
        post(api.user, amount=Decimal(1))

    assert seen == before
