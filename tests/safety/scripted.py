"""A raw server that plays a script, one step a request, and keeps what it was sent."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from typing import Any, Literal, Self, TypeAlias

import attrs

from wren_async import CNaughtClient, Timing, WrenClient

Stage: TypeAlias = Literal["port", "accept", "arrival", "request"]
"""When a step happens: nobody listens, a connection was accepted, a first byte arrived, a whole request was read."""

LIVE = "5f0c0000-feed-4dad-beef-00000000f00d"
TEST = "wren_test_5f0c0000"
KEY = "fake-cnaught-key-0000"

GOOD = {
    "id": "order_1",
    "name": "Fleet",
    "tons": 1,
    "currency": "USD",
    "amountCharged": 2500,
    "creditBalance": 9000,
    "creditBalanceUsdCents": 9000,
    "amount_kg": 10,
    "price_usd_cents": 25,
    "portfolios": [],
    "data": [],
}
"""An answer that every operation of these tests understands."""


@attrs.frozen
class Request:
    """A whole request, as it was read."""

    connection: int
    method: str
    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    raw_headers: bytes = attrs.field(repr=False)


@attrs.define
class Connection:
    """One accepted connection."""

    number: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    fresh: bool = True

    async def read(self) -> Request | None:
        """The next whole request, or `None` where the client went away."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
            lines = head.decode("latin-1").split("\r\n")
            method, path, _ = lines[0].split(" ")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:-2])}
            if headers.get("transfer-encoding") == "chunked":
                body = b"".join([chunk async for chunk in self._chunks()])
            else:
                body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        return Request(self.number, method, path, headers, body, head)

    async def _chunks(self) -> AsyncIterator[bytes]:
        while size := int(await self.reader.readline(), 16):
            yield await self.reader.readexactly(size)
            await self.reader.readexactly(2)
        await self.reader.readexactly(2)

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def close(self) -> None:
        self.writer.close()

    def reset(self) -> None:
        """End it with RST instead of FIN."""
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def gone(self) -> None:
        """Wait until the client has closed it."""
        with contextlib.suppress(ConnectionError):
            while await self.reader.read(65536):
                pass


@attrs.frozen
class Step:
    """What the server does with one request."""

    name: str
    play: Callable[[Connection, bool], Awaitable[bool]]
    """Plays the step; the second argument says that the connection must close after it. True keeps it open."""
    at: Stage = "request"

    def __repr__(self) -> str:
        return self.name


def step(name: str, *, at: Stage = "request") -> Callable[[Any], Step]:
    def make(play: Callable[[Connection, bool], Awaitable[bool]]) -> Step:
        return Step(name, play, at)

    return make


def refused() -> Step:
    """Nobody listens: the connection is refused."""

    @step("refused", at="port")
    async def play(_: Connection, __: bool) -> bool:
        raise AssertionError("a connection came to a closed port")

    return play


def hang_up() -> Step:
    """The connection is accepted, and closed before anything is read."""

    @step("hang up", at="accept")
    async def play(connection: Connection, _: bool) -> bool:
        connection.close()
        return False

    return play


def deaf() -> Step:
    """The connection is accepted, and nothing follows, not even a TLS handshake."""

    @step("deaf", at="accept")
    async def play(connection: Connection, _: bool) -> bool:
        await connection.gone()
        return False

    return play


def vanish() -> Step:
    """The connection is reset when the first byte of a request arrives."""

    @step("vanish", at="arrival")
    async def play(connection: Connection, _: bool) -> bool:
        await connection.reader.read(1)
        connection.reset()
        return False

    return play


def read_and_close() -> Step:
    """The whole request is read, then the connection is closed."""

    @step("read and close")
    async def play(connection: Connection, _: bool) -> bool:
        connection.close()
        return False

    return play


def read_and_reset() -> Step:
    """The whole request is read, then the connection is reset."""

    @step("read and reset")
    async def play(connection: Connection, _: bool) -> bool:
        connection.reset()
        return False

    return play


def silent() -> Step:
    """The whole request is read, and nothing is answered."""

    @step("silent")
    async def play(connection: Connection, _: bool) -> bool:
        await connection.gone()
        return False

    return play


def answer(
    status: int = 200,
    body: object = GOOD,
    headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
    *,
    after: Callable[[], Awaitable[object]] | None = None,
) -> Step:
    """A whole answer; with `after`, when that has ended."""

    @step(f"{status}")
    async def play(connection: Connection, last: bool) -> bool:
        if after is not None:
            await after()
        await connection.write(response(status, body, headers, close=last))
        return not last

    return play


