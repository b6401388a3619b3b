"""Lists over HTTP: pages, filters, and what nobody gave out."""

import base64
from itertools import pairwise
from urllib.parse import quote

import pytest

from tests.factories.api_keys import make_api_key
from tests.factories.billing import post
from tests.factories.users import UserFactory

pytestmark = pytest.mark.django_db

PATH = "/api/v1/billing/transactions"


@pytest.fixture
def user():
    return UserFactory()


@pytest.fixture
def get(client, user):
    _, secret = make_api_key(user)

    def get_it(address=PATH):
        return client.get(address, headers={"Authorization": f"Bearer {secret}"})

    return get_it


def walk(get, address, direction):
    pages = []
    while address:
        page = get(address).json()
        pages.append([row["id"] for row in page["results"]])
        address = page[direction]
    return pages


def cursor_of(text):
    return quote(base64.b64encode(text.encode()).decode())


def test_pages_show_each_row_once_newest_first_and_lead_back(get, user):
    made = [str(post(user).pk) for _ in range(5)]

    pages = walk(get, f"{PATH}?page_size=2", "next")

    assert [row for page in pages for row in page] == made[::-1]
    assert [len(page) for page in pages] == [2, 2, 1]
    last = get(f"{PATH}?page_size=2").json()["next"]
    assert walk(get, get(last).json()["previous"], "previous") == pages[:1]


def test_a_row_that_is_added_meanwhile_moves_no_page(get, user):
    made = [str(post(user).pk) for _ in range(4)]
    following = get(f"{PATH}?page_size=2").json()["next"]

    post(user)

    assert [row["id"] for row in get(following).json()["results"]] == [made[1], made[0]]


def test_a_page_has_fifty_rows_unless_told_otherwise(get, user):
    for _ in range(51):
        post(user)

    assert [len(get(PATH + asked).json()["results"]) for asked in ("", "?page_size=51", "?page_size=200")] == [
        50,
        51,
        51,
    ]


@pytest.mark.parametrize(
    "size", ["0", "201", "-1", "", "1.0", "1e2", "+5", " 5", "05", "%D9%A5", "%00", "abc", "9" * 500]
)
def test_a_page_size_out_of_bounds_is_a_400(get, size):
    answer = get(f"{PATH}?page_size={size}")

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "page_size")


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "%00",
        "%ff",
        "\u00e9",
        "AAAA",
        cursor_of("p=1"),
        cursor_of("p=not-a-uuid"),
        cursor_of("p=\x00"),
        cursor_of("o=-1"),
        cursor_of("o=x"),
        "A" * 3000,
    ],
)
def test_a_cursor_that_nobody_gave_out_is_a_400(get, user, cursor):
    post(user)

    answer = get(f"{PATH}?cursor={cursor}")

    assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
    assert [error["field"] for error in answer.json()["errors"]] == ["cursor"]


@pytest.mark.parametrize(
    ("query", "field", "code"),
    [
        ("colour=red", "colour", "unknown_field"),
        ("type=credit&type=debit", "type", "repeated"),
        ("type=gift", "type", "invalid_choice"),
        ("type=%00", "type", "null_characters_not_allowed"),
        ("reference=a%00b", "reference", "null_characters_not_allowed"),
        ("created_after=yesterday", "created_after", "invalid"),
        ("created_before=2026-11-21T10:00:00%00Z", "created_before", "null_characters_not_allowed"),
        ("a%00b=1", "a\x00b", "unknown_field"),
    ],
)
def test_a_filter_that_cannot_be_read_is_a_400_that_names_it(get, query, field, code):
    answer = get(f"{PATH}?{query}")

    errors = [(error["field"], error["code"]) for error in answer.json()["errors"]]
    assert (answer.status_code, errors) == (400, [(field, code)])


def test_a_list_asks_as_often_for_three_rows_as_for_one(get, user, django_assert_max_num_queries):
    post(user)
    get()
    with django_assert_max_num_queries(100) as one:
        get()
    for _ in range(2):
        post(user)

    with django_assert_max_num_queries(100) as three:
        get()

    assert len(three) == len(one)


def test_a_list_shows_the_callers_own_rows_alone(get, user):
    mine = [str(post(user).pk) for _ in range(2)]
    post(UserFactory())

    rows = [row["id"] for row in get().json()["results"]]

    assert rows == mine[::-1]
    assert all(first > second for first, second in pairwise(rows))
