"""How far one reads to follow an order, held below a figure; and that no imports go in a circle."""

from __future__ import annotations

from benchmarks import rooms, walks

MOST_FILE_CHANGES = 47
"""Of one `orders.create`, from the call of the method to its order. Lower it when a way became shorter."""


def test_an_order_changes_files_no_more_often_than_this() -> None:
    assert 0 < walks.walk_order().file_changes <= MOST_FILE_CHANGES


def test_an_order_is_counted_the_same_each_time() -> None:
    assert walks.walk_order() == walks.walk_order()


def test_the_profiler_counts_calls_and_not_resumptions() -> None:
    with walks.traced() as trace:
        walks.wren_async.CNaughtClient("a-key")
    calls = {code.co_qualname: count for code, count in trace.calls.items()}
    assert calls["CNaughtClient.__init__"] == 1
    assert trace.walk().files > 1


def test_no_imports_of_the_library_go_in_a_circle() -> None:
    _, arrows = rooms.imports()
    assert rooms.circles(arrows) == []


def test_a_circle_would_be_seen() -> None:
    arrows = {("a", "b"), ("b", "c"), ("c", "a"), ("c", "d"), ("d", "e"), ("e", "d"), ("e", "f")}
    assert sorted(map(sorted, rooms.circles(arrows))) == [["a", "b", "c"], ["d", "e"]]
