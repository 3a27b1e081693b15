"""Looking through a list for references: all of them in one walk, which also notes whether the list shows any."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Hashable, Mapping
from contextlib import aclosing
from typing import Any, Final, Generic, TypeVar, cast

import attrs
import msgspec

from wren_async.core import codec
from wren_async.core.client import BaseClient
from wren_async.core.operation import Call
from wren_async.core.reference import carried
from wren_async.core.reply import Reply
from wren_async.core.server_clock import ServerClock
from wren_async.errors import CallError, PagingError
from wren_async.reconcile.verdict import Look, Present, Shows

T = TypeVar("T")
RowT = TypeVar("RowT")

_LIST_BYTES: Final = 512 * 2**20
_TURN: Final = 500
"""Rows that are read at a time. Then the event loop gets its turn."""


class UnreadableList(Exception):
    """A list that came, and could not be read."""


READ_FAILURES: Final = (CallError, PagingError, UnreadableList)
"""Errors of a read. A list that could not be read proves nothing, and the other lists are still read."""


class Search(Generic[RowT]):
    """Takes the rows of a list one by one and keeps those that carry a wanted reference."""

    def __init__(
        self,
        wanted: Collection[str],
        text: Callable[[RowT], str | None],
        group: Callable[[RowT], Hashable] = lambda _: None,
    ) -> None:
        self._wanted = frozenset(wanted)
        self._text = text
        self._group = group
        self.found: dict[str, list[RowT]] = {}
        self.groups: set[Hashable] = set()
        """What the rows belong to, such as projects."""
        self.rows = 0
        self._texts = 0
        self._references = 0
        self._attributes = 0

    def look_at(self, row: RowT) -> None:
        """Keep a row that carries a wanted reference, and note whether rows carry any."""
        self.rows += 1
        self.groups.add(self._group(row))
        text = self._text(row)
        reference = carried(text)
        self._texts += bool(text)
        self._references += reference is not None
        if reference in self._wanted:
            self.found.setdefault(reference, []).append(row)

    def see_raw(self, body: bytes, attribute: str) -> None:
        """Note whether the rows have an attribute at all: in a model, one that is missing looks like a null."""
        if not self._texts and not self._attributes:
            self._attributes += any(attribute in row for row in _rows(codec.parse(body)))

    @property
    def complete(self) -> bool:
        """Whether everything wanted was found."""
        return len(self.found) == len(self._wanted)

    @property
    def shows(self) -> Shows:
        """What the rows have shown so far."""
        if self._references:
            return Shows.REFERENCES
        if self._texts:
            return Shows.TEXTS
        if self._attributes:
            return Shows.ATTRIBUTE
        return Shows.NOTHING if self.rows else Shows.NO_ROWS


@attrs.frozen(kw_only=True)
class Listing(Generic[RowT]):
    """A list that was looked through."""

    look: Look
    present: Present
    """When the walk began."""
    found: Mapping[str, list[RowT]]
    groups: Collection[Hashable] = ()


class Reader:
    """Sends the reads of a reconciliation, and keeps the server's time by the dates of its answers."""

    def __init__(self, client: BaseClient) -> None:
        self._client = client
        self._timing = client._session.timing
        self._clock = ServerClock(self._timing)
        self.body = b""
        """The last body as it came."""

    @property
    def longest_list(self) -> int:
        """Bytes that a list in one answer may have: the client's `max_answer_bytes`, or enough for a million rows, for
        an order that is not found because its list was refused is an order of unknown outcome."""
        return self._client._limits.max_answer_bytes or _LIST_BYTES

    async def send(self, call: Call[T]) -> T:
        """Send a read."""
        return (await self.send_raw(call)).value

    async def send_raw(self, call: Call[T]) -> Reply[T]:
        """Send a read, and return its reply."""
        reply = await self._client.send_raw(call)
        self.note(reply.headers)
        self.body = reply.body
        return reply

    def note(self, headers: Mapping[str, str]) -> None:
        """Take the time from an answer."""
        self._clock.note(headers)

    def present(self) -> Present:
        """The present by both clocks; the server's goes on from the date of its last answer."""
        return Present(here=self._timing.utc(), there=self._clock.now)


async def whole_list(reader: Reader, call: Call[Any], name: str) -> AsyncIterator[bytes]:
    """The rows, as bytes, of a list that comes in one answer: a bare array, or an array under `name`.

    An account may have more rows than fit in memory as models, so the caller reads them one at a time.
    """
    operation = attrs.evolve(call.operation, answer=bytes)
    reply = await reader.send_raw(attrs.evolve(call, operation=operation, max_answer_bytes=reader.longest_list))
    if reply.status >= 300:
        raise UnreadableList(f"{place_of(call)} answered {reply.status}")
    try:
        rows = _raw_rows(reply.body, name)
    except (msgspec.MsgspecError, KeyError, UnicodeDecodeError, RecursionError) as error:
        wanted = f"neither an array nor an object with one under {name!r}" if name else "no array"
        why = "" if isinstance(error, KeyError) else f": {error}"
        raise UnreadableList(f"{place_of(call)} answered {wanted}{why}") from None
    for number, row in enumerate(rows):
        if number % _TURN == 0:
            await asyncio.sleep(0)
        yield bytes(row)


async def read_list(reader: Reader, call: Call[Any], name: str, form: type[T]) -> AsyncIterator[T]:
    """The rows of such a list, each read when it is asked for. Raises `UnreadableList`, which names the list."""
    async with aclosing(cast("AsyncGenerator[bytes, None]", whole_list(reader, call, name))) as rows:
        async for raw in rows:
            yield _read_row(raw, form, call)


def place_of(call: Call[Any]) -> str:
    """What a list is called, such as `GET /api/offset-orders`."""
    return f"{call.operation.method} {call.operation.path}"


def _read_row(raw: bytes, form: type[T], call: Call[Any]) -> T:
    try:
        return codec.decode(raw, form)
    except codec.Unreadable as error:
        raise UnreadableList(f"{place_of(call)}: a row cannot be read: {error}") from None


def _raw_rows(body: bytes, name: str) -> list[msgspec.Raw]:
    whole = msgspec.json.decode(body, type=dict[str, msgspec.Raw] | list[msgspec.Raw])
    return whole if isinstance(whole, list) else msgspec.json.decode(whole[name], type=list[msgspec.Raw])


async def look_through(
    reader: Reader, call: Call[Any], search: Search[RowT], name: str, form: type[RowT], attribute: str
) -> Listing[RowT]:
    """Look through a list that comes whole, in one answer, whose rows stand under `name` if not bare."""
    here, trouble = reader.present().here, None
    try:
        async for raw in whole_list(reader, call, name):
            search.look_at(_read_row(raw, form, call))
            search.see_raw(b"[%b]" % raw, attribute)
    except READ_FAILURES as error:
        trouble = str(error)
    return Listing(
        look=Look(
            where=place_of(call),
            rows=search.rows,
            shows=search.shows,
            to_the_end=trouble is None,
            trouble=trouble,
        ),
        # By our clock, the list is as old as the first request for it: waits and repeats since must not count as
        # settle time.
        present=attrs.evolve(reader.present(), here=here),
        found=search.found,
        groups=frozenset(search.groups),
    )


def _rows(answer: object) -> list[Mapping[str, object]]:
    values = answer.values() if isinstance(answer, Mapping) else [answer]
    return [row for value in values if isinstance(value, list) for row in value if isinstance(row, Mapping)]
