from devtools.workflow import proving


def test_command_runs_every_slow_test_and_lets_the_person_win():
    found = proving.command(["-k", "schemathesis"])

    assert found[:2] == ["-m", "slow or browser or faults or proof"]
    assert found[-2:] == ["-k", "schemathesis"]


def test_command_shows_what_a_long_proof_prints():
    assert "--capture=no" in proving.command([])


def test_environment_asks_for_the_full_numbers():
    base = {"DATABASE_URL": "postgresql:///somewhere", "PROOF": "short"}

    found = proving.environment(base)

    assert (found["PROOF"], found["DATABASE_URL"], found["DEBUG"]) == ("full", "postgresql:///somewhere", "on")
