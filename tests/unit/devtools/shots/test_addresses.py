import pytest

from devtools.shots import addresses

BASE = "http://127.0.0.1:8000"
ROW = "01a1fa2a-4c8d-75db-bef8-9ab0068810f5"
REFERENCE = "rfd-01m7zvx7tp792nvk2xrgzc2280ggmweank18"


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        (f"{BASE}/admin/", "/admin/"),
        (f"{BASE}/admin/payments/refund/", "/admin/payments/refund/"),
        (f"{BASE}/admin/payments/refund/{ROW}/change/", "/admin/payments/refund/*/change/"),
        (f"{BASE}/admin/payments/refund/{ROW.replace('-', '_2D')}/change/", "/admin/payments/refund/*/change/"),
        (f"{BASE}/admin/payments/refund/{REFERENCE}/change/", "/admin/payments/refund/*/change/"),
        (f"{BASE}/admin/payments/dispute/rfd-dispute-1793477/change/", "/admin/payments/dispute/*/change/"),
        (f"{BASE}/admin/auth/user/7/role/", "/admin/auth/user/*/role/"),
        (f"{BASE}/admin/billing/exchangerate/NGN/set/", "/admin/billing/exchangerate/*/set/"),
        (f"{BASE}/admin/payments/refund/?state__exact=failed&q=", "/admin/payments/refund/?q&state__exact"),
    ],
)
def test_find_kind_puts_a_star_for_what_names_a_row(address, kind):
    assert addresses.find_kind(address) == kind


def test_find_page_of_a_filtered_list_is_the_list():
    assert addresses.find_page(f"{BASE}/admin/payments/refund/?q=1") == "/admin/payments/refund/"


@pytest.mark.parametrize(
    ("address", "is_followed"),
    [
        (f"{BASE}/admin/payments/refund/", True),
        (f"{BASE}/admin/logout/", False),
        (f"{BASE}/api/docs", False),
        ("https://dashboard.paystack.com/admin/", False),
        (f"{BASE}/admin/#main", False),
    ],
)
def test_is_followed_stays_in_the_back_office(address, is_followed):
    assert addresses.is_followed(address, base_url=BASE) is is_followed


@pytest.mark.parametrize(
    ("address", "name"),
    [
        (f"{BASE}/admin/", "dashboard"),
        (f"{BASE}/admin/payments/refund/?q=1", "payments-refund"),
        (f"{BASE}/admin/payments/refund/{REFERENCE}/change/", "payments-refund-one-change"),
    ],
)
def test_name_file_is_the_page_in_words(address, name):
    assert addresses.name_file(address) == name
