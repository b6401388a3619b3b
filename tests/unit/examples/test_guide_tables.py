"""What the API guide says in tables and links is what the product does; its commands are run elsewhere."""

import re
from uuid import uuid4

import httpx
import pytest

from billing.lifecycles import TransactionType
from devtools.sandbox.faults.registry import FAULTS
from devtools.sandbox.ledger.payments import OUTCOMES
from namaskah.idempotency.lookups import KeyState
from namaskah.idempotency.models import RecoveryPoint
from namaskah.problem_catalogue import PROBLEMS, Retry
from payments.gateways import breaker
from payments.lifecycles import RefundState
from tests.factories.api_keys import make_api_key
from tests.guide.blocks import GUIDE

TEXT = GUIDE.read_text()
AGAIN = {"no": Retry.NO, "at once": Retry.AT_ONCE, "later": Retry.AFTER_RETRY_AFTER, "same key": Retry.SAME_KEY}
# The guide names them in a sentence: no client gets them.
OF_THE_WEBHOOK = {"malformed_event", "reference_missing", "signature_missing", "signature_invalid"}
FAULT_ROWS = re.findall(r"^\| `(\w+)` \| [^|]+ \| (\d{3}) `(\w+)`[^|]* \|$", TEXT, re.MULTILINE)


def code_words(pattern):
    """Return the words in code style of the one line that has `pattern`."""
    (line,) = [line for line in TEXT.splitlines() if re.search(pattern, line)]
    return re.findall(r"`([a-z_]+)`", line)


def test_table_of_errors_names_every_code_with_its_status_and_whether_to_retry():
    said = re.findall(r"^\| (\d{3}) \| `(\w+)` \| ([a-z ]+) \| [^|]+ \|$", TEXT, re.MULTILINE)

    assert {code: (int(status), AGAIN[again]) for status, code, again in said} == {
        code: (problem.status, problem.retry) for code, problem in PROBLEMS.items() if code not in OF_THE_WEBHOOK
    }


def test_codes_of_the_webhook_are_named_apart():
    said = re.findall(r"(\d{3}) `(\w+)`", next(line for line in TEXT.splitlines() if line.startswith("Four more")))

    assert {code: int(status) for status, code in said} == {code: PROBLEMS[code].status for code in OF_THE_WEBHOOK}


def test_table_of_limits_names_every_limit_of_a_client(settings):
    said = re.findall(r"^\| `(\w+)`[^|]* \| (\d+) \| (user|address) \|$", TEXT, re.MULTILINE)

    assert {name: int(limit) for name, limit, _ in said} == {
        name: limit for name, limit in settings.RATE_LIMITS.items() if name != "signatures"
    }


def test_words_of_keys_and_ledger_are_those_of_the_product():
    assert re.findall(r"^\| `(open|in_progress|finished|expired)` \|", TEXT, re.MULTILINE) == KeyState.values
    assert code_words(r"^`recovery_point` is where")[1:-2] == RecoveryPoint.values
    assert code_words(r"^\| `type` \|")[1:] == TransactionType.values
    assert code_words(r"^\| `outcome` \|")[1:] == list(OUTCOMES)


def test_table_of_refunds_names_every_state_and_the_text_the_threshold(settings):
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| [^|]+ \| (?:held|taken|back in the wallet) \|$", TEXT, re.MULTILINE)

    assert sorted(re.findall(r"\w+", " ".join(rows))) == sorted(RefundState.values)
    assert f"more than {settings.REFUND_APPROVAL_USD:.0f} US dollars" in TEXT


def test_links_lead_to_headings_and_files_that_exist():
    headings = {
        re.sub(r"[^a-z -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.+)$", TEXT, re.MULTILINE)
    }
    links = re.findall(r"\]\(([^)]+)\)", TEXT)

    lost = [
        link for link in links if not (link[1:] in headings if link.startswith("#") else (GUIDE.parent / link).exists())
    ]

    assert (len(links) > 10, lost) == (True, [])


@pytest.mark.parametrize(("fault", "status", "code"), FAULT_ROWS)
def test_fault_of_paystack_is_answered_as_the_table_says(fault, status, code, sandbox, customer, live_server, settings):
    settings.PAYSTACK_READ_TIMEOUT_SECONDS = 0.2
    sandbox.script(operation="initialize", fault=fault)
    _, secret = make_api_key(customer)
    headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": str(uuid4())}

    answer = httpx.post(
        f"{live_server.url}/api/v1/payments/initialize", json={"amount_usd": "25.00"}, headers=headers, timeout=10
    )

    assert (answer.status_code, answer.json()["code"]) == (int(status), code)


def test_table_of_faults_is_read():
    assert {fault for fault, _, _ in FAULT_ROWS} <= FAULTS.keys()
    assert len(FAULT_ROWS) == 10


def test_breaker_is_as_the_guide_says():
    assert (breaker.FAILURE_LIMIT, breaker.FAILURE_WINDOW_SECONDS, breaker.REFUSAL_SECONDS) == (5, 30, 10)
