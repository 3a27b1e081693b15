"""The sandbox as a Python object: both APIs, their settings, what they hold, and a port to reach them on."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Iterable, Mapping
from types import TracebackType

import attrs

from wren_async.sandbox import contract
from wren_async.sandbox.admission import Admission, is_loopback
from wren_async.sandbox.cnaught import CNaughtApi, CNaughtSettings
from wren_async.sandbox.cnaught.desk import SAMPLE_ORDER_ID
from wren_async.sandbox.control import Control, control_app
from wren_async.sandbox.delivery import Delivery
from wren_async.sandbox.exchange import JSON, SandboxRequest
from wren_async.sandbox.faults import Faults
from wren_async.sandbox.listener import Listener
from wren_async.sandbox.log import RequestLog
from wren_async.sandbox.server import CONTROL_PREFIX, App, Mount, SandboxServer
from wren_async.sandbox.storage import Event, Storage, read_request, write_request
from wren_async.sandbox.world import Clock, Ids, World
from wren_async.sandbox.wren import LIVE_TOKEN, PERSONAL_TOKEN, TEST_TOKEN, Group, LedgerEntry, WrenApi, WrenSettings

CNAUGHT_PREFIX = "/v1"
"""Where the paths of CNaught's contract begin."""

_OPEN_TO_OTHERS = (
    "The sandbox listens on %s, where other machines can reach it. "
    "It asks for no password: whoever reaches it can read and change everything in it."
)
_logger = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class WrenAddress:
    """How to reach the sandbox's Wren."""

    base_url: str
    live_token: str = LIVE_TOKEN
    """The team's token, with a wallet that holds ten million dollars."""
    test_token: str = TEST_TOKEN
    personal_token: str = PERSONAL_TOKEN
    """A user's own token, with a wallet of its own."""


