"""What a sandbox holds: both APIs, the log, the faults, the file, and the lock around them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence

import attrs

from wren_async.sandbox import contract
from wren_async.sandbox.cnaught import CNaughtApi, CNaughtBehaviours
from wren_async.sandbox.exchange import JSON, SandboxRequest
from wren_async.sandbox.faults import Faults
from wren_async.sandbox.log import RequestLog
from wren_async.sandbox.storage import Event, StateFileError, Storage, read_request, write_request
from wren_async.sandbox.visit import Mount
from wren_async.sandbox.world import Clock, Ids, World
from wren_async.sandbox.wren import LIVE_TOKEN, PERSONAL_TOKEN, TEST_TOKEN, WrenApi, WrenBehaviours

CNAUGHT_PREFIX = "/v1"
"""Where the paths of CNaught's contract begin."""
CONTROL_PREFIX = "/_sandbox"
"""Below this path is the control API, and nothing of either API."""


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


class SandboxState:
    """Everything that changes while a sandbox runs. The server, the control API and the delivery share one."""

    def __init__(
        self, seed: int, wren: WrenBehaviours, cnaught: CNaughtBehaviours, file: str | os.PathLike[str] | None
    ) -> None:
        self._seed = seed
        self._initial_wren = wren
        self._initial_cnaught = cnaught
        self._contracts = contract.load("cnaught", CNAUGHT_PREFIX), contract.load("wren")
        self._storage = None if file is None else Storage(file)
        self._restoring = False
        self._at_changes: list[Callable[[], None]] = []
        self._at_resets: list[Callable[[], None]] = []
        self.url = "http://127.0.0.1"
        self.lock = threading.RLock()
        """Held while the sandbox changes: tests may look at it from another thread."""
        self.world = World()
        self.requests = RequestLog()
        self.faults = Faults(seed, {name for loaded in self._contracts for name in loaded.operations})
        self.mounts: Sequence[Mount] = ()
        """Both APIs, each at the prefix of its contract. The last one also answers for unknown paths."""
        self._begin()

    @property
    def wren(self) -> WrenAddress:
        """Base URL and tokens for a client of Wren."""
        return WrenAddress(base_url=self.url)

    @property
    def cnaught(self) -> CNaughtAddress:
        """Base URL and keys for a client of CNaught."""
        keys = self.cnaught_api.behaviours
        return CNaughtAddress(base_url=self.url + CNAUGHT_PREFIX, api_key=keys.live_key, test_key=keys.test_key)

    def move_to(self, url: str) -> None:
        """Take over the address at which the server listens, to which the links of checkouts lead, unless set so."""
        self.url = url
        if self._initial_cnaught.checkout_base_url == CNaughtBehaviours().checkout_base_url:
            self.cnaught_api.behaviours.checkout_base_url = f"{url}{CONTROL_PREFIX}/checkout"

    def plain(self, latest: int | None = None) -> dict[str, JSON]:
        """What both APIs hold, as plain values; of each list the newest few alone when `latest` says how many."""
        with self.lock:
            return {"wren": self.wren_api.state(latest), "cnaught": self.cnaught_api.state(latest)}

    def operations(self) -> dict[str, JSON]:
        """The names of the operations of each API."""
        return {loaded.api: [*sorted(loaded.operations)] for loaded in reversed(self._contracts)}

    # Changing

    def fulfil(self, order_id: str) -> None:
        """Fulfil an order of either API."""
        self._change_order("fulfil", order_id)

    def cancel(self, order_id: str) -> None:
        """Cancel an order of CNaught, or refund one of Wren."""
        self._change_order("cancel", order_id)

    def reset(self) -> None:
        """Forget everything, in the file too. Behaviours and clock go back to where they began."""
        with self.lock:
            if self._storage is not None:
                self._storage.clear()
            for listener in self._at_resets:
                listener()
            self._begin()

    def when_changed(self, listener: Callable[[], None]) -> None:
        """Have a function called after everything that may have changed something."""
        self._at_changes.append(listener)

    def when_reset(self, listener: Callable[[], None]) -> None:
        """Have a function called before everything is forgotten."""
        self._at_resets.append(listener)

    def announce(self) -> None:
        """Tell that something may have changed."""
        for listener in self._at_changes:
            listener()

    # The file

    def keep(self, kind: str, content: Mapping[str, JSON], position: int | None = None) -> None:
        """Keep what has just changed the sandbox, when there is a file; `position` is that of the ids before it."""
        if self._storage is not None and not self._restoring:
            before = self.world.ids.position if position is None else position
            self._storage.keep(self.world, before, kind, content)

    def keep_request(self, api: str, request: SandboxRequest, position: int) -> None:
        """Keep a request that may have changed something."""
        if self._storage is not None:
            self.keep("request", write_request(api, request), position)

    def restore(self, repeat_control: Callable[[Mapping[str, JSON]], None]) -> None:
        """Carry out again what the file holds; `repeat_control` does it for what came through the control API."""
        if self._storage is None:
            return
        self._restoring = True
        try:
            for event in self._storage.events():
                self.world.clock.set(event.at)
                self.world.ids.position = event.position
                self._repeat(event, repeat_control)
        except BaseException as error:
            self._storage.close()
            if isinstance(error, StateFileError) or not isinstance(error, Exception):
                raise
            reason = "what it holds does not happen again; was it written with another seed or other behaviours?"
            raise self._storage.refusal(reason) from error
        self.world.clock.frozen_at = None
        self._restoring = False

    def close(self) -> None:
        """Close the file until it is used again."""
        if self._storage is not None:
            self._storage.close()

    def _repeat(self, event: Event, repeat_control: Callable[[Mapping[str, JSON]], None]) -> None:
        content = event.content
        match event.kind:
            case "request":
                api = self.wren_api if content["api"] == "wren" else self.cnaught_api
                request = read_request(content)
                api.operations[request.operation](request)
            case "control":
                repeat_control(content)
            case "fulfil" | "cancel":
                self._carry_out(event.kind, str(content["id"]))
            case "notified":
                status = content["status"]
                self.cnaught_api.outbox.attempted(int(str(content["id"])), None if status is None else int(str(status)))

    def _change_order(self, change: str, order_id: str) -> None:
        with self.lock:
            position = self.world.ids.position
            self._carry_out(change, order_id)
            self.keep(change, {"id": order_id}, position)
        self.announce()

    def _carry_out(self, change: str, order_id: str) -> None:
        if order_id in self.wren_api.book:
            (self.wren_api.fulfil if change == "fulfil" else self.wren_api.refund)(order_id)
        else:
            (self.cnaught_api.fulfil if change == "fulfil" else self.cnaught_api.cancel)(order_id)

    def _begin(self) -> None:
        with self.lock:
            self.world.ids = Ids(self._seed)
            self.world.clock.frozen_at, self.world.clock.shift = Clock().frozen_at, Clock().shift
            self.requests.clear()
            self.faults.clear()
            self.wren_api = WrenApi(self.world, attrs.evolve(self._initial_wren))
            self.cnaught_api = CNaughtApi(self.world, attrs.evolve(self._initial_cnaught))
            self.move_to(self.url)
            of_cnaught, of_wren = self._contracts
            self.mounts = Mount(of_cnaught, self.cnaught_api), Mount(of_wren, self.wren_api)
