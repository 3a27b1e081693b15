"""Carrying out a fault: the same steps that a request takes otherwise, with one of them gone wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from email.utils import format_datetime
from typing import Protocol

import attrs

from wren_async.sandbox.connection import Connection
from wren_async.sandbox.exchange import SandboxAnswer
from wren_async.sandbox.fault_kinds import FaultKind, When
from wren_async.sandbox.faults import Fault
from wren_async.sandbox.visit import Message, Receive, Send, Visit
from wren_async.sandbox.world import Clock

_ARRIVAL_SECONDS = 0.02
"""How long half an answer gets to reach the client before the connection is reset."""
_PROXY_PAGE = b"<html><head><title>%d</title></head><body><center><h1>%d Bad Gateway</h1></center></body></html>"
_CANNED = (FaultKind.STATUS, FaultKind.RATE_LIMIT, FaultKind.CONCURRENT_KEY, FaultKind.REDIRECT, FaultKind.PROXY_ERROR)


class Steps(Protocol):
    """The steps that the server takes for a request without a fault."""

    async def read(self, visit: Visit, receive: Receive) -> None:
        """Read the body, and hold the request to the rules."""

    def commit(self, visit: Visit) -> SandboxAnswer:
        """Carry out the request, unless it was refused before."""
        ...

    async def reply(self, visit: Visit, answer: SandboxAnswer, send: Send) -> None:
        """Send an answer."""

    async def deliver(self, answer: SandboxAnswer, body: bytes, send: Send) -> None:
        """Send an answer with a body that need not be its own."""

    def record(self, visit: Visit, answer: SandboxAnswer) -> bytes:
        """Write an answer into the log; returns its body as bytes."""
        ...

    def start(self, answer: SandboxAnswer, body: bytes) -> Message:
        """The status line and headers of an answer."""
        ...


class FaultInjection:
    """Serves the requests that a fault was picked for."""

    def __init__(self, steps: Steps, clock: Clock) -> None:
        self._steps = steps
        self._clock = clock
        self._late: set[asyncio.Task[None]] = set()

    async def serve(self, visit: Visit, fault: Fault, connection: Connection, receive: Receive, send: Send) -> None:
        """Serve one request, with its fault."""
        if fault.when is When.UNREAD:
            await _reset(connection, receive)
            return
        await self._steps.read(visit, receive)
        if fault.when is When.BEFORE:
            await self._fail_before(visit, fault, connection, receive, send)
            return
        if fault.kind is FaultKind.LATENCY:
            await self._wait(visit, fault.seconds)
        answer = self._steps.commit(visit)
        await self._fail_after(visit, fault, answer, connection, receive, send)

    @property
    def late_commits(self) -> int:
        """Commits that are still to come, though the connection died."""
        return len(self._late)

    def stop(self) -> None:
        """Give up the commits that are still to come. Any thread may call this."""
        for task in list(self._late):
            task.get_loop().call_soon_threadsafe(task.cancel)

    async def _fail_before(
        self, visit: Visit, fault: Fault, connection: Connection, receive: Receive, send: Send
    ) -> None:
        match fault.kind:
            case FaultKind.RESET:
                await _reset(connection, receive)
            case FaultKind.LATE_COMMIT:
                self._commit_later(visit, fault.seconds)
                await _reset(connection, receive)
            case FaultKind.NEVER_ANSWER:
                await _until_gone(receive)
            case _:
                await self._steps.reply(visit, self._canned(visit, fault), send)

    async def _fail_after(
        self, visit: Visit, fault: Fault, answer: SandboxAnswer, connection: Connection, receive: Receive, send: Send
    ) -> None:
        match fault.kind:
            case FaultKind.RESET if fault.when is When.MID_BODY:
                await self._tear(visit, answer, send)
                await _reset(connection, receive)
            case FaultKind.RESET:
                await _reset(connection, receive)
            case FaultKind.NEVER_ANSWER:
                await _until_gone(receive)
            case FaultKind.SLOW_DRIP:
                await self._drip(visit, fault, answer, send)
            case kind if kind in _CANNED:
                await self._steps.reply(visit, self._canned(visit, fault), send)
            case _:
                connection.stale = fault.kind is FaultKind.STALE_CONNECTION
                await self._spoil(visit, fault, answer, send)

    async def _wait(self, visit: Visit, seconds: float) -> None:
        api = visit.mount.api
        visit.refusal = visit.refusal or api.begin(visit.request)
        if visit.refusal is None:
            try:
                await asyncio.sleep(seconds)
            finally:
                api.end(visit.request)

    def _commit_later(self, visit: Visit, seconds: float) -> None:
        async def commit() -> None:
            await self._wait(visit, seconds)
            self._steps.commit(visit)

        task = asyncio.get_running_loop().create_task(commit())
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    def _canned(self, visit: Visit, fault: Fault) -> SandboxAnswer:
        status = fault.status or 500
        headers = _retry_after(fault, self._clock)
        if fault.kind is FaultKind.PROXY_ERROR:
            page = _PROXY_PAGE % (status, status)
            return SandboxAnswer(status=status, body=page, media_type="text/html", headers=headers)
        if fault.kind is FaultKind.REDIRECT:
            location = fault.location or visit.entry.target
            return SandboxAnswer(status=status, headers={**headers, "Location": location})
        answer = visit.mount.api.refuse(status)
        return attrs.evolve(answer, headers={**answer.headers, **headers})

    async def _spoil(self, visit: Visit, fault: Fault, answer: SandboxAnswer, send: Send) -> None:
        body = self._steps.record(visit, answer)
        match fault.kind:
            case FaultKind.MALFORMED_JSON:
                body = body.replace(b'"', b"'") + b";"
            case FaultKind.TRUNCATED_JSON:
                body = body[: len(body) // 2]
            case FaultKind.WRONG_CONTENT_TYPE:
                answer = attrs.evolve(answer, media_type=fault.content_type)
        await self._steps.deliver(answer, body, send)

    async def _tear(self, visit: Visit, answer: SandboxAnswer, send: Send) -> None:
        body = self._steps.record(visit, answer)
        await send(self._steps.start(answer, body))
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        await asyncio.sleep(_ARRIVAL_SECONDS)

    async def _drip(self, visit: Visit, fault: Fault, answer: SandboxAnswer, send: Send) -> None:
        body = self._steps.record(visit, answer)
        await send(self._steps.start(answer, body))
        for place in range(0, len(body), fault.size):
            piece = body[place : place + fault.size]
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            await asyncio.sleep(fault.seconds)
        await send({"type": "http.response.body", "body": b""})


async def _reset(connection: Connection, receive: Receive) -> None:
    connection.reset()
    # uvicorn takes a return without an answer for a mistake, unless it has noticed that the connection is gone.
    await _until_gone(receive)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _retry_after(fault: Fault, clock: Clock) -> Mapping[str, str]:
    match fault.retry_after:
        case None:
            return {}
        case int(seconds) if fault.retry_after_date:
            return {"Retry-After": format_datetime(clock.now() + timedelta(seconds=seconds), usegmt=True)}
    return {"Retry-After": str(fault.retry_after)}
