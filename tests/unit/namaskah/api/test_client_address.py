import pytest
from django.test import RequestFactory

from namaskah.api.client_address import get_client_address

PEER = "10.0.0.1"


@pytest.fixture
def address_behind(settings):
    """Return what tells the address of a request with these headers, behind so many proxies."""

    def tell(proxies, forwarded=None, *, peer=PEER, **headers):
        settings.TRUSTED_PROXY_COUNT = proxies
        if forwarded is not None:
            headers["X-Forwarded-For"] = forwarded
        return get_client_address(RequestFactory().get("/", headers=headers, REMOTE_ADDR=peer))

    return tell


@pytest.mark.parametrize("forwarded", [None, "", "203.0.113.7", "203.0.113.7, 198.51.100.2", "garbage"])
def test_get_client_address_without_proxies_is_the_peer_whatever_is_forwarded(address_behind, forwarded):
    assert address_behind(0, forwarded) == PEER


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (1, "203.0.113.7", "203.0.113.7"),
        (1, "192.0.2.66, 203.0.113.7", "203.0.113.7"),
        (1, "192.0.2.66,192.0.2.67,192.0.2.68,203.0.113.7", "203.0.113.7"),
        (1, "  203.0.113.7\t", "203.0.113.7"),
        (1, "garbage, 203.0.113.7", "203.0.113.7"),
        (1, ",203.0.113.7", "203.0.113.7"),
        (2, "203.0.113.7, 198.51.100.2", "203.0.113.7"),
        (2, "192.0.2.66, 203.0.113.7, 198.51.100.2", "203.0.113.7"),
        (2, "203.0.113.7, garbage", "203.0.113.7"),
        (2, "203.0.113.7,", "203.0.113.7"),
        (3, "203.0.113.7, 198.51.100.2, 198.51.100.3", "203.0.113.7"),
    ],
)
def test_get_client_address_is_the_entry_that_the_outermost_proxy_wrote(address_behind, proxies, forwarded, address):
    assert address_behind(proxies, forwarded) == address


@pytest.mark.parametrize(
    ("proxies", "forwarded"),
    [(1, None), (1, ""), (2, None), (2, ""), (2, "203.0.113.7"), (3, "203.0.113.7, 198.51.100.2")],
)
def test_get_client_address_with_fewer_entries_than_proxies_is_the_peer(address_behind, proxies, forwarded):
    assert address_behind(proxies, forwarded) == PEER


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "   ",
        "garbage",
        "unknown",
        "203.0.113",
        "203.0.113.7.8",
        "203.0.113.256",
        "203.0.113.07",
        "203.0.113.7/24",
        "203.0.113.7:443",
        "[2001:db8::1]",
        "[2001:db8::1]:443",
        "for=203.0.113.7",
        '"203.0.113.7"',
        "2001:db8:::1",
        "\u0662\u0660\u0663.0.113.7",
        "3405803783",
        "9" * 10_000,
    ],
)
def test_get_client_address_with_an_entry_that_is_no_address_is_the_peer(address_behind, entry):
    assert address_behind(1, f"203.0.113.7, {entry}") == PEER


def test_get_client_address_never_looks_left_of_the_entry_of_the_outermost_proxy(address_behind):
    made_up = [f"192.0.2.{number}" for number in range(1, 20)]

    told = {address_behind(1, f"{address}, 203.0.113.7") for address in made_up}

    assert told == {"203.0.113.7"}


@pytest.mark.parametrize("name", ["X-Real-IP", "Forwarded", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP", "Via"])
@pytest.mark.parametrize("proxies", [0, 1, 2])
def test_get_client_address_heeds_no_other_header(address_behind, proxies, name):
    assert address_behind(proxies, **{name: "for=203.0.113.7" if name == "Forwarded" else "203.0.113.7"}) == PEER


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("2001:db8:1:200::1", "2001:db8:1:2ff:ffff:ffff:ffff:ffff"),
        ("2001:db8:1:2::1", "2001:0DB8:0001:0002:0:0:0:1"),
        ("fe80::1%eth0", "fe80::2%eth1"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("::ffff:cb00:7107", "203.0.113.7"),
    ],
)
def test_get_client_address_of_one_customer_is_one(address_behind, first, second):
    assert address_behind(0, peer=first) == address_behind(0, peer=second)
    assert address_behind(1, first) == address_behind(1, second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("2001:db8:1:2ff::1", "2001:db8:1:300::1"),
        ("203.0.113.7", "203.0.113.8"),
        ("::ffff:203.0.113.7", "::ffff:203.0.113.8"),
        ("::1", "127.0.0.1"),
    ],
)
def test_get_client_address_of_two_customers_are_two(address_behind, first, second):
    assert address_behind(0, peer=first) != address_behind(0, peer=second)


def test_get_client_address_of_ipv6_is_its_network(address_behind):
    assert address_behind(0, peer="2001:db8:1:234:3:4:5:6") == "2001:db8:1:200::/56"


@pytest.mark.parametrize("proxies", [0, 1])
def test_get_client_address_at_a_unix_socket_is_one_for_all_who_are_not_forwarded(address_behind, proxies):
    assert address_behind(proxies, peer="") == "unknown"


def test_get_client_address_at_a_unix_socket_is_what_the_proxy_says(address_behind):
    assert address_behind(1, "203.0.113.7", peer="") == "203.0.113.7"
