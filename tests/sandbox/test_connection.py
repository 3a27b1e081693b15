"""Between uvicorn and the socket."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from wren_async.sandbox.connection import ConnectionProtocol, GatheringTransport, SocketConnection
from wren_async.sandbox.faults import Faults


class Transport(asyncio.Transport):
    """Notes what is done with it."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[Any] = []

    def write(self, data: Any) -> None:
        self.done.append(data)

    def close(self) -> None:
        self.done.append("close")

    def abort(self) -> None:
        self.done.append("abort")

    def is_closing(self) -> bool:
        return "close" in self.done

    def pause_reading(self) -> None:
        self.done.append("pause")

    def resume_reading(self) -> None:
        self.done.append("resume")

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return name


class Http(asyncio.Protocol):
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def pause_writing(self) -> None:
        self.told.append("pause")

    def resume_writing(self) -> None:
        self.told.append("resume")

    def eof_received(self) -> None:
        self.told.append("eof")


async def test_what_is_written_in_one_round_is_sent_at_once() -> None:
    inner = Transport()
    transport = GatheringTransport(inner, asyncio.get_running_loop())
    transport.write(b"head ")
    transport.write(b"body")
    assert inner.done == []
    await asyncio.sleep(0)
    transport.write(b"more")
    transport.close()
    transport.write(b"too late")
    await asyncio.sleep(0)
    assert inner.done == [b"head body", b"more", "close"]
    assert transport.is_closing()


async def test_an_abort_drops_what_is_kept() -> None:
    inner = Transport()
    transport = GatheringTransport(inner, asyncio.get_running_loop())
    transport.write(b"head")
    transport.abort()
    transport.pause_reading()
    transport.resume_reading()
    await asyncio.sleep(0)
    assert inner.done == ["abort", "pause", "resume"]
    assert transport.get_extra_info("peername") == "peername"


async def test_flow_control_is_passed_on() -> None:
    http = Http()
    connection = ConnectionProtocol(Faults(1), lambda _: http)
    for told in (connection.pause_writing, connection.resume_writing, connection.eof_received):
        told()
    assert http.told == []
    connection.connection_made(Transport())
    connection.pause_writing()
    connection.resume_writing()
    connection.eof_received()
    assert http.told == ["pause", "resume", "eof"]


async def test_a_connection_that_a_fault_closed_reads_nothing() -> None:
    faults, inner = Faults(1), Transport()
    faults.add("close_on_accept")
    connection = ConnectionProtocol(faults, lambda _: Http())
    connection.connection_made(inner)
    connection.data_received(b"GET / HTTP/1.1")
    connection.connection_lost(None)
    assert inner.done == ["close", "close"]


def test_a_reset_after_the_client_has_left_is_quiet() -> None:
    left = socket.socket()
    left.close()

    class Left(Transport):
        def get_extra_info(self, name: str, default: Any = None) -> Any:
            return left

    transport = Left()
    SocketConnection(transport).reset()
    assert transport.done == ["abort"]
