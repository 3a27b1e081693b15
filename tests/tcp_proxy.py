"""A way to a server over TCP, which a test can freeze without a word, cut, or turn to another server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import attrs


@attrs.define(eq=False)
class TcpProxy:
    """Listens at a port of this machine, and passes on to the socket of a server what comes, and what is answered.

    A frozen one takes what it gets, and connections too, and says nothing more: neither end is told, as where a
    firewall forgot the connection, or a proxy hangs.
    """

    target: Path
    port: int = 0
    _server: asyncio.Server | None = None
    _running: asyncio.Event = attrs.field(factory=asyncio.Event)
    _tasks: set[asyncio.Task[None]] = attrs.field(factory=set[asyncio.Task[None]])
    _ends: set[asyncio.StreamWriter] = attrs.field(factory=set[asyncio.StreamWriter])

    def address(self, of: str, *, host: str = "127.0.0.1") -> str:
        """The address of a database of the embedded server, by this way."""
        return of.replace("@/", f"@{host}:{self.port}/").replace(f"?host={quote(str(self.target.parent), safe='')}", "")

    async def open(self) -> None:
        """Begin to listen; at the same port as before, if it has listened."""
        self.go_on()
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def freeze(self) -> None:
        """Pass nothing on from now on. What came meanwhile is passed on later, if ever."""
        self._running.clear()

    def go_on(self) -> None:
        """Pass on again, on all connections."""
        self._running.set()

    async def cut(self) -> None:
        """Break all connections, and take none."""
        if self._server is not None:
            self._server.close()
        for end in self._ends:
            end.transport.abort()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def turn_to(self, target: Path) -> None:
        """Lead to another server. Connections to the old one break."""
        await self.cut()
        self.target = target
        await self.open()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # In a task of its own, since that of the server is not to be cancelled.
        task = asyncio.create_task(self._lead(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = [writer]
        self._ends.add(writer)
        try:
            await self._running.wait()
            there, back = await asyncio.open_unix_connection(self.target)
            ends.append(back)
            self._ends.add(back)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass_on(reader, back))
                group.create_task(self._pass_on(there, writer))
        except* OSError:
            pass  # an end was cut, as a test wants it, or no server is there; the other end hears of it by its own
        finally:
            self._ends.difference_update(ends)
            for end in ends:
                end.close()

    async def _pass_on(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            await self._running.wait()
            sink.write(data)
            await sink.drain()
        await self._running.wait()
        sink.close()


@asynccontextmanager
async def proxy_to(target: Path) -> AsyncIterator[TcpProxy]:
    """A way to the server that listens at a socket of this machine."""
    proxy = TcpProxy(target)
    await proxy.open()
    try:
        yield proxy
    finally:
        await proxy.cut()
