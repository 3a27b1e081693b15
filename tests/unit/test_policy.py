"""When to try again and how long to wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wren_async import RetryPolicy
from wren_async.core.policy import LONGEST_PAUSE, RetryBudget, http_date, retry_after

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
seconds = st.floats(0, 1000, allow_nan=False)
laws = settings(max_examples=200, deadline=None)


@laws
@given(
    retry=st.integers(1, 10_000),
    first=seconds,
    longest=seconds,
    told=st.none() | st.floats(0, 1e6),
    draw=st.floats(0, 1, exclude_max=True),
)
def test_a_wait_is_never_shorter_than_told_nor_longer_than_the_policy_and_the_server_say(
    retry: int, first: float, longest: float, told: float | None, draw: float
) -> None:
    policy = RetryPolicy(first_wait=first, longest_wait=longest)
    wait = policy.wait(retry, told, draw=lambda: draw)
    assert wait >= (told or 0)
    assert wait <= max(longest, told or 0)


@laws
@given(retry=st.integers(1, 60), draw=st.floats(0, 1, exclude_max=True))
def test_waits_double_and_half_of_each_is_left_to_chance(retry: int, draw: float) -> None:
    policy = RetryPolicy(first_wait=0.5, longest_wait=8)
    whole = min(8.0, 0.5 * 2 ** (retry - 1))
    assert whole / 2 <= policy.wait(retry, draw=lambda: draw) <= whole
    assert policy.wait(retry, draw=lambda: 0.0) == whole / 2


def test_callers_who_failed_together_do_not_return_together() -> None:
    policy = RetryPolicy()
    assert len({policy.wait(3) for _ in range(20)}) > 10


@pytest.mark.parametrize("name", ["retries", "first_wait", "longest_wait", "longest_retry_after"])
@pytest.mark.parametrize("value", [-1, float("nan"), float("inf")])
def test_a_policy_of_negative_or_endless_times_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name):
        RetryPolicy(**{name: value})


@pytest.mark.parametrize("value", ["3", None])
def test_the_number_of_retries_is_a_whole_number(value: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        RetryPolicy(retries=value)


# --- Retry-After ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "wanted"),
    [("0", 0.0), ("7", 7.0), (" 7 ", 7.0), ("1.5", 1.5), ("120", 120.0), (None, None), ("", None), ("soon", None)]
    + [(odd, None) for odd in ("-5", "1e3", "1.2.3", "٣", "nan", "inf", "0x10")],
)
def test_seconds_are_understood_and_nonsense_is_no_pause(value: str | None, wanted: float | None) -> None:
    assert retry_after(value, None, NOW) == wanted


@given(text=st.text(max_size=12))
@laws
def test_no_text_whatever_raises_or_asks_for_a_negative_pause(text: str) -> None:
    found = retry_after(text, text, NOW)
    assert found is None or 0 <= found < float("inf")


@given(pause=st.integers(0, 10_000), skew=st.integers(-86_400, 86_400))
@laws
def test_a_date_counts_from_the_answers_own_date_whatever_our_clock_says(pause: int, skew: int) -> None:
    theirs = NOW + timedelta(seconds=skew)
    until = format_datetime(theirs + timedelta(seconds=pause), usegmt=True)
    assert retry_after(until, format_datetime(theirs, usegmt=True), NOW) == pause


@pytest.mark.parametrize("value", ["100000000000000", "9" * 4000, "1" + "0" * 400 + ".5", "5, 99999999999"])
def test_a_pause_of_ages_is_taken_for_a_week(value: str) -> None:
    assert retry_after(value, None, NOW) == LONGEST_PAUSE == timedelta(days=7).total_seconds()


@pytest.mark.parametrize(
    "date",
    [
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Fri, 31 Dec 9999 23:59:59 -1200",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "Fri, 31 Dec 99999999999999999999 23:59:59 GMT",
        "Fri, 31 Dec 2026 23:59:59 +99999999",
        "Fri, 31 Dec 2026 " * 50,
    ],
)
def test_a_date_of_another_age_is_none(date: str) -> None:
    assert http_date(date) is None
    assert retry_after(date, date, NOW) is None


def test_without_a_date_our_clock_serves_and_a_past_date_is_no_pause() -> None:
    until = format_datetime(NOW + timedelta(seconds=9), usegmt=True)
    assert retry_after(until, None, NOW) == 9
    assert retry_after(until, "not a date", NOW) == 9
    assert retry_after(format_datetime(NOW - timedelta(days=1), usegmt=True), None, NOW) == 0
    assert retry_after("Wed, 01 Jul 2026 12:00:09 -0000", None, NOW) == 9


# --- the budget -----------------------------------------------------------------------------------------------------


@given(steps=st.lists(st.booleans(), max_size=60))
@laws
def test_the_budget_stays_between_nothing_and_its_capacity(steps: list[bool]) -> None:
    budget = RetryBudget(capacity=12, cost=5, refund=1)
    for spends in steps:
        before = budget.tokens
        if spends:
            assert budget.spend() is (before >= 5)
        else:
            budget.earn()
        assert 0 <= budget.tokens <= 12


def test_an_empty_budget_refuses_until_successes_have_filled_it() -> None:
    budget = RetryBudget(capacity=10, cost=5, refund=1)
    assert [budget.spend() for _ in range(3)] == [True, True, False]
    for _ in range(5):
        budget.earn()
    assert budget.spend()
