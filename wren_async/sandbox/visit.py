"""A request on its way through the server, and what it meets there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Protocol, TypeAlias

import attrs

from wren_async.sandbox.checking import BodyRules
from wren_async.sandbox.contract import Contract, Operation
from wren_async.sandbox.exchange import Handler, SandboxAnswer, SandboxRequest
from wren_async.sandbox.log import LoggedRequest

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
"""An ASGI application."""


class PlayedApi(Protocol):
    """An API that the sandbox plays."""

    @property
    def operations(self) -> Mapping[str, Handler]:
        """Handlers by `operationId`."""
        ...

    def rules(self) -> BodyRules:
        """The rules for requests that the API's behaviours set, beyond the contract."""
        ...

    def authenticate(self, request: SandboxRequest, *, required: bool) -> SandboxRequest | SandboxAnswer:
        """The request with the account behind its token, when the caller may go on; otherwise the refusal."""
        ...

    def refuse(self, status: int) -> SandboxAnswer:
        """A refusal as the API words it."""
        ...

    def invalid(self, operation: str, errors: Mapping[str, list[str]]) -> SandboxAnswer:
        """The refusal of a request that breaks the contract."""
        ...

    def begin(self, request: SandboxRequest) -> SandboxAnswer | None:
        """Note that a request will be delayed. The refusal when another with its idempotency key is being delayed."""
        ...

    def end(self, request: SandboxRequest) -> None:
        """Note that the delay is over."""
        ...


@attrs.frozen
class Mount:
    """An API and the contract that it is served by."""

    contract: Contract
    api: PlayedApi


@attrs.define
class Visit:
    """A request on its way through the server."""

    mount: Mount
    operation: Operation | None
    request: SandboxRequest
    entry: LoggedRequest
    refusal: SandboxAnswer | None = None
    """The answer of a request that does not get as far as its handler."""
