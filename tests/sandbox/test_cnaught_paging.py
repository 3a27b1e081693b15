from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from cnaught_driver import Driver, problem
from hypothesis import given, settings
from hypothesis import strategies as st

from wren_async.sandbox.cnaught.paging import Timeline


def placed(sandbox: Driver, count: int) -> list[str]:
    """Ids of new orders, newest first."""
    return [sandbox.order()["id"] for _ in range(count)][::-1]


def listed(sandbox: Driver, **query: Any) -> list[str]:
    return [order["id"] for order in sandbox.ok("listOrders", **query)["data"]]


def test_newest_first_twenty_at_a_time() -> None:
    sandbox = Driver()
    ids = placed(sandbox, 25)
    assert listed(sandbox) == ids[:20]
    assert listed(sandbox, limit="100") == ids
    sandbox.behaviours.default_limit = 100
    assert listed(sandbox) == ids


def test_pages_around_a_cursor() -> None:
    sandbox = Driver()
    ids = placed(sandbox, 10)
    assert listed(sandbox, limit="3", starting_after=ids[2]) == ids[3:6]
    assert listed(sandbox, limit="3", starting_after=ids[8]) == ids[9:]
    assert listed(sandbox, starting_after=ids[9]) == []
    assert listed(sandbox, limit="3", ending_before=ids[6]) == ids[3:6]
    assert listed(sandbox, limit="3", ending_before=ids[2]) == ids[:2]
    assert listed(sandbox, ending_before=ids[0]) == []


def test_the_other_readings_of_the_cursors() -> None:
    sandbox = Driver()
    ids = placed(sandbox, 10)
    sandbox.behaviours.ending_before_order = "oldest_first"
    assert listed(sandbox, limit="3", ending_before=ids[6]) == ids[3:6][::-1]
    sandbox.behaviours.ending_before_order = "newest_first"
    sandbox.behaviours.ending_before_page = "newest"
    assert listed(sandbox, limit="3", ending_before=ids[6]) == ids[:3]
    sandbox.behaviours.ending_before_page = "nearest"
    sandbox.behaviours.starting_after = "later"
    assert listed(sandbox, limit="3", starting_after=ids[6]) == ids[3:6]
    assert listed(sandbox, limit="3", ending_before=ids[6]) == ids[7:]


def test_pages_may_be_shorter_than_asked_for() -> None:
    sandbox = Driver(page_clamp=4)
    ids = placed(sandbox, 6)
    assert listed(sandbox, limit="100") == ids[:4]
    assert listed(sandbox, limit="2") == ids[:2]


@pytest.mark.parametrize("limit", ["0", "101", "-1", "many", "1.5"])
def test_limits_out_of_bounds_are_refused(limit: str) -> None:
    refusal = Driver().refusal("listOrders", limit=limit)
    assert problem(refusal) == ("invalid-parameters", 400)
    assert list(refusal["errors"]) == ["limit"]


def test_limits_out_of_bounds_may_be_clamped() -> None:
    sandbox = Driver(limits="clamp")
    ids = placed(sandbox, 3)
    assert listed(sandbox, limit="1000") == ids
    assert listed(sandbox, limit="-5") == ids[:1]


def test_bad_cursors_are_refused() -> None:
    sandbox = Driver()
    (order,) = placed(sandbox, 1)
    for query in ({"starting_after": "nothing"}, {"starting_after": order, "ending_before": order}):
        refusal = sandbox.refusal("listOrders", **query)
        assert problem(refusal) == ("invalid-pagination", 400)
        assert refusal["detail"]
    subaccount = sandbox.subaccount()["id"]
    refusal = sandbox.refusal("listOrders", subaccount=subaccount, starting_after=order)
    assert problem(refusal) == ("invalid-pagination", 400)
    assert listed(sandbox, limit="", starting_after="", ending_before="") == [order]


def test_lists_may_lag_behind() -> None:
    sandbox = Driver(order_list_lag=timedelta(seconds=10))
    (first,) = placed(sandbox, 1)
    sandbox.world.clock.move(10)
    (second,) = placed(sandbox, 1)
    assert listed(sandbox) == [first]
    assert sandbox.ok("getOrder", id=second)["id"] == second
    sandbox.world.clock.move(10)
    assert listed(sandbox) == [second, first]


def test_subaccounts_are_paged_too_and_deleting_leaves_no_gap() -> None:
    sandbox = Driver()
    ids = [sandbox.subaccount()["id"] for _ in range(5)][::-1]
    sandbox.ok("deleteSubaccount", id=ids[2])
    page = sandbox.ok("listSubaccounts", limit="2", starting_after=ids[0])["data"]
    assert [subaccount["id"] for subaccount in page] == [ids[1], ids[3]]
    refusal = sandbox.refusal("listSubaccounts", starting_after=ids[2])
    assert problem(refusal) == ("invalid-pagination", 400)


def test_a_timeline_forgets_empty_places() -> None:
    timeline = Timeline()
    for number in range(100):
        timeline.append(str(number))
    for number in range(90):
        timeline.remove(str(number))
    assert list(timeline.newest_first()) == [str(number) for number in range(99, 89, -1)]
    assert list(timeline.oldest_first(after="97")) == ["98", "99"]


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 400)), max_size=120))
def test_a_timeline_is_a_list_without_what_was_removed(steps: list[tuple[bool, int]]) -> None:
    timeline, model = Timeline(), list[str]()
    for number, (adds, which) in enumerate(steps):
        if adds or not model:
            timeline.append(str(number))
            model.append(str(number))
        else:
            timeline.remove(model.pop(which % len(model)))
    assert list(timeline.newest_first()) == model[::-1]
    assert len(timeline) == len(model)
    for place, item in enumerate(model):
        assert item in timeline
        assert list(timeline.newest_first(before=item)) == model[:place][::-1]
        assert list(timeline.newest_first(until=item)) == model[place + 1 :][::-1]
        assert list(timeline.oldest_first(after=item)) == model[place + 1 :]


@settings(deadline=None)
@given(count=st.integers(0, 30), limit=st.integers(1, 12), arrivals=st.integers(0, 3))
def test_a_walk_meets_every_order_once(count: int, limit: int, arrivals: int) -> None:
    sandbox = Driver(conform=False)
    ids, met, cursor = placed(sandbox, count), list[str](), dict[str, str]()
    while found := listed(sandbox, limit=str(limit), **cursor):
        met += found
        cursor = {"starting_after": found[-1]}
        placed(sandbox, arrivals)
    assert met == ids
