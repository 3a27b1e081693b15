"""Resources: the groups in which a client offers its operations, one line an operation."""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Generic, ParamSpec, TypeVar, overload

from wren_async.core.arguments import unexpected
from wren_async.core.client import BaseClient
from wren_async.core.operation import Call, CallOptions

if TYPE_CHECKING:
    from wren_async.core.paging import WholeList

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")
ItemT = TypeVar("ItemT")

_METHODS: Final[dict[tuple[str, str], str]] = {}
"""The methods by the package and the name of their builders."""


class Resource:
    """A group of operations, bound to a client."""

    def __init__(self, client: BaseClient) -> None:
        self._client = client

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._client!r}>"

    def _call(self, name: str, build: Callable[P, Call[T]], /, *args: P.args, **kwargs: P.kwargs) -> Call[T]:
        """The call that the method `name` sends. A `TypeError` names that method, and not the builder."""
        try:
            return build(*args, **kwargs)
        except TypeError as error:
            method = getattr(type(self), name)
            raise in_users_words(error, method.__qualname__, kwargs, build, method) from None


class _Binding(Generic[P, T]):
    """Binds a generated builder to a client. The builder's whole signature and its docstring stay visible, so a changed
    contract shows up as a type error."""

    def __init__(self, build: Callable[P, Call[T]]) -> None:
        self.build = build
        self.__doc__ = build.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name
        self._qualname = _METHODS[_package(self.build), self.build.__name__] = f"{owner.__qualname__}.{name}"

    def _bind(self, resource: Resource, begin: Callable[[Call[T]], R]) -> Callable[P, R]:
        """The method of a resource: it builds the call, and `begin` gives what can be awaited."""
        build, qualname = self.build, self._qualname

        def method(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                call = build(*args, **kwargs)
            except TypeError as error:
                raise in_users_words(error, qualname, kwargs, build) from None
            if call.operation.deprecated:
                warnings.warn(_renamed(call.operation.deprecated, build), DeprecationWarning, _callers_level())
            running = begin(call)
            # Where the `await` was forgotten, Python's warning shows this name.
            running.__qualname__ = qualname  # type: ignore[attr-defined]
            return running

        method.__wrapped__ = build  # type: ignore[attr-defined]
        method.__name__, method.__qualname__ = self._name, qualname
        method.__doc__, method.__module__ = build.__doc__, build.__module__
        # Kept, because binding a method costs as much as building a call.
        resource.__dict__[self._name] = method
        return method


class bound(_Binding[P, T]):
    """Binds a generated builder to a client: calling it builds the call and sends it."""

    # A coroutine that is sent `None`, where `Any` is usual: with `Any`, mypy loses the types of a `gather` of two.

    @overload
    def __get__(self, resource: None, owner: type) -> Callable[P, Call[T]]: ...
    @overload
    def __get__(self, resource: Resource, owner: type) -> Callable[P, Coroutine[None, None, T]]: ...
    def __get__(self, resource: Resource | None, owner: type) -> Callable[P, Call[T] | Coroutine[None, None, T]]:
        return self.build if resource is None else self._bind(resource, resource._client._run)


class listed(_Binding[P, T], Generic[P, T, ItemT]):
    """Binds a builder whose answer is one whole list: the method's result can be awaited, and iterated over.

    On the class it builds the call, as that of `bound` does.
    """

    def __init__(self, build: Callable[P, Call[T]], items: Callable[[T], Sequence[ItemT]]) -> None:
        super().__init__(build)
        self.items = items
        """The items of an answer."""
        functools.update_wrapper(self, build)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Call[T]:
        return self.build(*args, **kwargs)

    @overload
    def __get__(self, resource: None, owner: type) -> listed[P, T, ItemT]: ...
    @overload
    def __get__(self, resource: Resource, owner: type) -> Callable[P, WholeList[T, ItemT]]: ...
    def __get__(self, resource: Resource | None, owner: type) -> listed[P, T, ItemT] | Callable[P, WholeList[T, ItemT]]:
        return self if resource is None else self._bind(resource, self._list_of(resource._client))

    def _list_of(self, client: BaseClient) -> Callable[[Call[T]], WholeList[T, ItemT]]:
        from wren_async.core.paging import WholeList

        return lambda call: WholeList(client, call, items=self.items)


def in_users_words(
    error: TypeError,
    name: str,
    given: Mapping[str, object],
    build: Callable[..., object],
    *others: Callable[..., object],
) -> TypeError:
    """The error of a builder that was called wrongly, as that of the method `name` that the user called."""
    taken = {each for function in (build, *others) for each in function.__annotations__} - {"options", "return"}
    known = sorted(taken | CallOptions.__annotations__.keys())
    if unknown := given.keys() - set(known):
        return unexpected(name, unknown, known)
    message = str(error)
    ours = message.startswith(f"{build.__name__}()")
    return TypeError(message.replace(f"{build.__name__}()", name, 1)) if ours else error


def _callers_level() -> int:
    """How many frames above a method the program stands that called it: a sync client's lie between."""
    level, frame = 2, sys._getframe(2)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("wren_async."):
        level, frame = level + 1, frame.f_back
    return level


def _renamed(advice: str, build: Callable[..., object]) -> str:
    """The contract's advice, which names builders, with the names of the methods that stand for them."""
    for (package, name), method in _METHODS.items():
        if package == _package(build):
            advice = advice.replace(f"`{name}`", f"`{method}`")
    return advice


def _package(build: Callable[..., object]) -> str:
    return build.__module__.rpartition(".")[0]
