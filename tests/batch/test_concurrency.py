from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wren_async.batch.run.concurrency import AdaptiveConcurrency

MOMENTS = st.floats(0, 100)


def answer_well(concurrency: AdaptiveConcurrency, count: int, took: float = 0.1, now: float = 0.0) -> float:
    for _ in range(count):
        now += took
        concurrency.answered(now - took, now)
    return now


def test_each_window_of_good_answers_doubles_the_limit_until_it_is_reached() -> None:
    concurrency = AdaptiveConcurrency(most=32, start=4)
    for limit in (8, 16, 32, 32):
        answer_well(concurrency, concurrency.limit)
        assert concurrency.limit == limit


def test_after_the_first_trouble_a_window_of_good_answers_allows_one_more() -> None:
    concurrency = AdaptiveConcurrency(most=32, start=8)
    concurrency.failed(began=0.0, now=0.0)
    assert concurrency.limit == 4
    now = answer_well(concurrency, 5)
    assert concurrency.limit == 5
    answer_well(concurrency, 2000, now=now)
    assert concurrency.limit == 32


def test_a_failure_halves_the_window_once_for_all_that_were_sent_before() -> None:
    concurrency = AdaptiveConcurrency(most=32, start=16)
    for _ in range(10):
        concurrency.failed(began=1.0, now=2.0)
    assert concurrency.limit == 8
    concurrency.failed(began=3.0, now=4.0)
    assert concurrency.limit == 4


def test_slow_answers_lower_the_limit_gently() -> None:
    concurrency = AdaptiveConcurrency(most=32, start=10)
    now = answer_well(concurrency, 50)
    high = concurrency.limit
    now = answer_well(concurrency, 30, took=2.0, now=now)
    assert 1 <= concurrency.limit < high


def test_quick_answers_never_count_as_slow() -> None:
    concurrency = AdaptiveConcurrency(most=32, start=10)
    now = answer_well(concurrency, 1, took=0.001)
    answer_well(concurrency, 500, took=0.02, now=now)
    assert concurrency.limit == 32


def test_a_429_pauses_all_orders_for_as_long_as_it_says() -> None:
    concurrency = AdaptiveConcurrency()
    assert concurrency.rate_limited(began=0.0, now=1.0, told=7.0) == 7.0
    assert concurrency.rate_limited(began=0.0, now=2.0, told=1.0) == 6.0
    assert concurrency.pause(5.0) == 3.0
    assert concurrency.pause(8.0) == 0.0


def test_a_429_that_asks_for_no_seconds_pauses_all_the_same() -> None:
    assert AdaptiveConcurrency().rate_limited(began=0.0, now=1.0, told=0.0) == 1.0


def test_pauses_of_unknown_length_grow_until_there_is_a_good_answer() -> None:
    concurrency = AdaptiveConcurrency()
    pauses = []
    now = 0.0
    for _ in range(9):
        now += 1000
        pauses.append(concurrency.rate_limited(began=now - 0.1, now=now, told=None))
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert concurrency.limited == 9
    concurrency.answered(now, now + 1)
    assert concurrency.limited == 0


@given(
    st.integers(1, 64),
    st.lists(st.tuples(st.sampled_from(["answered", "failed", "limited"]), MOMENTS, MOMENTS, st.none() | MOMENTS)),
)
def test_the_window_stays_within_its_bounds(most: int, events: list[tuple[str, float, float, float | None]]) -> None:
    concurrency = AdaptiveConcurrency(most=most)
    for kind, began, took, told in events:
        if kind == "answered":
            concurrency.answered(began, began + took)
        elif kind == "failed":
            concurrency.failed(began, began + took)
        else:
            assert concurrency.rate_limited(began, began + took, told) >= (told or 0.0) - 1e-6
        assert 1 <= concurrency.limit <= most


def test_no_pause_is_longer_than_a_day_whatever_the_server_says() -> None:
    concurrency = AdaptiveConcurrency()
    assert concurrency.rate_limited(began=0.0, now=1.0, told=1e14) == 86_400
