import shutil

import pytest

from devtools.workflow import testing

SIDE_BY_SIDE = ["-n", "2", "--dist", "worksteal"]
FAST = ["-m", "not slow and not browser and not faults and not proof"]

REST = "(slow or browser or faults) and not alone and not proof"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], False),
        (["-x", "-q"], False),
        (["--maxfail", "2"], False),
        (["-k", "refund"], True),
        (["-m", "slow"], True),
        (["--lf"], True),
        (["tests"], True),
        (["tests/test_one.py::test_two"], True),
    ],
)
def test_is_selection_tells_some_from_all(tmp_path, arguments, expected):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_one.py").touch()

    assert testing.is_selection(tmp_path, arguments) is expected


def test_pytest_runs_of_the_fast_suite(tmp_path):
    assert testing.pytest_runs(tmp_path, ["-x"], everything=False) == [[*SIDE_BY_SIDE, *FAST, "-x"]]


def test_pytest_runs_of_everything_leave_nothing_out(tmp_path):
    assert testing.pytest_runs(tmp_path, [], everything=True) == [
        ["--cov", *SIDE_BY_SIDE, *FAST],
        [*SIDE_BY_SIDE, "-m", REST],
        ["-m", "alone and not proof"],
    ]


def test_pytest_runs_of_a_selection_of_everything_leave_the_proofs_out(tmp_path):
    [found] = testing.pytest_runs(tmp_path, ["--lf"], everything=True)

    assert found == ["--cov", "--cov-fail-under=0", "-m", "not proof", "--lf"]


def test_pytest_runs_of_a_selection_have_no_threshold_and_let_the_person_win(tmp_path):
    [found] = testing.pytest_runs(tmp_path, ["-m", "slow"], everything=False)

    assert found == ["--cov", "--cov-fail-under=0", *FAST, "-m", "slow"]


def test_missing_tools_are_named_by_their_package(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda program: None if program == "promtool" else f"/usr/bin/{program}")

    assert testing.missing_tools() == ["prometheus"]
