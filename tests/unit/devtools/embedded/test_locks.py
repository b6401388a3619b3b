import os
import signal
import subprocess
import sys
from threading import Timer

from devtools.embedded import locks


def test_take_now_returns_none_while_another_holds_it(tmp_path):
    path = tmp_path / "lock"
    held = locks.take_now(path)

    refused = locks.take_now(path)

    locks.give_back(held)
    assert refused is None


def test_take_now_shares_with_sharers_only(tmp_path):
    path = tmp_path / "lock"
    first = locks.take_now(path, shared=True)

    second = locks.take_now(path, shared=True)
    alone = locks.take_now(path)

    assert second is not None
    assert alone is None
    for descriptor in (first, second):
        locks.give_back(descriptor)


def test_take_within_waits_for_the_holder(tmp_path):
    path = tmp_path / "lock"
    held = locks.take_now(path)
    giving_back = Timer(0.05, locks.give_back, [held])
    giving_back.start()

    taken = locks.take_within(path, 5)

    giving_back.join()
    assert taken is not None
    locks.give_back(taken)


def test_take_within_gives_up(tmp_path):
    path = tmp_path / "lock"
    held = locks.take_now(path)

    taken = locks.take_within(path, 0.02)

    locks.give_back(held)
    assert taken is None


def test_is_held_ignores_sharers(tmp_path):
    path = tmp_path / "lock"
    shared = locks.take_now(path, shared=True)
    while_shared = locks.is_held(path)
    locks.give_back(shared)
    alone = locks.take_now(path)
    while_held = locks.is_held(path)
    locks.give_back(alone)

    assert (while_shared, while_held, locks.is_held(path)) == (False, True, False)


def test_lock_falls_with_a_killed_holder(tmp_path):
    path = tmp_path / "lock"
    source = (
        "import sys; from pathlib import Path; from devtools.embedded import locks\n"
        "locks.take_now(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", source, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        holder.stdout.readline()
        held_before = locks.is_held(path)

        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()

    assert (held_before, locks.is_held(path)) == (True, False)


def test_holding_gives_the_lock_back(tmp_path):
    path = tmp_path / "lock"

    with locks.holding(path):
        inside = locks.is_held(path)

    assert (inside, locks.is_held(path)) == (True, False)