def half(status: int = 200, body: object = GOOD) -> Step:
    """Half of an answer's body, then a reset."""

    @step(f"half of a {status}")
    async def play(connection: Connection, _: bool) -> bool:
        whole = response(status, body)
        await connection.write(whole[: len(whole) - len(encoded(body)) // 2])
        await asyncio.sleep(0.01)
        connection.reset()
        return False

    return play


def drip(status: int = 200, body: object = GOOD, *, pause: float = 0.05) -> Step:
    """An answer that comes byte by byte."""

    @step(f"dripping {status}")
    async def play(connection: Connection, _: bool) -> bool:
        with contextlib.suppress(ConnectionError):
            for byte in response(status, body):
                await connection.write(bytes([byte]))
                await asyncio.sleep(pause)
        connection.close()
        return False

    return play


def raw(data: bytes, name: str = "raw bytes", *, at: Stage = "request") -> Step:
    """These bytes and nothing else, then the end of the connection."""

    @step(name, at=at)
    async def play(connection: Connection, _: bool) -> bool:
        await connection.write(data)
        connection.close()
        return False

    return play


def malformed() -> Step:
    """Bytes that are no HTTP."""
    return raw(b"SMTP ready when you are\r\n\r\n", "malformed")


def encoded(body: object) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def response(
    status: int, body: object, headers: Mapping[str, str] | Iterable[tuple[str, str]] = (), *, close: bool = False
) -> bytes:
    content = encoded(body)
    given = list(headers.items()) if isinstance(headers, Mapping) else list(headers)
    lines = [("Content-Type", "application/json"), ("Content-Length", str(len(content))), *given]
    if close:
        lines.append(("Connection", "close"))
    head = "".join(f"{name}: {value}\r\n" for name, value in lines)
    return f"HTTP/1.1 {status} Scripted\r\n{head}\r\n".encode() + content


class ScriptedServer:
    """Listens on loopback, plays its script, and keeps every whole request. Unscripted requests get a 599."""

    def __init__(self, *script: Step, otherwise: Step | None = None) -> None:
        self.script = list(script)
        self.requests: list[Request] = []
        self.connections = 0
        self.open = 0
        """Connections that neither side has closed."""
        self._otherwise = otherwise or answer(599, {"error": "not in the script"})
        self._tasks: set[asyncio.Task[None]] = set()
        self._faults: list[BaseException] = []
        self._listener: socket.socket | None = None
        self._met = False
        self._changed = asyncio.Event()
        # Bound and never listening: it keeps the port ours while the listener is closed.
        self._holder = _bound(0)
        self.port: int = self._holder.getsockname()[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def secure_url(self) -> str:
        """The same place, for clients that begin with a TLS handshake. The server knows nothing of TLS."""
        return f"https://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._follow()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.release()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        for fault in self._faults:
            raise fault

    async def turn(self) -> None:
        """The client is between two attempts: where none came to the server, one was refused as the script says."""
        if self._upcoming == "port" and not self._met:
            self.script.pop(0)
        self._met = False
        self._follow()

    def release(self) -> None:
        """Let go of the port, and leave the connections alone."""
        self._shut()
        self._holder.close()

    async def until(self, condition: Callable[[ScriptedServer], object], within: float = 5.0) -> None:
        """Wait for something that the server sees, such as a request or the end of a connection."""
        try:
            async with asyncio.timeout(within):
                while not condition(self):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"{self.connections} connections, {self.open} open, {self.requests}") from None

    def _follow(self) -> None:
        """Listen, or not, as the next step wants it."""
        if self._upcoming == "port":
            self._shut()
        elif self._listener is None:
            self._listener = _bound(self.port)
            self._listener.listen(1024)
            asyncio.get_running_loop().add_reader(self._listener, self._accept, self._listener)

    @property
    def _upcoming(self) -> Stage:
        return self.script[0].at if self.script else "request"

    def _shut(self) -> None:
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionError):
            accepted, _ = listener.accept()
            accepted.setblocking(False)
            self.connections += 1
            self.open += 1
            self._changed.set()
            task = asyncio.get_running_loop().create_task(self._converse(accepted, self.connections))
            self._tasks.add(task)
            task.add_done_callback(lambda done: self._gone(done, accepted))

    def _gone(self, task: asyncio.Task[None], accepted: socket.socket) -> None:
        accepted.close()
        if not task.cancelled() and (fault := task.exception()):
            self._faults.append(fault)
        self.open -= 1
        self._tasks.discard(task)
        self._changed.set()

    async def _converse(self, accepted: socket.socket, number: int) -> None:
        reader, writer = await asyncio.open_connection(sock=accepted)
        connection = Connection(number, reader, writer)
        try:
            while await self._serve(connection):
                pass
            await connection.gone()
        except ConnectionError:
            pass
        finally:
            writer.transport.abort()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _serve(self, connection: Connection) -> bool:
        upcoming = self._upcoming
        if upcoming == "arrival" or (upcoming == "accept" and connection.fresh):
            played = self._next()
            self._follow()
            return await played.play(connection, True)
        connection.fresh = False
        request = await connection.read()
        if request is None:
            return False
        self.requests.append(request)
        played = self._next()
        self._changed.set()
        last = self._upcoming in ("port", "accept")
        self._follow()
        return await played.play(connection, last)

    def _next(self) -> Step:
        self._met = True
        return self.script.pop(0) if self.script else self._otherwise


def _bound(port: int) -> socket.socket:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.setblocking(False)
    made.bind(("127.0.0.1", port))
    return made


@attrs.define
class Clock:
    """Virtual time that moves when somebody sleeps, and tells the server that an attempt is over."""

    server: ScriptedServer | None = None
    now: float = 1000.0
    waits: list[float] = attrs.field(factory=list[float])

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds
        if self.server is not None:
            await self.server.turn()

    @property
    def timing(self) -> Timing:
        return Timing(monotonic=lambda: self.now, sleep=self.sleep, draw=lambda: 1.0)


def wren(server: ScriptedServer, clock: Clock | None = None, **options: Any) -> WrenClient:
    """A client of the server, in virtual time unless told otherwise."""
    options = {"token": LIVE, "timing": (clock or Clock(server)).timing, **options}
    return WrenClient(base_url=server.url, **options)


def cnaught(server: ScriptedServer, clock: Clock | None = None, **options: Any) -> CNaughtClient:
    """A client of the server, in virtual time unless told otherwise."""
    options = {"api_key": KEY, "timing": (clock or Clock(server)).timing, **options}
    return CNaughtClient(base_url=server.url, **options)
