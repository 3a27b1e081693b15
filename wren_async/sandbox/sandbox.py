"""The sandbox as a Python object: both APIs, their behaviours, what they hold, and a port to reach them on."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Iterable
from types import TracebackType

import attrs

from wren_async.sandbox.admission import Admission, is_loopback
from wren_async.sandbox.cnaught import CNaughtApi, CNaughtBehaviours, Notification
from wren_async.sandbox.cnaught.order_service import SAMPLE_ORDER_ID
from wren_async.sandbox.control import Control
from wren_async.sandbox.delivery import Delivery
from wren_async.sandbox.exchange import JSON
from wren_async.sandbox.faults import Faults
from wren_async.sandbox.listener import Listener
from wren_async.sandbox.log import RequestLog
from wren_async.sandbox.routes import control_app
from wren_async.sandbox.server import SandboxServer
from wren_async.sandbox.state import CNaughtAddress, SandboxState, WrenAddress
from wren_async.sandbox.visit import App
from wren_async.sandbox.world import Clock
from wren_async.sandbox.wren import LIVE_TOKEN, Group, LedgerEntry, WrenApi, WrenBehaviours

_OPEN_TO_OTHERS = (
    "The sandbox listens on %s, where other machines can reach it. "
    "It asks for no password: whoever reaches it can read and change everything in it."
)
_LOOPBACK_OF = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 -- nothing is bound by it
"""Where a server is reached that listens on every address of its machine."""
_logger = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class PlacedOrder:
    """An order in the sandbox, of either API, in what both have in common."""

    api: str
    id: str
    cents: int
    """What it cost, in US cents."""
    reference: str | None
    """Wren's `note` or CNaught's `metadata`."""
    state: str


class Sandbox:
    """A local server of both APIs.

    `with Sandbox() as sandbox` serves on a port of its own from a thread; `async with Sandbox() as sandbox` from the
    running event loop; `sandbox.asgi` is an ASGI application, for `httpx.ASGITransport`, that needs neither.

    `sandbox.wren_api` and `sandbox.cnaught_api` are the APIs themselves: their `behaviours` may be changed at any time,
    and `sandbox.wren_api.accounts[token]` is an account with its wallet and card.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        allowed_hosts: Iterable[str] = (),
        seed: int = 1,
        wren: WrenBehaviours | None = None,
        cnaught: CNaughtBehaviours | None = None,
        check_answers: bool = False,
        strict_accept: bool = False,
        file: str | os.PathLike[str] | None = None,
    ) -> None:
        """Set up a sandbox.

        Args:
            host: Where to listen. Anything but loopback lets others in, who need no password to change everything.
            port: The port; 0 takes a free one.
            allowed_hosts: Names other than this machine's own by which it may be called, such as that of a container.
            seed: Decides ids and chances: the same seed and the same requests give the same answers.
            wren: The behaviours of Wren, at the start and after a reset.
            cnaught: The behaviours of CNaught, likewise.
            check_answers: Hold every answer to the contract, and fail loudly when one breaks it.
            strict_accept: Answer 406 to a client whose `Accept` does not admit what the API answers, errors included.
                The request has been carried out then.
            file: A SQLite file in which the sandbox survives: a new one with the same seed and behaviours goes on from
                there. Faults, the clock and what was set on the behaviours in Python do not survive.
        """
        self.host = host
        self.port = port
        self._state = SandboxState(seed, wren or WrenBehaviours(), cnaught or CNaughtBehaviours(), file)
        self._state.move_to(self.url)
        control = Control(self._state)
        self.server = SandboxServer(
            self._state,
            control_app(control),
            Admission.of(host, allowed_hosts),
            check_answers=check_answers,
            strict_accept=strict_accept,
        )
        self.delivery = Delivery(self._state)
        self._state.when_changed(self.delivery.wake)
        self._listener: Listener | None = None
        self._thread: _ServerThread | None = None
        self._state.restore(control.repeat)

    @property
    def asgi(self) -> App:
        """The sandbox as an ASGI application."""
        return self.server

    @property
    def clock(self) -> Clock:
        """The sandbox's time, which can be set and moved."""
        return self._state.world.clock

    @property
    def requests(self) -> RequestLog:
        """The requests so far, oldest first, and what each one changed."""
        return self._state.requests

    @property
    def faults(self) -> Faults:
        """What is to go wrong."""
        return self._state.faults

    @property
    def wren_api(self) -> WrenApi:
        """Wren itself; a reset makes a new one."""
        return self._state.wren_api

    @property
    def cnaught_api(self) -> CNaughtApi:
        """CNaught itself; a reset makes a new one."""
        return self._state.cnaught_api

    @property
    def url(self) -> str:
        """Where this machine reaches the sandbox. Before it listens, an address for use in the same process."""
        host = _LOOPBACK_OF.get(self.host, self.host)
        host = f"[{host}]" if ":" in host else host
        return f"http://{host}:{self.port}" if self.port else f"http://{host}"

    @property
    def wren(self) -> WrenAddress:
        """Base URL and tokens for a client of Wren."""
        return self._state.wren

    @property
    def cnaught(self) -> CNaughtAddress:
        """Base URL and keys for a client of CNaught."""
        return self._state.cnaught

    @property
    def orders(self) -> list[PlacedOrder]:
        """All orders of both APIs, Wren's first, each oldest first. CNaught's sample order is not among them."""
        with self._state.lock:
            return [_wren_order(group) for group in self.wren_api.orders] + _cnaught_orders(self.cnaught_api)

    @property
    def ledger(self) -> list[LedgerEntry]:
        """The ledger of the wallet behind Wren's live token, oldest first."""
        return list(self.wren_api.accounts[LIVE_TOKEN].wallet.entries)

    @property
    def notifications(self) -> list[Notification]:
        """What CNaught has posted or is going to post, oldest first, each with its attempts."""
        with self._state.lock:
            return list(self.cnaught_api.outbox)

    def state(self) -> dict[str, JSON]:
        """Everything that both APIs hold, as plain values."""
        return self._state.plain()

    def fulfil(self, order_id: str) -> None:
        """Fulfil an order of either API. CNaught posts its notification."""
        self._state.fulfil(order_id)

    def cancel(self, order_id: str) -> None:
        """Cancel an order of CNaught, which posts its notification; refund one of Wren."""
        self._state.cancel(order_id)

    def reset(self) -> None:
        """Forget everything: orders, money, requests, faults; behaviours and clock go back to where they began."""
        self._state.reset()

    def start(self) -> None:
        """Listen, and serve from a thread with an event loop of its own."""
        self._thread = _ServerThread(self)
        self._thread.start()

    def stop(self) -> None:
        """Stop what `start` started."""
        if self._thread is not None:
            self._thread.stop()
            self._thread = None
        self._state.close()

    async def start_here(self) -> None:
        """Listen, and serve from the running event loop."""
        if not is_loopback(self.host):
            _logger.warning(_OPEN_TO_OTHERS, self.host)
        self.server.begin()
        self._listener = Listener(self.server, self.faults)
        self.delivery.begin()
        self.port = await self._listener.start(self.host, self.port)
        self._state.move_to(self.url)
        self.delivery.wake()

    async def stop_here(self) -> None:
        """Stop what `start_here` started."""
        self.server.stop()
        await self.delivery.stop()
        if self._listener is not None:
            await self._listener.stop()
            self._listener = None
        self._state.close()

    def __enter__(self) -> Sandbox:
        """Start in a thread."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    async def __aenter__(self) -> Sandbox:
        """Start in the running event loop."""
        await self.start_here()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        await self.stop_here()


class _ServerThread(threading.Thread):
    """A thread that serves a sandbox until told to stop."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(name="wren-async sandbox", daemon=True)
        self._sandbox = sandbox
        self._ready = threading.Event()
        self._failure: BaseException | None = None

    def start(self) -> None:
        """Start, and wait until the port is open."""
        super().start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure

    def run(self) -> None:
        """Serve."""
        try:
            asyncio.run(self._serve())
        except BaseException as failure:
            self._failure = failure
        finally:
            self._ready.set()

    def stop(self) -> None:
        """Stop, and wait until all is closed."""
        self._loop.call_soon_threadsafe(self._told_to_stop.set)
        self.join()

    async def _serve(self) -> None:
        self._loop, self._told_to_stop = asyncio.get_running_loop(), asyncio.Event()
        async with self._sandbox:
            self._ready.set()
            await self._told_to_stop.wait()


def _wren_order(group: Group) -> PlacedOrder:
    return PlacedOrder(api="wren", id=group.id, cents=group.basket.cents, reference=group.note, state=group.state)


def _cnaught_orders(api: CNaughtApi) -> list[PlacedOrder]:
    bodies = [body for held in api.state().values() for body in _inner(held, "orders") if isinstance(body, dict)]
    return [_cnaught_order(body) for body in bodies if body["id"] != SAMPLE_ORDER_ID]


def _inner(value: JSON, name: str) -> list[JSON]:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, list) else []


def _cnaught_order(body: dict[str, JSON]) -> PlacedOrder:
    metadata = body["metadata"]
    return PlacedOrder(
        api="cnaught",
        id=str(body["id"]),
        cents=int(str(body["price_usd_cents"])),
        reference=None if metadata is None else str(metadata),
        state=str(body["state"]),
    )
