"""What both clients are: an immutable set of options over a shared session."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Coroutine, Mapping
from types import MappingProxyType, ModuleType, TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias, TypedDict, TypeVar, Unpack, cast

import attrs
import httpx

from wren_async._lazy import Lazy
from wren_async.core.arguments import unexpected
from wren_async.core.identity import Identity, check_headers
from wren_async.core.limits import Limits, Permit
from wren_async.core.operation import Call
from wren_async.core.policy import RetryBudget, RetryPolicy
from wren_async.core.telemetry import CallEvents, Telemetry
from wren_async.core.timing import Timing
from wren_async.core.values import UNSET
from wren_async.errors import InvalidArgument, InvalidConfiguration
from wren_async.http.backend import Backend

T = TypeVar("T")
R = TypeVar("R")

if TYPE_CHECKING:
    import aiohttp

    from wren_async.core.ceilings import Ceilings
    from wren_async.core.reply import Reply
    from wren_async.core.sending.attempts import Attempts
    from wren_async.core.sending.session import Outcome, Session

    HTTPClient: TypeAlias = httpx.AsyncClient | aiohttp.ClientSession | Backend
else:
    # A type and no string, because frameworks read the annotations of constructors; aiohttp may not be installed.
    HTTPClient = httpx.AsyncClient | Backend
"""What calls can travel over: a client or session of your own, or a backend such as `AiohttpBackend()`."""

__version__: Final = "0.1.0"
TIMEOUT: Final = 30.0
DEADLINE: Final = 100.0
MAX_IN_FLIGHT: Final = 100
"""Exchanges at a time over a backend that names no number of its own."""
CLOSING_TIME: Final = 10.0

_CREDENTIALS: Final = frozenset({"token", "api_token", "api_key", "key", "bearer", "bearer_token"})
"""Names under which a token may be passed by mistake, because one API or another calls it so."""

USER_AGENT: Final = f"wren-async/{__version__} python/{'.'.join(map(str, sys.version_info[:3]))}"


class ClientOptions(TypedDict, total=False):
    """Options that a client is made with and that `with_options` changes for a copy."""

    timeout: float | None
    """Seconds for one attempt, 30 unless set; `None` for no limit but the deadline."""
    deadline: float | None
    """Seconds for a call with all its attempts and waits, 100 unless set; `None` for no limit."""
    retries: RetryPolicy | int
    """How often to try again, 3 unless set, or a whole policy."""
    headers: Mapping[str, str]
    """Further request headers. Credentials belong to the constructor, and cannot be given here."""
    max_answer_bytes: int
    """Bytes that an answer's body may have, after decompression. Unless set: 1 MiB for a write or a quote, 32 MiB for a
    read, 64 MiB for a document."""


class BaseClient:
    """A client of one API. Immutable; its copies share its connections, its limiter and its retry budget."""

    __slots__ = ("_identity", "_limits", "_owner", "_resources", "_shared")

    _identity: Identity
    _limits: Limits
    _shared: Lazy[Session]
    """Made with the first call. Until then nothing that sends is loaded, so that making a client takes no time."""
    _owner: bool
    _resources: dict[Callable[[BaseClient], Any], Any]
    """Those that were used, so that each method is bound only once."""

    if not TYPE_CHECKING:  # hidden from type checkers, which would otherwise allow setting any attribute

        def __setattr__(self, name: str, value: object) -> None:
            raise AttributeError(f"a client is immutable; with_options({name}=...) makes a copy")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("a client is immutable")

    def __repr__(self) -> str:
        if not hasattr(self, "_identity"):
            # The constructor failed, and a traceback shows this object.
            return f"<{type(self).__name__} unfinished>"
        return f"<{type(self).__name__} {self.base_url}{' closed' if self._session.closed else ''}>"

    @property
    def _session(self) -> Session:
        return self._shared.value

    @property
    def base_url(self) -> str:
        """Where the calls go."""
        return self._identity.base_url

    @property
    def ceilings(self) -> Ceilings | None:
        """What one order may come to at most, if anything was set."""
        return self._identity.ceilings

    @property
    def in_flight(self) -> int:
        """Exchanges that this client and its copies have on the wire; at most `max_in_flight`."""
        return self._session.limiter.in_flight

    @property
    def waiting(self) -> int:
        """Calls that wait for a place on the wire."""
        return self._session.limiter.waiting

    @property
    def outcomes(self) -> Mapping[str, Outcome]:
        """Writes whose callers were cancelled, by their reference, or else their idempotency key.

        Cancelling the caller does not break off a write that is on the wire already. It goes on, and its outcome is
        here.
        """
        return self._session.outcomes

    async def token_mark(self, salt: bytes) -> bytes:
        """A digest of the token and a random salt, by which a journal recognises the token again.

        It need not be kept secret: it is slow to make, so that nobody can find the token by trying.
        """
        import asyncio

        return await asyncio.to_thread(self._identity.credentials.mark, salt)

    async def send(self, call: Call[T]) -> T:
        """Send any call, also of an operation that this library does not know, and return its decoded value.

        Raises `CallError`, and `UsageError` where nothing was sent because of a mistake. Sending a call again is a new
        order, unless the call carries an idempotency key.
        """
        return await self._attempts(call).run()

    async def send_raw(self, call: Call[T]) -> Reply[T]:
        """Send any call as `send` does, and return its value together with status, headers, body, the number of
        attempts, and whether the server replayed an earlier answer."""
        attempts = self._attempts(call)
        await attempts.run()
        return attempts.reply()

    def _resource(self, kind: Callable[[BaseClient], R]) -> R:
        made: R | None = self._resources.get(kind)
        if made is None:
            made = self._resources[kind] = kind(self)
        return made

    def _run(self, call: Call[T]) -> Coroutine[None, None, T]:
        # Not `async`, as `send` is: that would be one coroutine more at every resumption.
        return self._attempts(call).run()

    def _attempts(self, call: Call[T], identity: Identity | None = None) -> Attempts[T]:
        attempts: type[Attempts[T]] = _sending().Attempts
        return attempts(call, identity or self._identity, self._limits, self._session)

    def with_options(self, **options: Unpack[ClientOptions]) -> Self:
        """A copy with other options. It shares the connections, and closing it leaves them open.

        Raises `InvalidConfiguration`, and `TypeError` for an option that does not exist. Headers are added to those of
        this client.
        """
        # A type checker sees a misspelt option; without one it would be ignored.
        if unknown := options.keys() - ClientOptions.__annotations__.keys():
            raise unexpected(f"{type(self).__name__}.with_options", unknown, ClientOptions.__annotations__)
        try:
            headers = {**self._identity.headers, **check_headers(options.get("headers", {}))}
            limits = self._limits.but(
                timeout=options.get("timeout", UNSET),
                deadline=options.get("deadline", UNSET),
                retries=options.get("retries", UNSET),
                max_answer_bytes=options.get("max_answer_bytes", UNSET),
            )
        except InvalidArgument as error:
            raise InvalidConfiguration(str(error)) from None
        return self._copy(attrs.evolve(self._identity, headers=MappingProxyType(headers)), limits)

    def with_permit(self, permit: Permit, *, within: float) -> Self:
        """A copy whose writes are sent only while `permit` allows it, and have their answers, or are given up, soon.

        For a process that may lose the right to send, such as one of several that share a database. A write that may
        not be sent raises `NotSent`.

        Args:
            permit: Told in how many seconds the attempt ends at the latest, says whether its bytes may be sent now. It
                is asked directly before they are handed to the connection, and must not block.
            within: Seconds that an attempt, and a call, may take at most. Reads take as long as they otherwise would.
        """
        reads = self._limits
        limits = reads.but(timeout=_shorter(reads.timeout, within), deadline=_shorter(reads.deadline, within))
        return self._copy(self._identity, attrs.evolve(limits, permit=permit, reads=reads))

    async def aclose(self, patience: float = CLOSING_TIME) -> None:
        """Close the connections, after waiting up to `patience` seconds for writes on the wire.

        A write that is undecided even then is logged, and stays in `outcomes`. Closing a second time, or a copy, does
        nothing.
        """
        if self._owner:
            await self._session.aclose(patience)

    async def __aenter__(self) -> Self:
        self._session.check()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _send_elsewhere(self, call: Call[T], url: str) -> Reply[T]:
        """Send a call to another address, without the headers, subaccount and credentials that are for the API."""
        stranger = attrs.evolve(self._identity, base_url=url, headers={}, subaccount_id=None)
        attempts = self._attempts(call, stranger)
        await attempts.run()
        return attempts.reply()

    def _for_journal(self) -> Self:
        """A copy that repeats nothing and leaves it to a batch, or a worker, to tell what is in doubt."""
        return self._copy(attrs.evolve(self._identity, journaled=True), self._limits.but(retries=0))

    def _copy(self, identity: Identity, limits: Limits) -> Self:
        made = object.__new__(type(self))
        made._fill(identity, limits, self._shared, owner=False)
        return made

    def _begin(self, identity: Identity, shared: Lazy[Session], options: ClientOptions) -> None:
        base = Limits(timeout=TIMEOUT, deadline=DEADLINE, retries=RetryPolicy())
        self._fill(identity, base, shared, owner=True)
        made = self.with_options(**options)
        self._fill(made._identity, made._limits, shared, owner=True)

    def _fill(self, identity: Identity, limits: Limits, shared: Lazy[Session], *, owner: bool) -> None:
        fields = {"_identity": identity, "_limits": limits, "_shared": shared, "_owner": owner, "_resources": {}}
        for name, value in fields.items():
            object.__setattr__(self, name, value)


def _shorter(seconds: float | None, most: float) -> float:
    return most if seconds is None else min(seconds, most)


def check_options(kind: type[BaseClient], options: ClientOptions) -> None:
    """Refuse options that do not exist, by a `TypeError`, before anything else is looked at."""
    unknown = set(options.keys() - ClientOptions.__annotations__.keys())
    if not unknown:
        return
    # It may be a token under a wrong name, and a traceback may show the variables of the constructor.
    cast("dict[str, object]", options).clear()
    own = [name for name in kind.__init__.__annotations__ if name not in ("options", "return")]
    if confused := sorted(unknown & _CREDENTIALS):
        raise TypeError(f"{kind.__name__} takes {own[0]}=, not {confused[0]}=")
    raise unexpected(kind.__name__, unknown, [*own, *ClientOptions.__annotations__])


@functools.cache
def _sending() -> ModuleType:
    """What sends, loaded with the first call."""
    from wren_async.core.sending import attempts

    return attempts


def new_session(
    http_client: HTTPClient | None,
    max_in_flight: int | None,
    timing: Timing | None,
    telemetry: Telemetry | None = None,
) -> Lazy[Session]:
    """The shared part of a new client."""
    if max_in_flight is not None:
        _check_places(max_in_flight)
    instead_of_an_object = isinstance(telemetry, type) and not issubclass(telemetry, CallEvents)
    if telemetry is not None and (instead_of_an_object or not callable(telemetry)):
        raise InvalidConfiguration(
            f"telemetry takes OpenTelemetry(), or a function of one CallBegan, not {telemetry!r}"
        )
    # A client of the caller's is looked at now, and not with the first call: the mistake is easier to find here.
    brought = None if http_client is None else _backend(http_client)

    def make() -> Session:
        from wren_async.core.sending.limiter import affordable
        from wren_async.core.sending.session import Session

        backend = brought or _backend(None)
        suits: int = getattr(backend, "max_in_flight", MAX_IN_FLIGHT)
        return Session(
            backend,
            max_in_flight=max_in_flight or affordable(suits),
            timing=timing or Timing(),
            budget=RetryBudget(),
            telemetry=telemetry,
        )

    return Lazy(make)


def _check_places(max_in_flight: object) -> None:
    if isinstance(max_in_flight, bool) or not isinstance(max_in_flight, int) or max_in_flight < 1:
        raise InvalidConfiguration(f"max_in_flight takes an int of 1 or more, not {max_in_flight!r}")


def _backend(http_client: object) -> Backend:
    """The backend for whatever the caller brings, without importing a library that is not in use."""
    if isinstance(http_client, Backend):
        return http_client
    from wren_async.http.over_httpx import HttpxBackend

    if http_client is None:
        return HttpxBackend()
    # A client may be of a class derived from the library's.
    kinds = {(kind.__module__.partition(".")[0], kind.__name__) for kind in type(http_client).__mro__}
    if kinds & {("httpx", "AsyncClient"), ("httpx2", "AsyncClient")}:
        return HttpxBackend(cast(httpx.AsyncClient, http_client))
    if ("aiohttp", "ClientSession") in kinds:
        from wren_async.http.over_aiohttp import AiohttpBackend

        return AiohttpBackend(cast("aiohttp.ClientSession", http_client))
    given = f"the class {http_client.__name__}" if isinstance(http_client, type) else type(http_client).__name__
    raise InvalidConfiguration(
        f"http_client takes an httpx.AsyncClient, an aiohttp.ClientSession or AiohttpBackend(), not {given}"
    )
