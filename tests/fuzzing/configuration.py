"""The configuration of one run of Schemathesis, as it reads it from a file."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# For each operation; the one place that says how many.
CASES = 1000 if os.environ.get("PROOF") == "full" else 100
# Refusals that a request in the right form may get, for what it asks: each stands in the contract.
_REFUSALS = ["402", "403", "404", "409", "422"]
_OF_SERVICE_ACCOUNTS = ["debit_wallet", "reverse_debit", "request_refund"]


@dataclass(frozen=True)
class Identity:
    """Who calls: a name, and an API key."""

    name: str
    api_key: str


@dataclass(frozen=True, kw_only=True)
class Run:
    """Who calls, whom else there is, and what exists already that requests may name."""

    directory: Path
    caller: Identity
    others: Sequence[Identity]
    may_debit: bool
    references: Sequence[str]
    debits: Sequence[str]
    keys: Sequence[str]
    user_ids: Sequence[int]


def write(run: Run) -> Path:
    """Write the files of a run and return its configuration."""
    identities = run.directory / f"{run.caller.name}-identities.json"
    identities.write_text(json.dumps({"auth": [_describe(each) for each in (run.caller, *run.others)]}))
    file = run.directory / f"{run.caller.name}.toml"
    file.write_text(_text(run, identities) + _OPERATIONS + ("" if run.may_debit else _EXPECT_TO_BE_REFUSED))
    return file


def _describe(identity: Identity) -> dict[str, object]:
    header = {"name": "Authorization", "value": f"Bearer {identity.api_key}"}
    return {"name": identity.name, "fixedHeaders": [header]}


def _text(run: Run, identities: Path) -> str:
    return f"""
color = false
hooks = "tests.fuzzing.hooks"
continue-on-failure = true
request-timeout = 30.0

[cache]
enabled = false

[warnings]
fail-on = true

[generation]
max-examples = {CASES}
database = "none"
allow-x00 = true
unique-inputs = true
# What a wrong key gets is asked by a check of its own; among the requests it would hide what a right one gets.
with-security-parameters = false

[phases.stateful]
max-steps = 6

[auth.wfc]
path = {json.dumps(str(identities))}
user = {json.dumps(run.caller.name)}
# Who may not see each other's rows.
peers = {json.dumps([each.name for each in (run.caller, *run.others)])}

[checks]
positive_data_acceptance.expected-statuses = {json.dumps(["2xx", *_REFUSALS])}

[dictionaries]
references.values = {json.dumps(list(run.references))}
debits.values = {json.dumps(list(run.debits))}
keys.values = {json.dumps(list(run.keys))}
user_ids.values = {json.dumps(list(run.user_ids))}

[parameters]
"path.key" = {{ dictionary = "keys", probability = 0.5 }}
"body.user_id" = {{ dictionary = "user_ids", probability = 0.8 }}
"""


_OPERATIONS = f"""
[[operations]]
include-operation-id = "get_payment"
[operations.parameters]
"path.reference" = {{ dictionary = "references", probability = 0.5 }}
# "initialize", with which the route of a key ends, is taken for a reference too, and is an address of its own.
[operations.checks]
positive_data_acceptance.expected-statuses = {json.dumps(["2xx", *_REFUSALS, "405"])}

[[operations]]
include-operation-id = "verify_payment"
[operations.parameters]
"body.reference" = {{ dictionary = "references", probability = 0.5 }}

[[operations]]
include-operation-id = "reverse_debit"
[operations.parameters]
"path.reference" = {{ dictionary = "debits", probability = 0.5 }}

[[operations]]
include-operation-id = "request_refund"
[operations.parameters]
"path.reference" = {{ dictionary = "references", probability = 0.5 }}
"""

_EXPECT_TO_BE_REFUSED = f"""
# Every request is a 403 for want of the permission, which is the answer that is asked for.
[[operations]]
include-operation-id = {json.dumps(_OF_SERVICE_ACCOUNTS)}
warnings = false
"""
