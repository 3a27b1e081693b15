"""Cursor paging: lists in order of creation, and pages of them around a cursor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import islice

import attrs

from wren_async.sandbox.cnaught.behaviours import CNaughtBehaviours
from wren_async.sandbox.cnaught.problems import CNaughtRefusedError, invalid_pagination, invalid_parameters

LARGEST_LIMIT = 100
"""The most items that a request may ask for."""


class Timeline:
    """Ids in order of creation. It knows the place of each, so that a page is found without going through the list."""

    def __init__(self) -> None:
        self._ids: list[str | None] = []
        self._places: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, item_id: str) -> bool:
        return item_id in self._places

    def append(self, item_id: str) -> None:
        """Add the newest item."""
        self._places[item_id] = len(self._ids)
        self._ids.append(item_id)

    def remove(self, item_id: str) -> None:
        """Remove an item. Its place stays empty, until so many are that all places are numbered anew."""
        self._ids[self._places.pop(item_id)] = None
        if len(self._ids) > 2 * len(self._places) + 16:
            self._ids = [kept for kept in self._ids if kept is not None]
            self._places = {kept: place for place, kept in enumerate(self._ids) if kept is not None}

    def newest_first(self, *, before: str | None = None, until: str | None = None) -> Iterable[str]:
        """Items from newer to older: those created before `before` and after `until`, without these two."""
        start = len(self._ids) if before is None else self._places[before]
        stop = -1 if until is None else self._places[until]
        return self._at(range(start - 1, stop, -1))

    def oldest_first(self, *, after: str) -> Iterable[str]:
        """Items from older to newer, beginning with the one that was created next after `after`."""
        return self._at(range(self._places[after] + 1, len(self._ids)))

    def _at(self, places: range) -> Iterable[str]:
        return (item_id for place in places if (item_id := self._ids[place]) is not None)


@attrs.frozen(kw_only=True)
class PageRequest:
    """The part of a list that a request asks for."""

    limit: int
    earlier_than: str | None = None
    later_than: str | None = None

    @classmethod
    def read(cls, query: Mapping[str, str], behaviours: CNaughtBehaviours) -> PageRequest:
        """What the query parameters of a list ask for."""
        after, before = query.get("starting_after") or None, query.get("ending_before") or None
        if after is not None and before is not None:
            raise CNaughtRefusedError(invalid_pagination("starting_after and ending_before exclude each other"))
        if behaviours.starting_after == "later":
            after, before = before, after
        limit = min(_limit(query.get("limit"), behaviours), behaviours.page_clamp or LARGEST_LIMIT)
        return cls(limit=limit, earlier_than=after, later_than=before)


def _limit(value: str | None, behaviours: CNaughtBehaviours) -> int:
    if not value:
        return behaviours.default_limit
    try:
        limit = int(value)
    except ValueError:
        raise CNaughtRefusedError(invalid_parameters({"limit": ["must be an integer"]})) from None
    if behaviours.limits == "clamp":
        return min(max(limit, 1), LARGEST_LIMIT)
    if not 1 <= limit <= LARGEST_LIMIT:
        raise CNaughtRefusedError(invalid_parameters({"limit": [f"must be from 1 to {LARGEST_LIMIT}"]}))
    return limit


def page(
    timeline: Timeline,
    request: PageRequest,
    behaviours: CNaughtBehaviours,
    *,
    visible: Callable[[str], bool] | None = None,
) -> list[str]:
    """The ids of one page, in the order in which the API answers them."""
    cursor = request.earlier_than or request.later_than
    if cursor is not None and cursor not in timeline:
        raise CNaughtRefusedError(invalid_pagination(f"there is no item {cursor!r} in this list"))
    if request.later_than is None:
        return _first(timeline.newest_first(before=request.earlier_than), request.limit, visible)
    if behaviours.ending_before_page == "newest":
        newest_first = _first(timeline.newest_first(until=request.later_than), request.limit, visible)
    else:
        newest_first = _first(timeline.oldest_first(after=request.later_than), request.limit, visible)[::-1]
    return newest_first if behaviours.ending_before_order == "newest_first" else newest_first[::-1]


def _first(items: Iterable[str], limit: int, visible: Callable[[str], bool] | None) -> list[str]:
    return list(islice(items if visible is None else filter(visible, items), limit))
