import sys

from devtools.workflow import progress


def test_ticker_speaks_after_a_second_and_then_ever_less_often(capsys):
    seconds = iter([0.0, 0.9, 1.1, 1.5, 2.3, 3.0, 5.0])
    ticker = progress.Ticker("Installing", lambda: next(seconds))

    for _ in range(6):
        ticker()

    printed = [line.rpartition("] ")[2] for line in capsys.readouterr().err.splitlines()]
    assert printed == ["Installing … 1 s", "Installing … 2 s", "Installing … 5 s"]


def test_step_that_is_quick_says_nothing(capsys):
    with progress.step("Quick") as tick:
        tick()

    assert capsys.readouterr().err == ""


def test_run_and_capture_ticks_and_returns_both_streams():
    ticks = []
    source = "import sys; print('out'); print('err', file=sys.stderr); raise SystemExit(3)"

    answer = progress.run_and_capture([sys.executable, "-c", source], lambda: ticks.append(1))

    assert (answer.stdout, answer.stderr, answer.returncode) == ("out\n", "err\n", 3)
    assert ticks


def test_last_lines_is_the_end():
    assert progress.last_lines("a\nb\nc\n", 2) == "    b\n    c"
