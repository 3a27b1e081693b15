"""Methods without `await`, made of those with: one line each, whose signature is that of the original.

The name of the attribute says which method of the asynchronous object is called. The argument says to type checkers
what it takes and returns.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, overload

from wren_async.core.operation import Call
from wren_async.core.paging import CursorPager, OffsetPage, OffsetPager, Page, WholeList
from wren_async.core.resource import listed as async_listed
from wren_async.sync.lists import ListAnswer, Pager
from wren_async.sync.portal import Portal

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
ItemT = TypeVar("ItemT")
GroupT = TypeVar("GroupT", bound="SyncResource")


class _Blocking(Protocol):
    """What has an asynchronous object behind it: a client, or one of its resources."""

    @property
    def _target(self) -> Any: ...

    @property
    def _portal(self) -> Portal: ...


class Method(Generic[P, R]):
    """A method that calls the method of its name on the asynchronous object, and waits for the result."""

    def __init__(self, original: object, finish: Callable[[Portal, Any], R]) -> None:
        self._finish = finish
        self.__doc__ = original.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name
        self._qualname = f"{owner.__qualname__}.{name}"

    @overload
    def __get__(self, holder: None, owner: type) -> Method[P, R]: ...
    @overload
    def __get__(self, holder: _Blocking, owner: type) -> Callable[P, R]: ...
    def __get__(self, holder: _Blocking | None, owner: type) -> Method[P, R] | Callable[P, R]:
        if holder is None:
            return self
        portal, finish = holder._portal, self._finish
        original = getattr(holder._target, self._name)

        @functools.wraps(original)
        def method(*args: P.args, **kwargs: P.kwargs) -> R:
            portal.check()
            return finish(portal, original(*args, **kwargs))

        method.__qualname__ = self._qualname
        return method


def sent(build: Callable[P, Call[T]]) -> Method[P, T]:
    """An operation, such as `wren.OffsetOrders.create`."""
    return Method(build, _run)


def awaited(method: Callable[Concatenate[Any, P], Coroutine[Any, Any, T]]) -> Method[P, T]:
    """A method that is a coroutine, such as `wren.OffsetOrders.certificate`."""
    return Method(method, _run)


def listed(method: async_listed[P, T, ItemT]) -> Method[P, ListAnswer[T, ItemT]]:
    """A list that one answer holds whole, such as `wren.OffsetOrders.list`."""

    def finish(portal: Portal, whole: WholeList[T, ItemT]) -> ListAnswer[T, ItemT]:
        answer = portal.run(whole)
        return ListAnswer(answer, method.items(answer), whole.answers)

    return Method(method, finish)


def walked_by_cursor(
    method: Callable[Concatenate[Any, P], CursorPager[ItemT]],
) -> Method[P, Pager[ItemT, Page[ItemT]]]:
    """A list that is read by cursor, such as `cnaught.Orders.list`."""
    return Method(method, _walk)


def walked_by_offset(
    method: Callable[Concatenate[Any, P], OffsetPager[ItemT]],
) -> Method[P, Pager[ItemT, OffsetPage[ItemT]]]:
    """A list that is read by offset, such as `wren.Credits.ledger`."""
    return Method(method, _walk)


def _run(portal: Portal, running: Coroutine[Any, Any, T]) -> T:
    return portal.run(running)


def _walk(portal: Portal, pager: Any) -> Pager[Any, Any]:
    return Pager(pager, lambda: portal.run(_first(pager)), portal)


async def _first(pager: Any) -> Any:
    return await pager


class SyncResource:
    """A group of operations without `await`."""

    def __init__(self, target: Any, portal: Portal) -> None:
        self._target = target
        self._portal = portal

    def __repr__(self) -> str:
        return f"<sync {repr(self._target).removeprefix('<')}"


class group(Generic[GroupT]):
    """A group of operations of a client, or within another group, under the same name as on the asynchronous one."""

    def __init__(self, kind: type[GroupT]) -> None:
        self._kind = kind
        self.__doc__ = kind.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, holder: None, owner: type) -> group[GroupT]: ...
    @overload
    def __get__(self, holder: _Blocking, owner: type) -> GroupT: ...
    def __get__(self, holder: _Blocking | None, owner: type) -> group[GroupT] | GroupT:
        return self if holder is None else self._kind(getattr(holder._target, self._name), holder._portal)
