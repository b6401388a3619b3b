import hashlib
import hmac
from pathlib import Path

import pytest

from devtools.sandbox.webhooks.signatures import sign

from .signature_vectors import SECRET_KEY, SIGNATURES

SAMPLES = Path(__file__).parent / "webhook_samples"


def test_every_sample_has_a_signature_and_the_other_way_round():
    names = {path.name for path in SAMPLES.iterdir()}

    assert names == set(SIGNATURES)


@pytest.mark.parametrize("name", SIGNATURES)
def test_signature_is_the_hmac_of_the_raw_bytes(name):
    raw = (SAMPLES / name).read_bytes()

    plain = hmac.new(SECRET_KEY.encode(), raw, hashlib.sha512).hexdigest()

    assert plain == SIGNATURES[name]


@pytest.mark.parametrize("name", SIGNATURES)
def test_sandbox_signs_as_paystack_does(name):
    raw = (SAMPLES / name).read_bytes()

    signature = sign(raw, secret_key=SECRET_KEY)

    assert signature == SIGNATURES[name]
