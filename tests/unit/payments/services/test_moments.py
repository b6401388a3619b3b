from datetime import UTC, datetime

from payments.services.moments import tell_time


def test_times_are_told_by_the_clock_of_reports(settings):
    settings.REPORT_TIME_ZONE = "Africa/Lagos"

    assert tell_time(datetime(2026, 11, 21, 23, 30, tzinfo=UTC)) == "2026-11-22 00:30 WAT"
