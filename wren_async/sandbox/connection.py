"""The connection that carries a request, so that a fault can reset it: a socket, or a call in the same process."""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Protocol, cast

from wren_async.sandbox.faults import Faults

CONNECTION = "wren_async.sandbox.connection"
"""The name of the connection in the `state` of an ASGI scope."""
_LINGER = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


class Connection(Protocol):
    """What carries a request."""

    stale: bool
    """The next request to arrive is not read; the connection is closed instead."""

    def reset(self) -> None:
        """Tear the connection, so that the client sees a reset."""


class GatheringTransport(asyncio.Transport):
    """A transport that sends what is written in one round of the event loop at once.

    uvicorn writes the head and the body of an answer one after the other, and each would be a system call.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._pieces: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keep the data until the other callbacks of this round of the event loop have run, and send all of it then."""
        if not self._pieces:
            self._loop.call_soon(self._flush)
        self._pieces.append(bytes(data))

    def close(self) -> None:
        """Send what is kept, and close."""
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        """Drop what is kept, and close at once."""
        self._pieces.clear()
        self._transport.abort()

    def is_closing(self) -> bool:
        """Whether the transport is closed or about to be."""
        return self._transport.is_closing()

    def pause_reading(self) -> None:
        """Read nothing more for now."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read on."""
        self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What the transport knows of its connection."""
        return self._transport.get_extra_info(name, default)

    def _flush(self) -> None:
        if self._pieces and not self._transport.is_closing():
            self._transport.write(b"".join(self._pieces))
        self._pieces.clear()


class SocketConnection:
    """A real connection."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.stale = False

    def reset(self) -> None:
        """Send a TCP reset, and drop whatever was not sent yet."""
        with suppress(OSError):  # the client may have closed the connection already
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
        self._transport.abort()


class InProcessConnection:
    """A request made in the same process: a reset is an exception in the caller's hands."""

    stale = False

    def reset(self) -> None:
        """Raise what a socket would have raised."""
        raise ConnectionResetError("the sandbox reset the connection, as a fault asked it to")


class ConnectionProtocol(asyncio.Protocol):
    """A connection of the server: uvicorn's HTTP protocol, wrapped so that faults can close or reset the connection."""

    def __init__(self, faults: Faults, make_http: Callable[[Mapping[str, Any]], asyncio.Protocol]) -> None:
        self._faults = faults
        self._make_http = make_http
        self._http: asyncio.Protocol | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hand the new connection to uvicorn, unless a fault is to close it at once."""
        self._transport = GatheringTransport(cast("asyncio.Transport", transport), asyncio.get_running_loop())
        if self._faults.pick_connection() is not None:
            self._transport.close()
            return
        self._connection = SocketConnection(self._transport)
        self._http = self._make_http({CONNECTION: self._connection})
        self._http.connection_made(self._transport)

    def data_received(self, data: bytes) -> None:
        """Pass on what arrives, unless the connection has gone stale meanwhile."""
        if self._http is None or self._connection.stale:
            self._transport.close()
            return
        self._http.data_received(data)

    def eof_received(self) -> bool | None:
        """The client sends nothing more."""
        return self._http.eof_received() if self._http is not None else None

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell uvicorn that the connection is gone."""
        if self._http is not None:
            self._http.connection_lost(exc)

    def pause_writing(self) -> None:
        """Tell uvicorn to stop writing: the client reads too slowly."""
        if self._http is not None:
            self._http.pause_writing()

    def resume_writing(self) -> None:
        """Tell uvicorn to write on: the client has caught up."""
        if self._http is not None:
            self._http.resume_writing()
