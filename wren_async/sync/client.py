"""What both clients without `await` are: an asynchronous client, and the thread in which it works."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType, TracebackType
from typing import Any, Generic, Self, TypeVar, Unpack

from wren_async.core.ceilings import Ceilings
from wren_async.core.client import CLOSING_TIME, BaseClient, ClientOptions, HTTPClient
from wren_async.core.operation import Call
from wren_async.core.reply import Reply
from wren_async.core.telemetry import Telemetry
from wren_async.core.timing import Timing
from wren_async.sync.outcome import SyncOutcome
from wren_async.sync.portal import Portal

T = TypeVar("T")
ClientT = TypeVar("ClientT", bound=BaseClient)


class SyncClientOptions(ClientOptions, total=False):
    """What a client is made with, beside its token; as for the asynchronous one."""

    base_url: str | None
    """Another server, such as the sandbox's."""
    http_client: HTTPClient | None
    """What calls travel over, such as `AiohttpBackend()`. It is used in the client's own thread."""
    insecure_hosts: Collection[str]
    """Hosts that may be called over plain http, beside this machine."""
    max_in_flight: int | None
    """Exchanges on the wire at once, of all threads together."""
    ceilings: Ceilings | None
    """How large one order may be."""
    telemetry: Telemetry | None
    """Who is told of calls and attempts, in the client's own thread."""
    timing: Timing | None
    """Clocks, waits and random numbers, for tests."""


class SyncClient(Generic[ClientT]):
    """A client without `await`. Use it with `with`, one for the life of the program; any thread may call it.

    The work is done in a thread of its own, which begins with the first call. So it works in a notebook, too. A client
    that was used does not survive a fork: make one in each process.
    """

    __slots__ = ("_owner", "_portal", "_target")

    _target: ClientT
    _portal: Portal
    _owner: bool

    def __repr__(self) -> str:
        if not hasattr(self, "_target"):
            # The constructor failed, and a traceback shows this object.
            return f"<sync {type(self).__name__} unfinished>"
        return f"<sync {repr(self._target).removeprefix('<')}"

    @property
    def base_url(self) -> str:
        """Where the calls go."""
        return self._target.base_url

    @property
    def ceilings(self) -> Ceilings | None:
        """What one order may come to at most, if anything was set."""
        return self._target.ceilings

    @property
    def in_flight(self) -> int:
        """Exchanges that this client and its copies have on the wire."""
        return self._target.in_flight

    @property
    def waiting(self) -> int:
        """Calls that wait for a place on the wire."""
        return self._target.waiting

    @property
    def outcomes(self) -> Mapping[str, SyncOutcome]:
        """Writes whose callers were interrupted, as by Ctrl-C, by their reference, or else their idempotency key.

        Interrupting the caller does not break off a write that is on the wire already. It goes on, and its outcome is
        here, also after `close`.
        """
        held = self._portal.read(lambda: dict(self._target.outcomes))
        return MappingProxyType({name: SyncOutcome(outcome, self._portal) for name, outcome in held.items()})

    def send(self, call: Call[T]) -> T:
        """Send any call, also of an operation that this library does not know, and return its decoded value.

        Raises `CallError`, and `UsageError` where nothing was sent because of a mistake. Sending a call again is a new
        order, unless the call carries an idempotency key.
        """
        self._portal.check()
        return self._portal.run(self._target.send(call))

    def send_raw(self, call: Call[T]) -> Reply[T]:
        """Send any call as `send` does, and return its value together with status, headers, body and attempts."""
        self._portal.check()
        return self._portal.run(self._target.send_raw(call))

    def with_options(self, **options: Unpack[ClientOptions]) -> Self:
        """A copy with other options. It shares thread and connections, and closing it leaves them open."""
        return self._copy(self._target.with_options(**options))

    def close(self, patience: float = CLOSING_TIME) -> None:
        """Wait up to `patience` seconds for writes on the wire, close the connections, and end the thread.

        A write that is undecided even then is logged, and stays in `outcomes`. Closing a second time, or a copy, does
        nothing. A program that ends without it closes then.
        """
        if self._owner:
            self._portal.close(self._target.aclose(patience))

    def __enter__(self) -> Self:
        self._portal.check()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _begin(self, target: ClientT) -> None:
        # The session is made before any thread can ask for it, or two might make one each.
        self._fill(target, Portal(lambda: target._session, target.aclose), owner=True)

    def _copy(self, target: ClientT) -> Self:
        made = object.__new__(type(self))
        made._fill(target, self._portal, owner=False)
        return made

    def _fill(self, target: ClientT, portal: Portal, *, owner: bool) -> None:
        self._target, self._portal, self._owner = target, portal, owner

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("a client is not pickled; make one in each process")
