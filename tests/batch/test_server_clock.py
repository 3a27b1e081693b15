"""Times that hold although a clock is wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from wren_async import Timing
from wren_async.batch.run.server_clock import ServerClocks

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("date", ["Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 GMT"])
def test_a_date_at_the_end_of_the_calendar_breaks_no_arithmetic(date: str) -> None:
    seconds = [0.0]
    clocks = ServerClocks(Timing(utc=lambda: NOON, monotonic=lambda: seconds[0]))
    clocks.note("cnaught", {"date": date})
    seconds[0] = 3600.0
    assert clocks.earliest("cnaught") <= NOON <= clocks.latest("cnaught")
    for moment in (clocks.earliest("cnaught"), clocks.latest("cnaught")):
        assert abs(moment - NOON) < timedelta(days=4000)


def test_the_first_byte_is_dated_by_the_clock_that_is_behind_and_the_last_by_the_one_ahead() -> None:
    clocks = ServerClocks(Timing(utc=lambda: NOON, monotonic=lambda: 0.0))
    clocks.note("wren", {"date": "Wed, 01 Jul 2026 12:10:00 GMT"})
    assert (clocks.earliest("wren"), clocks.latest("wren")) == (NOON, NOON + timedelta(minutes=10))
