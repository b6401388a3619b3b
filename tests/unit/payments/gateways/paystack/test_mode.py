import pytest

from payments.gateways.paystack.mode import get_domain


@pytest.mark.parametrize(
    ("secret_key", "domain"),
    [("sk_live_a1b2", "live"), ("sk_test_a1b2", "test"), ("pk_live_a1b2", "test"), ("", "test")],
)
def test_get_domain_follows_the_key(secret_key, domain):
    assert get_domain(secret_key) == domain
