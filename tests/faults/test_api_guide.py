"""The API guide, pasted from its first line to its last into a shell beside the running product."""

import sys
import uuid
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from devtools.workflow import environments, purchase, virtual_environment
from devtools.workflow.announcement import Announcement
from devtools.workflow.checkout import Checkout
from devtools.workflow.http_client import Client
from devtools.workflow.stage import Stage
from tests.guide.blocks import GUIDE, list_orphans, list_steps, read_blocks
from tests.guide.matching import list_differences
from tests.guide.session import Session
from tests.processes import product
from tests.processes.product import ROOT, WEBHOOK_PATH

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]


@pytest.fixture
def stage(transactional_db, valkey, sandbox, tmp_path):
    """Run the product as `dev.py up` does, on the servers of the tests."""
    checkout = Checkout(ROOT)
    assert virtual_environment.is_installed(checkout, "runtime"), "run this by `python3 dev.py test --all`"
    with product.running(redis_url=valkey.url, paystack_url=sandbox.url, logs=tmp_path) as running:
        running.environment |= environments.for_development(running.environment, {}, tmp_path / "secret-key")
        # What the guide says of time-outs takes 20 s otherwise.
        running.environment["PAYSTACK_READ_TIMEOUT_SECONDS"] = "1"
        sandbox.settings.webhook_url = f"{running.url}{WEBHOOK_PATH}"
        running.start_web()
        running.start_worker()
        running.start_beat()
        sandbox_port = int(sandbox.url.rpartition(":")[2])
        yield Stage(checkout, tmp_path, tmp_path, running.environment, running.port, sandbox_port)


@pytest.fixture
def announcement(stage):
    """Prepare and buy as `dev.py up` does; return what it prints then."""
    demonstration, api_key = stage.prepare()
    shop = Client(stage.web_url, {"Authorization": f"Bearer {api_key}"})
    bought = purchase.take(shop, Client(stage.sandbox_url, {}), print)
    assert bought.credited_once
    return Announcement(
        web_url=stage.web_url,
        sandbox_url=stage.sandbox_url,
        demonstration=demonstration,
        api_key=api_key,
        example_key=str(uuid.uuid4()),
        logs=str(stage.logs),
    )


@pytest.fixture
def session(stage, tmp_path):
    environment = {**stage.environment, "PATH": f"{Path(sys.executable).parent}:{stage.environment['PATH']}"}
    with Session(tmp_path, environment) as session:
        yield session


def test_every_command_of_the_guide_does_what_it_shows(announcement, session, valkey):
    blocks = list(read_blocks(GUIDE.read_text()))
    up, *steps = list_steps(blocks)
    exports = "\n".join(announcement.export_lines())
    assert list_orphans(blocks) == []
    assert (up.command.text, list_differences(up.expected, exports)) == ("python3 dev.py up\n", [])
    session.run(replace(up.command, text=exports))

    section = ""
    for step in steps:
        if step.command.section != section:
            section = step.command.section
            let_a_minute_pass(valkey)
        outcome = session.run(step.command)
        differences = list_differences(step.expected, outcome.output)
        assert (outcome.status, differences) == (0, []), f"{GUIDE}:{step.command.line} printed {outcome.output}"


def let_a_minute_pass(valkey):
    """Forget what counts against the limits: the guide is read a section a minute."""
    with redis.Redis.from_url(valkey.url) as counts:
        counts.flushdb()
