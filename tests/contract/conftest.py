import json
import ssl
from pathlib import Path

import httpx
import pytest

from devtools.sandbox import server

from .signature_vectors import SECRET_KEY

# Nothing here is encrypted, and reading the certificates of the world takes longer than the tests.
NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
HERE = Path(__file__).parent


@pytest.fixture
def sandbox():
    with server.running(secret_key=SECRET_KEY) as running:
        yield running


@pytest.fixture
def api(sandbox):
    headers = {"Authorization": f"Bearer {SECRET_KEY}"}
    with httpx.Client(base_url=sandbox.url, headers=headers, trust_env=False, verify=NO_CERTIFICATES) as client:
        yield client


@pytest.fixture
def documented():
    """Return a documented answer of the API by its name."""
    return lambda name: json.loads((HERE / "documented" / f"{name}.json").read_text())


@pytest.fixture
def sample():
    """Return a documented event by its name."""
    return lambda event: json.loads((HERE / "webhook_samples" / f"{event}.json").read_text())


@pytest.fixture
def order(sample):
    """Return what the documented payment was asked for with."""
    told = sample("charge.success")["data"]
    return {
        "email": told["customer"]["email"],
        "amount": told["requested_amount"],
        "currency": told["currency"],
        "reference": told["reference"],
        "metadata": json.dumps(told["metadata"]),
    }
