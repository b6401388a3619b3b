import sys
from pathlib import Path

from devtools.workflow import checking, progress
from devtools.workflow.checking import Step

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
