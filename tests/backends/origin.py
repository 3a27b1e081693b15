"""A raw server on loopback that does to a connection what a test says, and counts what it sees."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Self, TypeAlias

import attrs

Play: TypeAlias = "Callable[[Connection], Awaitable[None]]"
"""What is done to a connection from its beginning. When it returns, the server waits for the client to hang up."""


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

    def get(self, name: str) -> str | None:
        """The one header of that name."""
        found = [value for given, value in self.lines if given.lower() == name.lower()]
        assert len(found) <= 1, f"{name} was sent {len(found)} times"
        return found[0] if found else None


def response(body: bytes = b"{}", status: int = 200, *headers: tuple[str, str], version: str = "1.1") -> bytes:
    """A whole answer."""
    lines = [("Content-Type", "application/json"), ("Content-Length", str(len(body))), *headers]
    return head(status, *lines, version=version) + body


def head(status: int, *headers: tuple[str, str], version: str = "1.1") -> bytes:
    """An answer without a body."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"HTTP/{version} {status} Whatever\r\n{lines}\r\n".encode()


@attrs.define(eq=False)
class Connection:
    """One accepted connection."""

    origin: Origin
    number: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def request(self) -> Request:
        """Read the next whole request, and count it."""
        first = await self.reader.readline()
        if not first:
            raise EOFError
        method, target, _ = first.decode("latin-1").split(" ")
        lines = [line async for line in self._header_lines()]
        found = Request(self.number, method, target, tuple(lines), b"")
        if found.get("Transfer-Encoding") == "chunked":
            found = attrs.evolve(found, body=b"".join([chunk async for chunk in self._chunks()]))
        else:
            found = attrs.evolve(found, body=await self.reader.readexactly(int(found.get("Content-Length") or 0)))
        self.origin.requests.append(found)
        self.origin.changed()
        return found

    async def _header_lines(self) -> AsyncIterator[tuple[str, str]]:
        while line := (await self.reader.readline()).decode("latin-1").rstrip("\r\n"):
            name, _, value = line.partition(": ")
            yield name, value

    async def _chunks(self) -> AsyncIterator[bytes]:
        while size := int(await self.reader.readline(), 16):
            yield await self.reader.readexactly(size)
            await self.reader.readexactly(2)
        await self.reader.readexactly(2)

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def gone(self) -> None:
        """Wait until the client has hung up, unless we have; what it still sends is an error."""
        if self.writer.is_closing():
            return
        rest = b""
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            rest = await self.reader.read()
        assert not rest, f"more came: {rest!r}"

    def close(self) -> None:
        self.writer.close()

    def reset(self) -> None:
        """End it with RST instead of FIN."""
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


# --- plays ----------------------------------------------------------------------------------------------------------


def answers(*script: bytes) -> Play:
    """To each request the next of these answers, over all connections; the last of them from then on."""
    left = list(script) or [response()]

    async def play(connection: Connection) -> None:
        while True:
            await connection.request()
            await connection.write(left.pop(0) if len(left) > 1 else left[0])

    return play


def echo(connection: Connection) -> Awaitable[None]:
    """To each request its own body."""

    async def play() -> None:
        while True:
            request = await connection.request()
            await connection.write(response(request.body))

    return play()


def once(data: bytes = b"", *, reset: bool = False) -> Play:
    """Read one request, write these bytes, and close."""

    async def play(connection: Connection) -> None:
        await connection.request()
        await connection.write(data)
        if reset:
            await asyncio.sleep(0.01)  # let the bytes arrive, because a reset takes them away
            connection.reset()
        else:
            connection.close()

    return play


async def hang_up(connection: Connection) -> None:
    """Close without reading."""
    connection.close()


async def silence(connection: Connection) -> None:
    """Read one request and never answer."""
    await connection.request()


def then(*plays: Play) -> Play:
    """The first connection gets the first play, and so on; the last of them from then on."""
    left = list(plays)

    async def play(connection: Connection) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(connection)

    return play


def tunnel(to: Origin) -> Play:
    """A forward proxy for CONNECT: whatever is asked for, it leads to that origin."""

    async def play(connection: Connection) -> None:
        await connection.request()
        reader, writer = await asyncio.open_connection("127.0.0.1", to.port)
        try:
            await connection.write(b"HTTP/1.1 200 Connected\r\n\r\n")
            await asyncio.gather(_pump(connection.reader, writer), _pump(reader, connection.writer))
        finally:
            writer.transport.abort()

    return play


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


# --- the server -----------------------------------------------------------------------------------------------------


class Origin:
    """Listens on loopback and plays."""

    def __init__(self, play: Play | None = None, *, tls: ssl.SSLContext | None = None) -> None:
        self.play: Play = play or answers()
        self.requests: list[Request] = []
        """Requests that were read whole."""
        self.accepted = 0
        self.open = 0
        """Connections that were accepted and that neither side has closed."""
        self.faults: list[BaseException] = []
        self._tls = tls
        self._tasks: set[asyncio.Task[None]] = set()
        self._news = asyncio.Event()
        self._listener: asyncio.Server
        self.port = 0

    @property
    def url(self) -> str:
        # By name, so that a certificate for the name fits.
        return f"{'https' if self._tls else 'http'}://localhost:{self.port}"

    @property
    def request(self) -> Request:
        """The one request that came."""
        (only,) = self.requests
        return only

    @property
    def bodies(self) -> list[bytes]:
        return [request.body for request in self.requests]

    def changed(self) -> None:
        self._news.set()

    async def until(self, condition: Callable[[Origin], object], within: float = 5.0) -> None:
        """Wait for something that the server sees."""
        try:
            async with asyncio.timeout(within):
                while not condition(self):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"{self.accepted} accepted, {self.open} open, {self.requests}") from None

    async def __aenter__(self) -> Self:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        self._listener = await asyncio.start_server(
            self._accept,
            sock=listener,
            ssl=self._tls,
            backlog=1024,
            **({"ssl_handshake_timeout": 5} if self._tls else {}),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listener.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        assert not self.faults, self.faults

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.accepted += 1
        self.open += 1
        connection = Connection(self, self.accepted, reader, writer)
        self.changed()
        try:
            await self._follow(connection)
        except AssertionError as fault:
            self.faults.append(fault)
        finally:
            writer.transport.abort()
            self.open -= 1
            self._tasks.discard(task)
            self.changed()

    async def _follow(self, connection: Connection) -> None:
        with contextlib.suppress(ConnectionError, EOFError, ssl.SSLError, asyncio.CancelledError):
            await self.play(connection)
            await connection.gone()


def refused_port() -> socket.socket:
    """A bound socket that does not listen: connecting to its port is refused."""
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    return holder


def one_of(headers: Iterable[tuple[str, str]], name: str) -> list[str]:
    """All values of a header."""
    return [value for given, value in headers if given.lower() == name.lower()]
