"""The product whose workers can be told where to die, and purchases to have them work on."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devtools.sandbox import server
from devtools.sandbox.sandbox import Sandbox
from payments.models import PaymentLog
from tests.events import SECRET_KEY
from tests.faults import purchases
from tests.faults.background_deaths import Case, Death
from tests.faults.trials import Trial, do_together
from tests.processes import product
from tests.processes.background import Background
from tests.processes.persistence import send_until_answered
from tests.processes.product import WEBHOOK_PATH, Product
from tests.processes.valkey import ValkeyServer

UNLIMITED = {f"RATE_LIMIT_{scope}": "1000000" for scope in ("INITIALIZE", "VERIFY", "READS", "WRITES")}
# How many children a worker has. One that dies whole has just one, so that it takes nobody else's work along.
_CHILDREN = {"child": 2, "whole": 1}


@dataclass(frozen=True, slots=True)
class Stage:
    """The gateway, which delivers its events, and the product, which serves requests and nothing else yet."""

    product: Product
    sandbox: Sandbox
    directory: Path

    @property
    def planted(self) -> Path:
        return self.directory / "planted"

    def background(self, who: str) -> Background:
        """Return what works outside requests and dies where a death of `who` is planted."""
        schedule = self.directory / f"schedule-of-{who}"
        return Background(self.product, schedule=schedule, children=_CHILDREN[who])

    def buy(self, faults: Iterable[Death]) -> list[Case]:
        """Open a checkout page for a new user each."""
        trials = [purchases.make_purchase(self.product.url, fault) for fault in faults]
        do_together(_send, trials)
        references = [trial.final.body["reference"] for trial in trials]
        payments = PaymentLog.objects.in_bulk(references, field_name="reference")
        return [
            Case(trial.fault, trial.user, payments[reference])
            for trial, reference in zip(trials, references, strict=True)
        ]

    def pay(self, cases: Sequence[Case], *, deliveries: int) -> None:
        """Pay each, at once; return when the gateway has told of it so many times."""
        do_together(lambda case: self.sandbox.pay(case.reference, deliveries=deliveries), cases)

    @contextmanager
    def silent_gateway(self) -> Iterator[None]:
        """Have the gateway send no events in the block, and never those of what happened in it."""
        address, self.sandbox.settings.webhook_url = self.sandbox.settings.webhook_url, ""
        try:
            yield
        finally:
            self.sandbox.settings.webhook_url = address


@contextmanager
def on_stage(directory: Path) -> Iterator[Stage]:
    """Run the gateway and the product's web processes."""
    (directory / "planted").mkdir()
    # The lock that a dead process holds is free again after a second, not after half a minute.
    environment = {
        **UNLIMITED,
        "PLANTED_DEATHS": str(directory / "planted"),
        "PAYMENT_LOCK_TIMEOUT_SECONDS": "1",
    }
    with (
        ValkeyServer() as valkey,
        server.running(secret_key=SECRET_KEY) as sandbox,
        product.running(
            redis_url=valkey.url, paystack_url=sandbox.url, logs=directory, environment=environment
        ) as running,
    ):
        running.start_web()
        sandbox.settings.webhook_url = running.url + WEBHOOK_PATH
        yield Stage(running, sandbox, directory)


def _send(trial: Trial) -> None:
    trial.answers = send_until_answered(trial.request)
    assert trial.final.status == 201, trial.final
