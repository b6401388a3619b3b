"""Generated requests by the thousand against the running product: every answer is what the description says."""

import json
import os
import subprocess
import sys
import sysconfig
from decimal import Decimal
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest
from django.contrib.auth.models import Permission, User
from django.db.models import Sum
from django.utils import timezone

from billing.models import Transaction, Wallet
from billing.services import exchange_rates
from namaskah.api_keys.services import issue_api_key
from payments.lifecycles import PaymentState
from tests.events import SECRET_KEY
from tests.factories.billing import post
from tests.factories.payments import PaymentFactory
from tests.fuzzing import configuration
from tests.fuzzing.configuration import Identity, Run
from tests.processes import product

pytestmark = [pytest.mark.faults, pytest.mark.timeout(7200)]

SEED = 20261121
HOST = "shop.example.com"
LIMITS = ("INITIALIZE", "VERIFY", "READS", "WRITES", "AUTHENTICATION", "SIGNATURES")
RATES = {"NGN": "1650", "GHS": "15", "KES": "130", "ZAR": "18"}
STATES = (PaymentState.PENDING, PaymentState.PROCESSING, PaymentState.COMPLETED, PaymentState.FAILED)


@pytest.fixture
def unlimited_product(transactional_db, valkey, sandbox, tmp_path):
    limits = {f"RATE_LIMIT_{name}": "1000000" for name in LIMITS}
    environment = {**limits, "CALLBACK_ALLOWED_HOSTS": HOST}
    with product.running(
        redis_url=valkey.url, paystack_url=sandbox.url, logs=tmp_path, environment=environment
    ) as running:
        running.start_web()
        yield running


@pytest.fixture
def rates(transactional_db):
    for currency, rate in RATES.items():
        exchange_rates.set_exchange_rate(currency=currency, units_per_usd=Decimal(rate), by=None, now=timezone.now())


class Caller:
    """A user with payments in every state and ledger entries of every kind."""

    def __init__(self, name, *, url, sandbox):
        self.user = User.objects.create_user(name, email=f"{name}@example.com")
        self.user.user_permissions.add(*Permission.objects.filter(codename__in=["debit_wallet", "request_refund"]))
        _, secret = issue_api_key(user=self.user, name="test", expires_in=None, by=None, now=timezone.now())
        self.identity = Identity(name, secret)
        self.http = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {secret}"}, trust_env=False)
        self.keys = []
        self.references = [PaymentFactory(user=self.user, at=state).reference for state in STATES]
        paid, self.unpaid = self._initialize(), self._initialize()
        sandbox.pay(paid, deliveries=0)
        self._post("/api/v1/payments/verify", reference=paid)
        self.references += [paid, self.unpaid]
        post(self.user, amount=Decimal(100_000))
        self.debits = [self._debit() for _ in range(3)]
        self._post(f"/api/v1/billing/debits/{self.debits[0]}/reverse", amount="0.5", reason="not delivered")

    def find_cursor(self, path):
        page = self.http.get(path, params={"page_size": 1}).json()
        return parse_qs(urlsplit(page["next"]).query)["cursor"][0]

    def _initialize(self):
        return self._post("/api/v1/payments/initialize", amount_usd="500.00")["reference"]

    def _debit(self):
        wanted = {"user_id": self.user.pk, "amount": "1.5", "reference": f"order-{uuid4()}", "service": "sms"}
        return self._post("/api/v1/billing/debits", **wanted)["reference"]

    def _post(self, path, **body):
        self.keys.append(str(uuid4()))
        answer = self.http.post(path, json=body, headers={"Idempotency-Key": self.keys[-1]})
        assert answer.is_success, answer.text
        return answer.json()


@pytest.fixture
def callers(unlimited_product, sandbox, rates):
    service, client = (
        Caller(name, url=unlimited_product.url, sandbox=sandbox) for name in ("service-account", "client")
    )
    client.user.user_permissions.clear()
    yield {"service-account": (service, client), "client": (client, service)}
    service.http.close()
    client.http.close()


@pytest.mark.parametrize("name", ["service-account", "client"])
def test_every_answer_to_generated_requests_is_as_described(unlimited_product, callers, tmp_path, name):
    caller, other = callers[name]
    run = Run(
        directory=tmp_path,
        caller=caller.identity,
        others=[other.identity],
        may_debit=name == "service-account",
        references=caller.references,
        debits=caller.debits,
        keys=caller.keys,
        user_ids=[caller.user.pk, other.user.pk],
    )

    cursors = {path: caller.find_cursor(path) for path in ("/api/v1/payments", "/api/v1/billing/transactions")}

    status, report = run_schemathesis(unlimited_product.url, configuration.write(run), cursors=cursors)

    assert status == 0, report
    balances = dict(Wallet.objects.values_list("user_id", "balance"))
    assert balances == dict(Transaction.objects.values_list("user_id").annotate(total=Sum("amount")))


def run_schemathesis(url: str, file: Path, *, cursors: dict[str, str]) -> tuple[int, str]:
    """Run it with its output shown as it comes; return its exit status and what it printed."""
    command = [Path(sysconfig.get_path("scripts"), "st"), "--config-file", file, "run", f"{url}/api/schema"]
    environment = {
        **os.environ,
        "PYTHONPATH": str(product.ROOT),
        "FUZZING_PAYSTACK_SECRET_KEY": SECRET_KEY,
        "FUZZING_CALLBACK_HOST": HOST,
        "FUZZING_CURSORS": json.dumps(cursors),
    }
    with subprocess.Popen(
        [*command, "--checks", "all", "--seed", str(SEED)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        cwd=file.parent,
        text=True,
    ) as process:
        lines = []
        for line in process.stdout:
            sys.stdout.write(line)
            lines.append(line)
    return process.returncode, "".join(lines)
