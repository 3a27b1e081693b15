"""What a worker answers to those who watch it: `GET /healthz` and `GET /metrics`, and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import errno
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final, TypeAlias

import attrs

from wren_async.cli.exits import Stop

_LOOPBACK: Final = "127.0.0.1"
_LAST_PORT: Final = 65_535
_LONGEST: Final = 8192
"""Bytes that a request may have."""
_PATIENCE: Final = 5.0
"""Seconds for one request and its answer."""
_MOST: Final = 32
"""Requests at a time. Further ones are hung up on."""
_TEXT: Final = "text/plain; charset=utf-8"


@attrs.frozen
class Listen:
    """Where to listen."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    @classmethod
    def of(cls, given: str) -> Listen:
        """What `--listen` says: `HOST:PORT`, or a port of this machine alone."""
        host, _, port = given.strip().rpartition(":")
        if not (port.isascii() and port.isdigit() and int(port) <= _LAST_PORT):
            raise Stop(f"--listen takes HOST:PORT, such as {_LOOPBACK}:9100, not {given}")
        return cls(host.removeprefix("[").removesuffix("]") or _LOOPBACK, int(port))


@attrs.frozen
class Answer:
    """What is answered to a request."""

    status: HTTPStatus
    text: str
    content_type: str = _TEXT

    def to_bytes(self) -> bytes:
        """All of it, as it goes onto the wire."""
        body = self.text.encode()
        allow = "Allow: GET\r\n" if self.status is HTTPStatus.METHOD_NOT_ALLOWED else ""
        head = (
            f"HTTP/1.1 {self.status.value} {self.status.phrase}\r\nContent-Type: {self.content_type}\r\n"
            f"Content-Length: {len(body)}\r\nCache-Control: no-store\r\n{allow}Connection: close\r\n\r\n"
        )
        return head.encode() + body


Pages: TypeAlias = dict[str, Callable[[], Answer]]


def health_answer(problem: str | None) -> Answer:
    """That all is well, or the sentence that says what is not."""
    if problem is None:
        return Answer(HTTPStatus.OK, "ok\n")
    return Answer(HTTPStatus.SERVICE_UNAVAILABLE, f"{' '.join(problem.split())}\n")


@asynccontextmanager
async def endpoint(listen: Listen, pages: Pages) -> AsyncIterator[str]:
    """Answer requests while this lasts; gives the address. Raises `Stop` where nobody can listen there."""
    tasks = set[asyncio.Task[None]]()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine of a server runs in a task
        tasks.add(task)
        try:
            if len(tasks) <= _MOST:
                await _serve(reader, writer, pages)
        finally:
            tasks.discard(task)
            writer.close()

    server = await _listening(listen, accept)
    try:
        yield f"http://{attrs.evolve(listen, port=server.sockets[0].getsockname()[1])}"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _listening(
    listen: Listen, accept: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[object, object, None]]
) -> asyncio.Server:
    try:
        return await asyncio.start_server(accept, listen.host, listen.port, limit=_LONGEST)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise Stop(
                f"--listen {listen}: another program listens there; give another port, or 0 for a free one"
            ) from None
        reason = error.strerror or str(error)
        raise Stop(f"--listen {listen}: nobody can listen there: {reason[:1].lower()}{reason[1:]}") from None


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pages: Pages) -> None:
    """One request and its answer. Whoever is too slow, or hangs up, gets none."""
    with contextlib.suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(_PATIENCE):
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                head = b""
            writer.write(_answer(head, pages).to_bytes())
            await writer.drain()


def _answer(head: bytes, pages: Pages) -> Answer:
    words = head.partition(b"\r\n")[0].decode("latin-1").split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        return Answer(HTTPStatus.BAD_REQUEST, "this is no request of HTTP/1.1\n")
    page = pages.get(words[1].partition("?")[0])
    if page is None:
        return Answer(HTTPStatus.NOT_FOUND, f"there are: {', '.join(pages)}\n")
    if words[0] != "GET":
        return Answer(HTTPStatus.METHOD_NOT_ALLOWED, "only GET is answered\n")
    return page()
