import hashlib
import hmac

import pytest

from payments.gateways.paystack.signatures import is_signed

KEY = "sk_test_local_simulator_key"
REFUND_FAILED = """{
  "event": "refund.failed",
  "data": {
    "status": "failed",
    "transaction_reference": "crd-20261104-7Q2M9XK4",
    "refund_reference": "TRF_8h2n5kq0w9x4vzt",
    "amount": 1000000,
    "currency": "NGN",
    "processor": "instant-transfer",
    "customer": {
      "first_name": "Adébáyọ̀",
      "last_name": "Ọláńrewájú",
      "email": "ade.olanrewaju@example.com"
    },
    "integration": 581204,
    "domain": "test"
  }
}
""".encode()
REFUND_FAILED_SIGNATURE = (
    "c71e2db45d1200639bd3ff60748af468504a703c2dfc6ca93270f476ae2de8f1"
    "ea62787f58000468a8e239dc7943aa2e25f5cdce83e29a9b60e3b7b49a1acbab"
)
ESCAPED = b'{"event":"charge.success","data":{"url":"https:\\/\\/example.com","name":"Ad\\u00e9"}}'


def sign(raw: bytes, key: str = KEY) -> str:
    return hmac.new(key.encode(), raw, hashlib.sha512).hexdigest()


def test_is_signed_published_sample():
    assert is_signed(raw=REFUND_FAILED, signature=REFUND_FAILED_SIGNATURE, keys=[KEY]) is True


def test_is_signed_escapes_are_hashed_as_they_came():
    assert is_signed(raw=ESCAPED, signature=sign(ESCAPED), keys=[KEY]) is True


def test_is_signed_empty_body():
    assert is_signed(raw=b"", signature=sign(b""), keys=[KEY]) is True


def test_is_signed_changed_body():
    changed = REFUND_FAILED.replace(b"1000000", b"9000000")

    assert is_signed(raw=changed, signature=REFUND_FAILED_SIGNATURE, keys=[KEY]) is False


def test_is_signed_other_key():
    assert is_signed(raw=ESCAPED, signature=sign(ESCAPED, "sk_test_other"), keys=[KEY]) is False


@pytest.mark.parametrize("keys", [[KEY, "sk_test_previous"], ["sk_test_previous", KEY], ["", KEY]])
def test_is_signed_under_any_of_the_keys(keys):
    assert is_signed(raw=ESCAPED, signature=sign(ESCAPED), keys=keys) is True


@pytest.mark.parametrize("keys", [[""], ["", ""], []])
def test_is_signed_empty_key_verifies_nothing(keys):
    assert is_signed(raw=ESCAPED, signature=sign(ESCAPED, ""), keys=keys) is False


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param("", id="empty"),
        pytest.param(REFUND_FAILED_SIGNATURE[:-1], id="one short"),
        pytest.param(REFUND_FAILED_SIGNATURE + "0", id="one long"),
        pytest.param(REFUND_FAILED_SIGNATURE.upper(), id="upper case"),
        pytest.param(REFUND_FAILED_SIGNATURE + "\n", id="line end"),
        pytest.param(" " + REFUND_FAILED_SIGNATURE, id="blank"),
        pytest.param("sha512=" + REFUND_FAILED_SIGNATURE, id="prefix"),
        pytest.param("é" * 128, id="not ASCII"),
        pytest.param("\u0661" * 128, id="other digits"),
        pytest.param("\udc80" * 128, id="surrogates"),
        pytest.param("\x00" * 128, id="NUL"),
    ],
)
def test_is_signed_malformed_signature(signature):
    assert is_signed(raw=REFUND_FAILED, signature=signature, keys=[KEY]) is False
