"""Windows of rate limits that do not end in the middle of a test."""

import time
from types import SimpleNamespace

import pytest
from django_ratelimit import core

from namaskah.api import rate_limits
from payments.webhooks import signature_failures


def stop_the_clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Let the windows in Redis and in this process stand still at `now`, which the test may move."""
    clock = SimpleNamespace(now=time.time())
    monkeypatch.setattr(core, "time", SimpleNamespace(time=lambda: clock.now))
    for windows in (*rate_limits.local_windows.values(), signature_failures.failures):
        monkeypatch.setattr(windows, "_clock", lambda: clock.now)
    return clock
