"""Resources: the groups in which a client offers its operations, one line an operation."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Coroutine
from typing import Generic, ParamSpec, TypeVar, overload

from wren_async.core.client import BaseClient
from wren_async.core.operation import Call

P = ParamSpec("P")
T = TypeVar("T")


class Resource:
    """A group of operations, bound to a client."""

    def __init__(self, client: BaseClient) -> None:
        self._client = client

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._client!r}>"


class bound(Generic[P, T]):
    """Binds a generated builder to a client: calling it builds the call and sends it.

    The builder's whole signature and its docstring stay visible, so a changed contract shows up as a type error.
    """

    # `None` where coroutines usually say `Any`: with `Any`, mypy takes `gather` of two different calls for `Any`.

    def __init__(self, build: Callable[P, Call[T]]) -> None:
        self.build = build
        self.__doc__ = build.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name
        self._qualname = f"{owner.__qualname__}.{name}"

    @overload
    def __get__(self, resource: None, owner: type) -> Callable[P, Call[T]]: ...
    @overload
    def __get__(self, resource: Resource, owner: type) -> Callable[P, Coroutine[None, None, T]]: ...
    def __get__(self, resource: Resource | None, owner: type) -> Callable[P, Call[T] | Coroutine[None, None, T]]:
        if resource is None:
            return self.build
        client, build = resource._client, self.build

        def method(*args: P.args, **kwargs: P.kwargs) -> Coroutine[None, None, T]:
            call = build(*args, **kwargs)
            if call.operation.deprecated:
                warnings.warn(call.operation.deprecated, DeprecationWarning, stacklevel=2)
            # Not by `client.send`, which would be one coroutine more to wake in every turn of the loop.
            return client._attempts(call).run()

        method.__wrapped__ = build  # type: ignore[attr-defined]
        method.__name__, method.__qualname__ = self._name, self._qualname
        method.__doc__, method.__module__ = build.__doc__, build.__module__
        # Found there from now on: to bind a method costs as much as to build a call.
        resource.__dict__[self._name] = method
        return method