@attrs.frozen(kw_only=True)
class CNaughtAddress:
    """How to reach the sandbox's CNaught."""

    base_url: str
    api_key: str
    """The key of production mode, in which nothing costs anything here."""
    test_key: str
    """The key of sandbox mode, whose order ids end in `_sandbox`."""


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

    `sandbox.wren_api` and `sandbox.cnaught_api` are the APIs themselves: their `settings` may be changed at any time,
    and `sandbox.wren_api.accounts[token]` is an account with its wallet and card.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        allowed_hosts: Iterable[str] = (),
        seed: int = 1,
        wren: WrenSettings | None = None,
        cnaught: CNaughtSettings | None = None,
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
            wren: The settings of Wren, at the start and after a reset.
            cnaught: The settings of CNaught, likewise.
            check_answers: Hold every answer to the contract, and fail loudly when one breaks it.
            strict_accept: Answer 406 to a client whose `Accept` does not admit what the API answers, errors included.
                The request has been carried out then.
            file: A SQLite file in which the sandbox survives: a new one with the same seed and settings goes on from
                there. Faults, the clock and what was set on the settings in Python do not survive.
        """
        self.host = host
        self.port = port
        self._seed = seed
        self._repeating = False
        self._wren_settings = wren or WrenSettings()
        self._cnaught_settings = cnaught or CNaughtSettings()
        self._cnaught_contract = contract.load("cnaught", CNAUGHT_PREFIX)
        self.world = World()
        self.requests = RequestLog()
        """The requests so far, oldest first, and what each one changed."""
        self.faults = Faults(seed, {*contract.load("wren").operations, *self._cnaught_contract.operations})
        """What is to go wrong."""
        self.server = SandboxServer(self.world, self.requests, self.faults, check_answers=check_answers)
        self.server.admission = Admission.of(host, allowed_hosts)
        self.server.strict_accept = strict_accept
        self.server.keep = self._keep_request
        self._control = Control(self)
        self.server.control = control_app(self._control)
        self._storage = None if file is None else Storage(file)
        self.delivery = Delivery(self)
        self.server.committed = self.delivery.wake
        self._listener: Listener | None = None
        self._thread: _ServerThread | None = None
        self._begin()
        if self._storage is not None:
            self._repeat(self._storage)

    @property
    def asgi(self) -> App:
        """The sandbox as an ASGI application."""
        return self.server

    @property
    def clock(self) -> Clock:
        """The sandbox's time, which can be set and moved."""
        return self.world.clock

    @property
    def url(self) -> str:
        """Where the sandbox listens. Before it does, an address for use in the same process."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}" if self.port else f"http://{host}"

    @property
    def wren(self) -> WrenAddress:
        """Base URL and tokens for a client of Wren."""
        return WrenAddress(base_url=self.url)

    @property
    def cnaught(self) -> CNaughtAddress:
        """Base URL and keys for a client of CNaught."""
        settings = self.cnaught_api.settings
        return CNaughtAddress(base_url=self.url + CNAUGHT_PREFIX, api_key=settings.live_key, test_key=settings.test_key)

    @property
    def orders(self) -> list[PlacedOrder]:
        """All orders of both APIs, Wren's first, each oldest first. CNaught's sample order is not among them."""
        with self.server.lock:
            return [_wren_order(group) for group in self.wren_api.orders] + _cnaught_orders(self.cnaught_api)

    @property
    def ledger(self) -> list[LedgerEntry]:
        """The ledger of the wallet behind Wren's live token, oldest first."""
        return list(self.wren_api.accounts[LIVE_TOKEN].wallet.entries)

    def state(self) -> dict[str, JSON]:
        """Everything that both APIs hold, as plain values."""
        with self.server.lock:
            return {"wren": self.wren_api.state(), "cnaught": self.cnaught_api.state()}

    def fulfil(self, order_id: str) -> None:
        """Fulfil an order of either API. CNaught posts its notification."""
        with self.server.lock:
            position = self.world.ids.position
            self._fulfil(order_id)
            self.keep("fulfil", {"id": order_id}, position)
        self.delivery.wake()

    def cancel(self, order_id: str) -> None:
        """Cancel an order of CNaught, which posts its notification; refund one of Wren."""
        with self.server.lock:
            position = self.world.ids.position
            self._cancel(order_id)
            self.keep("cancel", {"id": order_id}, position)
        self.delivery.wake()

    def reset(self) -> None:
        """Forget everything: orders, money, requests, faults; settings and clock go back to where they began."""
        with self.server.lock:
            if self._storage is not None:
                self._storage.clear()
            self._begin()

    def keep(self, kind: str, content: Mapping[str, JSON], position: int | None = None) -> None:
        """Keep what has just changed the sandbox, when there is a file to keep it in."""
        if self._storage is not None and not self._repeating:
            before = self.world.ids.position if position is None else position
            self._storage.keep(self.world, before, kind, content)

    def _keep_request(self, api: str, request: SandboxRequest, position: int) -> None:
        if self._storage is not None:
            self.keep("request", write_request(api, request), position)

    def _repeat(self, storage: Storage) -> None:
        self._repeating = True
        try:
            for event in storage.events():
                self.world.clock.set(event.at)
                self.world.ids.position = event.position
                self._repeat_event(event)
        except BaseException:
            storage.close()
            raise
        self.world.clock.frozen_at = None
        self._repeating = False

    def _repeat_event(self, event: Event) -> None:
        content = event.content
        match event.kind:
            case "request":
                api = self.wren_api if content["api"] == "wren" else self.cnaught_api
                request = read_request(content)
                api.operations[request.operation](request)
            case "control":
                self._control.repeat(content)
            case "fulfil":
                self._fulfil(str(content["id"]))
            case "cancel":
                self._cancel(str(content["id"]))
            case "notified":
                status = content["status"]
                self.cnaught_api.outbox.attempted(int(str(content["id"])), None if status is None else int(str(status)))

    def _fulfil(self, order_id: str) -> None:
        if order_id in self.wren_api.book:
            self.wren_api.fulfil(order_id)
        else:
            self.cnaught_api.fulfil(order_id)

    def _cancel(self, order_id: str) -> None:
        if order_id in self.wren_api.book:
            self.wren_api.refund(order_id)
        else:
            self.cnaught_api.cancel(order_id)

    def _begin(self) -> None:
        with self.server.lock:
            self.world.ids = Ids(self._seed)
            self.world.clock.frozen_at, self.world.clock.shift = Clock().frozen_at, Clock().shift
            self.requests.clear()
            self.faults.clear()
            self.wren_api = WrenApi(self.world, attrs.evolve(self._wren_settings))
            self.cnaught_api = CNaughtApi(self.world, attrs.evolve(self._cnaught_settings))
            self._point_checkout_here()
            self.server.mount(
                Mount(
                    self._cnaught_contract,
                    self.cnaught_api,
                    unchecked=lambda: self.cnaught_api.unchecked,
                    closed=lambda: self.cnaught_api.closed,
                ),
                Mount(
                    contract.load("wren"),
                    self.wren_api,
                    unchecked=lambda: self.wren_api.unchecked,
                    closed=lambda: self.wren_api.closed,
                    strict_forms=lambda: self.wren_api.strict_forms,
                ),
            )

    def start(self) -> None:
        """Listen, and serve from a thread with an event loop of its own."""
        self._thread = _ServerThread(self)
        self._thread.start()

    def stop(self) -> None:
        """Stop what `start` started."""
        if self._thread is not None:
            self._thread.stop()
            self._thread = None
        if self._storage is not None:
            self._storage.close()

    async def start_here(self) -> None:
        """Listen, and serve from the running event loop."""
        if not is_loopback(self.host):
            _logger.warning(_OPEN_TO_OTHERS, self.host)
        self.server.stopping = False
        self._listener = Listener(self.server, self.faults)
        self.delivery.begin()
        self.port = await self._listener.start(self.host, self.port)
        self._point_checkout_here()
        self.delivery.wake()

    async def stop_here(self) -> None:
        """Stop what `start_here` started."""
        self.server.stop()
        await self.delivery.stop()
        if self._listener is not None:
            await self._listener.stop()
            self._listener = None
        if self._storage is not None:
            self._storage.close()

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

    def _point_checkout_here(self) -> None:
        if self._cnaught_settings.checkout_base_url == CNaughtSettings().checkout_base_url:
            self.cnaught_api.settings.checkout_base_url = f"{self.url}{CONTROL_PREFIX}/checkout"


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
