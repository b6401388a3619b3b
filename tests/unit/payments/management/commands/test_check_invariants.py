from shutil import copytree

import pytest
from django.db import connection

from payments.services import invariants
from tests.factories.people import ask
from tests.factories.users import UserFactory

from .outcomes import run, run_json

pytestmark = pytest.mark.django_db(transaction=True)

CHECK = "check_invariants"


@pytest.fixture
def wrong_wallet():
    """A wallet in which a hand has left one credit more than the ledger knows."""
    user = UserFactory()
    ask(user, "10")
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("UPDATE wallets SET balance = balance + 1")
        cursor.execute("RESET session_replication_role")
    return user


@pytest.fixture
def slow_law(tmp_path, monkeypatch):
    """Another law in the catalogue, which takes longer than it may."""
    catalogue = copytree(invariants._DIRECTORY, tmp_path / "invariants")
    (catalogue / "a_slow_one.sql").write_text(
        "-- law: No product is slow.\n-- owner: billing\n-- runbook: None\n"
        "SET LOCAL statement_timeout = '50ms';"
        "SELECT count(*) FROM generate_series(1, 1000000) AS a, generate_series(1, 1000000) AS b"
    )
    monkeypatch.setattr(invariants, "_DIRECTORY", catalogue)


def test_check_of_good_books():
    ask(UserFactory(), "10")

    number = len(invariants.load_invariants())
    assert run(CHECK) == (0, [f"{number} invariants checked, 0 violated."])
    assert run_json(CHECK) == (0, [{"checked": number, "violations": {}, "not_checked": {}}])


def test_check_names_the_law_and_the_row(wrong_wallet):
    status, lines = run(CHECK)

    law = next(law for law in invariants.load_invariants() if law.name == "wallet_equals_ledger")
    [row] = invariants.check_invariants([law])[0].rows
    assert status == 1
    assert lines[0] == f"wallet_equals_ledger: 1 rows. {law.law} See the runbook, {law.runbook!r}."
    assert lines[1] == f"  {row}"
    assert lines[-1] == f"{len(invariants.load_invariants())} invariants checked, 1 violated."


def test_check_as_json(wrong_wallet):
    status, [told] = run_json(CHECK)

    assert status == 1
    assert told["checked"] == len(invariants.load_invariants())
    assert list(told["violations"]) == ["wallet_equals_ledger"]
    assert told["violations"]["wallet_equals_ledger"]["rows"] == 1
    assert len(told["violations"]["wallet_equals_ledger"]["first"]) == 1


def test_check_of_a_law_that_is_too_slow_says_so_and_tells_the_others(wrong_wallet, slow_law):
    status, lines = run(CHECK)
    json_status, [told] = run_json(CHECK)

    number = len(invariants.load_invariants())
    assert (status, json_status) == (1, 1)
    assert [line.split(":")[0] for line in lines[::2]] == ["wallet_equals_ledger", "a_slow_one"]
    assert lines[2] == "a_slow_one: not checked: canceling statement due to statement timeout"
    assert lines[-1] == f"{number - 1} invariants checked, 1 violated, 1 not checked."
    assert list(told["violations"]) == ["wallet_equals_ledger"]
    assert told["not_checked"] == {"a_slow_one": "canceling statement due to statement timeout"}
    assert told["checked"] == number - 1
