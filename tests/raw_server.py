"""A raw server on loopback that plays a script, one step a request, and keeps what it was sent."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import socket
import ssl
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from typing import Literal, Self, TypeAlias

import attrs

from tests.loop_time import pass_time, turns

Stage: TypeAlias = Literal["port", "accept", "arrival", "request"]
"""When a step happens: nobody listens, a connection was accepted, a first byte arrived, a whole request was read."""

Headers: TypeAlias = Mapping[str, str] | Iterable[tuple[str, str]]

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
    target: str
    lines: tuple[tuple[str, str], ...]
    """The headers as they came."""
    body: bytes

    @property
    def names(self) -> list[str]:
        """The headers' names in lower case, repeats kept."""
        return [name.lower() for name, _ in self.lines]

    @property
    def headers(self) -> dict[str, str]:
        """The headers by their names in lower case, none of which may have come twice."""
        assert len(set(self.names)) == len(self.names), self.names
        return {name.lower(): value for name, value in self.lines}


@attrs.define(eq=False)
class Connection:
    """One accepted connection."""

    server: RawServer
    number: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    ended: bool = False
    """Whether one of both sides has closed it."""
    fresh: bool = True
    """Whether nothing was read from it yet."""
    last: bool = False
    """Whether the script's next step needs a new connection, so that this one has to close after its answer."""

    latest: Request | None = None

    async def request(self) -> Request:
        """Read the next whole request, and count it. Raises `EOFError` where the client has closed the connection."""
        self.fresh = False
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ")
        lines = [(name, value) for name, _, value in (line.partition(": ") for line in head[1:-2])]
        request = Request(self.number, method, target, tuple(lines), b"")
        request = attrs.evolve(request, body=await self._body(request.headers))
        self.latest = request
        self.server.note(request)
        return request

    async def _body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("transfer-encoding") == "chunked":
            return b"".join([chunk async for chunk in self._chunks()])
        return await self.reader.readexactly(int(headers.get("content-length", "0")))

    async def _chunks(self) -> AsyncIterator[bytes]:
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            yield await self.reader.readexactly(size)
            await self.reader.readexactly(2)
        await self.reader.readexactly(2)

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def close(self) -> None:
        self.ended = True
        self.writer.close()

    def reset(self) -> None:
        """End it with RST instead of FIN."""
        self.ended = True
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def ignore(self) -> None:
        """Read on, and forget it, until the client has closed it."""
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while await self.reader.read(65536):
                pass
        self.ended = True

    async def gone(self) -> None:
        """Wait until the client has closed it. That it sends something before is an error."""
        rest = b""
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            rest = await self.reader.read()
        self.ended = True
        assert not rest, f"more came: {rest!r}"


Play: TypeAlias = Callable[[Connection], Awaitable[None]]


@attrs.frozen
class Step:
    """What the server does with one request. Where it leaves the connection open, that waits for the next."""

    name: str
    play: Play
    at: Stage = "request"

    def __repr__(self) -> str:
        return self.name


def step(name: str, *, at: Stage = "request") -> Callable[[Play], Step]:
    """Make a step of a function."""
    return lambda play: Step(name, play, at)


# --- no answer --------------------------------------------------------------------------------------------------------


def refused() -> Step:
    """Nobody listens: the connection is refused."""

    @step("refused", at="port")
    async def play(_: Connection) -> None:
        raise AssertionError("a connection came to a closed port")

    return play


def hang_up() -> Step:
    """The connection is accepted, and closed before anything is read."""

    @step("hang up", at="accept")
    async def play(connection: Connection) -> None:
        connection.close()

    return play


def deaf(spent: float = 0) -> Step:
    """The connection is accepted, and nothing follows, not even a TLS handshake. So much of the loop's time passes."""

    @step("deaf", at="accept")
    async def play(connection: Connection) -> None:
        await _spend(spent)
        await connection.ignore()

    return play


def vanish() -> Step:
    """The connection is reset when the first byte of a request arrives."""

    @step("vanish", at="arrival")
    async def play(connection: Connection) -> None:
        await connection.reader.read(1)
        connection.reset()

    return play


def read_and_close(*, after: Callable[[], Awaitable[object]] | None = None) -> Step:
    """The whole request is read, then the connection is closed; with `after`, when that has ended."""

    @step("read and close")
    async def play(connection: Connection) -> None:
        if after is not None:
            await after()
        connection.close()

    return play


def read_and_reset() -> Step:
    """The whole request is read, then the connection is reset."""

    @step("read and reset")
    async def play(connection: Connection) -> None:
        connection.reset()

    return play


def silent(spent: float = 0) -> Step:
    """The whole request is read, and nothing is answered. So much of the loop's time passes."""

    @step("silent")
    async def play(connection: Connection) -> None:
        await _spend(spent)
        await connection.gone()

    return play


async def _spend(seconds: float) -> None:
    if seconds:
        await turns()
        pass_time(seconds)


# --- answers ----------------------------------------------------------------------------------------------------------


def answer(
    status: int = 200,
    body: object = GOOD,
    headers: Headers = (),
    *,
    after: Callable[[], Awaitable[object]] | None = None,
) -> Step:
    """A whole answer; with `after`, when that has ended."""

    @step(f"{status}")
    async def play(connection: Connection) -> None:
        if after is not None:
            await after()
        await connection.write(response(status, body, headers, close=connection.last))
        if connection.last:
            connection.close()

    return play


