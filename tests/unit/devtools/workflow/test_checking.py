import sys
from pathlib import Path

import pytest

from devtools.workflow import checking, progress
from devtools.workflow.checking import Step
from devtools.workflow.checkout import Checkout

ROOT = Path(__file__).resolve().parents[4]


def test_pins_reads_extras_markers_and_hashes():
    lines = [
        "celery[redis]==5.7.0   # why",
        "Django_Filter==26.2 ; python_version < '4' \\",
        "    --hash=sha256:ab",
        "# x==1",
        "-r y.in",
    ]

    assert checking.pins("\n".join(lines)) == {("celery", "5.7.0"), ("django-filter", "26.2")}


def test_differing_pins_names_what_was_not_compiled(tmp_path):
    (tmp_path / "requirements.in").write_text("django==5.2.20\nredis==8.1.0\n")
    (tmp_path / "requirements.txt").write_text("django==5.2.19 \\\n    --hash=sha256:ab\nredis==8.1.0 \\\n")

    found = checking.differing_pins(tmp_path)

    assert found == ["requirements.in: django==5.2.20 is not in requirements.txt: compile it again"]


def test_differing_pins_of_this_project_are_none():
    assert checking.differing_pins(ROOT) == []


def test_report_prints_what_is_wrong_below_the_line(capsys):
    fine = checking.report(Step("fine", lambda _: ""))
    broken = checking.report(Step("broken", lambda _: "line 3: missing"))

    printed = capsys.readouterr().out.splitlines()
    assert (fine, broken) == (True, False)
    assert [line.split()[0] for line in printed] == ["ok", "FAILED", "line"]


def test_run_tool_returns_the_output_of_a_failure_alone():
    def run(source):
        tick = progress.Ticker("a tool")
        return checking._run_tool([sys.executable, "-c", source], tick, environment={}, root=ROOT)

    assert run("print('fine')") == ""
    assert run("print('wrong'); raise SystemExit(2)") == "wrong"
    assert run("raise SystemExit(2)") == "exit status 2"


def test_differing_lines_of_a_file_that_is_as_wanted_are_none(tmp_path):
    (tmp_path / "openapi.yaml").write_text("a: 1\n")

    assert checking.differing_lines(tmp_path / "openapi.yaml", "a: 1\n") == ""


@pytest.mark.parametrize("kept", ["a: 1\nb: 2\n", None])
def test_differing_lines_show_the_difference_and_the_cure(tmp_path, kept):
    if kept is not None:
        (tmp_path / "openapi.yaml").write_text(kept)

    found = checking.differing_lines(tmp_path / "openapi.yaml", "a: 1\nb: 3\n").splitlines()

    assert "+b: 3" in found
    assert found[-1] == "Write it anew: python3 dev.py manage spectacular --file docs/openapi.yaml"


def test_steps_end_with_the_description_of_the_api(tmp_path):
    names = [step.name for step in checking.steps(Checkout(tmp_path), {})]

    assert names[-1] == "OpenAPI"


def test_find_stale_description_runs_the_projects_own_generator(tmp_path):
    # Stands for the project: its manage.py prints what the code says.
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "openapi.yaml").write_text("openapi: 3.1.1\n")
    (tmp_path / "manage.py").write_text(
        "import os, sys\nprint(os.environ['SAID'])\nsys.exit(int(os.environ['STATUS']))\n"
    )
    checkout = Checkout(tmp_path)
    checkout.virtual_environment.mkdir()
    (checkout.virtual_environment / "bin").mkdir()
    checkout.python.symlink_to(sys.executable)

    def find(said, status="0"):
        environment = {"SAID": said, "STATUS": status}
        return checking._find_stale_description(checkout, progress.Ticker("OpenAPI"), environment=environment)

    assert find("openapi: 3.1.1") == ""
    assert "-openapi: 3.1.1" in find("openapi: 3.2.0").splitlines()
    assert find("a warning", "1") == "a warning"
