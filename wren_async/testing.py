"""A pytest plugin: a sandbox for each test, clients that talk to it, and what can happen to both.

The plugin is there as soon as the package is installed. A test asks for what it needs by name:

    async def test_checkout(sandbox, wren_client):
        await checkout(wren_client)
        assert len(sandbox.orders) == 1

`lost_answer` loses the answer to an order, `virtual_time` lets waits pass at once, and `poor_wallet` is empty. Override
`sandbox_options` and `client_options` to set up the sandbox and the clients otherwise. `vcr_options` are settings for
vcrpy, by which no token is recorded.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, cast

import pytest

from wren_async.cassettes import vcr_options

if TYPE_CHECKING:
    from wren_async import CNaughtClient, Timing, WrenClient
    from wren_async.sandbox import Clock, Fault, Sandbox, Wallet

__all__ = ["LostAnswer", "VirtualTime", "vcr_options"]

_START = datetime(2026, 7, 1, 12, tzinfo=UTC)
_F = TypeVar("_F", bound=Callable[..., object])


class VirtualTime:
    """Time that passes only where something waits for it, and then at once."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        """How long each wait would have taken, in seconds, in order."""
        self._passed = 0.0
        self._following: list[Clock] = []

    @property
    def now(self) -> datetime:
        """The moment it is, beginning at noon of the first of July 2026, UTC."""
        return _START + timedelta(seconds=self._passed)

    @property
    def timing(self) -> Timing:
        """For a client of your own: `WrenClient(timing=virtual_time.timing)`. No wait is shortened by chance."""
        from wren_async import Timing

        return Timing(monotonic=lambda: self._passed, utc=lambda: self.now, sleep=self._sleep, draw=lambda: 1.0)

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass, for the clients and for the sandbox of the test."""
        self._passed += seconds
        for clock in self._following:
            clock.set(self.now)

    def lead(self, clock: Clock) -> None:
        """Have the clock of a sandbox show this time, from now on."""
        self._following.append(clock)
        clock.set(self.now)

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.advance(seconds)
        await asyncio.sleep(0)  # a wait lets others run, however short it is


class LostAnswer(Protocol):
    """Loses answers; see the fixture `lost_answer`."""

    def __call__(self, operation: str | None = None, *, carried_out: bool = True, times: int | None = 1) -> Fault:
        """Lose the answer to the next request, or to the next of one operation, such as `createOffsetOrder`.

        Args:
            operation: The operation's name in the contract; any when None.
            carried_out: Whether the order is placed before the connection breaks. The client cannot know.
            times: How many answers are lost; all of them when None.
        """
        ...


def _async_fixture(function: _F) -> _F:
    """An asynchronous fixture: marked for pytest-asyncio's strict mode, or plain, which anyio's plugin takes."""
    try:
        import pytest_asyncio
    except ImportError:
        decorate: Any = pytest.fixture
    else:
        decorate = pytest_asyncio.fixture
    return cast("_F", decorate(function))


@pytest.fixture
def sandbox_options() -> dict[str, Any]:
    """The arguments with which `sandbox` and `sandbox_in_process` make their `Sandbox`. Override it to pass some."""
    return {}


@pytest.fixture
def client_options() -> dict[str, Any]:
    """The options of `wren_client` and `cnaught_client`, such as `deadline`. Override it to pass some."""
    return {}


@pytest.fixture
def sandbox(sandbox_options: dict[str, Any]) -> Iterator[Sandbox]:
    """A sandbox on a port of its own, served from a thread of its own. It ends with the test."""
    with _new_sandbox(sandbox_options) as running:
        yield running


@pytest.fixture
def sandbox_in_process(sandbox_options: dict[str, Any]) -> Sandbox:
    """A sandbox without a port: `httpx.AsyncClient(transport=httpx.ASGITransport(sandbox_in_process.asgi))`."""
    return _new_sandbox(sandbox_options)


@_async_fixture
async def wren_client(
    sandbox: Sandbox, client_options: dict[str, Any], request: pytest.FixtureRequest
) -> AsyncIterator[WrenClient]:
    """A client of the sandbox's Wren, with the live token. It needs pytest-asyncio, or anyio's plugin."""
    from wren_async import WrenClient

    options = _client_options(client_options, request)
    async with WrenClient(token=sandbox.wren.live_token, base_url=sandbox.wren.base_url, **options) as client:
        yield client


@_async_fixture
async def cnaught_client(
    sandbox: Sandbox, client_options: dict[str, Any], request: pytest.FixtureRequest
) -> AsyncIterator[CNaughtClient]:
    """A client of the sandbox's CNaught, with the key of production mode."""
    from wren_async import CNaughtClient

    options = _client_options(client_options, request)
    async with CNaughtClient(api_key=sandbox.cnaught.api_key, base_url=sandbox.cnaught.base_url, **options) as client:
        yield client


@pytest.fixture
def virtual_time(request: pytest.FixtureRequest) -> VirtualTime:
    """Time that does not really pass: retries and pauses of the clients take none, and the sandbox's clock goes along.

    Only what a client waits for of itself is virtual. A fault that makes the sandbox slow is as slow as it says.
    """
    time = VirtualTime()
    for name in ("sandbox", "sandbox_in_process"):
        if name in request.fixturenames:
            time.lead(request.getfixturevalue(name).clock)
    return time


@pytest.fixture
def lost_answer(sandbox: Sandbox) -> LostAnswer:
    """Lose answers: `lost_answer("createOffsetOrder")` places the next order and breaks the connection."""

    def lose(operation: str | None = None, *, carried_out: bool = True, times: int | None = 1) -> Fault:
        when: Literal["after", "before"] = "after" if carried_out else "before"
        return sandbox.faults.add("reset", when=when, operation=operation, times=times)

    return lose


@pytest.fixture
def poor_wallet(sandbox: Sandbox) -> Wallet:
    """The wallet behind Wren's live token, emptied; `poor_wallet.balance_cents = 500` leaves five dollars in it."""
    wallet = sandbox.wren_api.accounts[sandbox.wren.live_token].wallet
    wallet.balance_cents = 0
    return wallet


def _client_options(given: dict[str, Any], request: pytest.FixtureRequest) -> dict[str, Any]:
    if "virtual_time" not in request.fixturenames:
        return given
    return {"timing": request.getfixturevalue("virtual_time").timing, **given}


def _new_sandbox(options: dict[str, Any]) -> Sandbox:
    # Loaded by every pytest run where the package is installed: only those that ask pay for the import.
    try:
        from wren_async.sandbox import Sandbox
    except ImportError as error:
        raise pytest.UsageError(f"the sandbox needs wren-async[sandbox]: {error}") from error
    return Sandbox(**options)