def echo() -> Step:
    """The request's own body."""

    @step("echo")
    async def play(connection: Connection) -> None:
        assert connection.latest is not None
        await connection.write(response(200, connection.latest.body))

    return play


def half(status: int = 200, body: object = GOOD) -> Step:
    """Half of an answer's body, then a reset."""
    whole = response(status, body)
    return raw(whole[: len(whole) - len(encoded(body)) // 2], f"half of a {status}", then="reset")


def drip(status: int = 200, body: object = GOOD, *, pause: float, spent: float) -> Step:
    """An answer that comes byte by byte, with so much of the loop's time between two, until so much has passed.

    Then nothing more comes. It does not go on until the client has left: how soon the server hears of that depends on
    the machine, and the time that passes meanwhile would pass for the next attempt.
    """

    @step(f"dripping {status}")
    async def play(connection: Connection) -> None:
        with contextlib.suppress(ConnectionError):
            for byte in response(status, body)[: math.ceil(spent / pause)]:
                await connection.write(bytes([byte]))
                await _spend(pause)
        await connection.gone()

    return play


def raw(
    data: bytes,
    name: str = "raw bytes",
    *,
    at: Stage = "request",
    then: Literal["close", "reset", "stay"] = "close",
) -> Step:
    """These bytes and nothing else, then the end of the connection, or not."""

    @step(name, at=at)
    async def play(connection: Connection) -> None:
        await connection.write(data)
        if then == "reset":
            await turns()  # let the bytes arrive, because a reset takes them away
            connection.reset()
        elif then == "close":
            connection.close()

    return play


def malformed() -> Step:
    """Bytes that are no HTTP."""
    return raw(b"SMTP ready when you are\r\n\r\n", "malformed")


def tunnel(to: RawServer) -> Step:
    """A forward proxy for CONNECT: whatever is asked for, it leads to that server."""

    @step("tunnel")
    async def play(connection: Connection) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", to.port)
        try:
            await connection.write(b"HTTP/1.1 200 Connected\r\n\r\n")
            await asyncio.gather(_pump(connection.reader, writer), _pump(reader, connection.writer))
        finally:
            connection.ended = True
            writer.transport.abort()

    return play


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


def encoded(body: object) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def response(
    status: int = 200, body: object = b"{}", headers: Headers = (), *, close: bool = False, version: str = "1.1"
) -> bytes:
    """A whole answer."""
    content = encoded(body)
    given = headers.items() if isinstance(headers, Mapping) else headers
    lines = [("Content-Type", "application/json"), ("Content-Length", str(len(content))), *given]
    if close:
        lines.append(("Connection", "close"))
    return head(status, *lines, version=version) + content


def head(status: int, *headers: tuple[str, str], version: str = "1.1") -> bytes:
    """An answer without a body."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"HTTP/{version} {status} Scripted\r\n{lines}\r\n".encode()


# --- the server -------------------------------------------------------------------------------------------------------


class RawServer:
    """Listens on loopback, plays its script, and keeps every whole request.

    A request for which the script has no step meets `otherwise`, which is a 599 unless it is told.
    """

    def __init__(self, *script: Step, otherwise: Step | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.script = list(script)
        self.requests: list[Request] = []
        self.connections = 0
        self.open = 0
        """Connections that neither side has closed."""
        self._otherwise = otherwise or answer(599, {"error": "not in the script"})
        self._tls = tls
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
        """Where it listens; with TLS by the name that its certificate has."""
        return f"https://localhost:{self.port}" if self._tls else f"http://127.0.0.1:{self.port}"

    @property
    def secure_url(self) -> str:
        """The same place, for clients that begin a TLS handshake with a server that knows nothing of it."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def request(self) -> Request:
        """The one request that came."""
        (only,) = self.requests
        return only

    def note(self, request: Request) -> None:
        """A whole request was read."""
        self.requests.append(request)
        self._changed.set()

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

    async def until(self, condition: Callable[[RawServer], object], within: float = 30.0) -> None:
        """Wait for something that the server sees, such as a request or the end of a connection."""
        ends = time.monotonic() + within  # the loop's own clock may jump
        while not condition(self):
            assert time.monotonic() < ends, f"{self.connections} connections, {self.open} open, {self.requests}"
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(within):
                    await self._changed.wait()

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
        return (self.script[0] if self.script else self._otherwise).at

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
        loop, reader = asyncio.get_running_loop(), asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            transport, _ = await loop.connect_accepted_socket(lambda: protocol, accepted, ssl=self._tls)
            writer = asyncio.StreamWriter(transport, protocol, reader, loop)
            connection = Connection(self, number, reader, writer)
            try:
                await self._play(connection)
            finally:
                transport.abort()
                with contextlib.suppress(ConnectionError, ssl.SSLError):
                    await writer.wait_closed()

    async def _play(self, connection: Connection) -> None:
        with contextlib.suppress(EOFError):
            while not connection.ended:
                await self._serve(connection)
            await connection.ignore()

    async def _serve(self, connection: Connection) -> None:
        upcoming = self._upcoming
        if upcoming != "arrival" and not (upcoming == "accept" and connection.fresh):
            await connection.request()
        played = self._next()
        connection.last = self._upcoming in ("port", "accept")
        self._follow()
        await played.play(connection)

    def _next(self) -> Step:
        self._met = True
        return self.script.pop(0) if self.script else self._otherwise


def _bound(port: int) -> socket.socket:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.setblocking(False)
    made.bind(("127.0.0.1", port))
    return made
