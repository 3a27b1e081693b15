"""The log of requests: what came in, what it changed, and how it was answered."""

from __future__ import annotations

import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import overload

import attrs

from wren_async.sandbox.exchange import JSON

_KEPT = 20_000
_KEPT_BYTES = 16 * 1024 * 1024
_SECRET_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization"})
_SCHEMES = frozenset({"basic", "bearer", "digest", "token"})


@attrs.define(kw_only=True, eq=False)
class LoggedRequest:
    """One request to either API."""

    number: int
    at: datetime
    api: str
    """`wren` or `cnaught`."""
    operation: str | None
    """The `operationId`; None when the contract knows no such method and path."""
    method: str
    target: str
    """Path and query as they were sent."""
    headers: Mapping[str, str] = attrs.field(repr=False)
    """Headers with lower-case names. Of the token only the scheme is kept."""
    raw: bytes = attrs.field(default=b"", repr=False)
    """The body as it was sent."""
    body: JSON = None
    """The body as it was understood."""
    changes: Sequence[str] = ()
    """What the request changed, in words; empty when it changed nothing."""
    fault: str | None = None
    """The fault that was applied, if any."""
    status: int | None = None
    """The status of the answer; None while there is none, and when none was ever sent."""
    answer: JSON | bytes = attrs.field(default=None, repr=False)
    """The answer as it would have been without a fault in its transport."""
    took: float | None = None
    """Seconds from its arrival until the sandbox was done with it; None while it is not."""
    revision: int = 0
    """Rises with each change of an entry, over the whole log: what changed last has the highest."""
    _began: float = attrs.field(factory=time.monotonic, init=False, repr=False)

    def plain(self, *, bodies: bool = True) -> dict[str, JSON]:
        """The entry as plain values; without headers and bodies, which may be long, when they are not wanted."""
        entry: dict[str, JSON] = {
            "number": self.number,
            "revision": self.revision,
            "at": self.at.isoformat(),
            "api": self.api,
            "operation": self.operation,
            "method": self.method,
            "target": self.target,
            "changes": [*self.changes],
            "fault": self.fault,
            "status": self.status,
            "took_ms": None if self.took is None else round(Decimal(self.took * 1000), 1),
        }
        if bodies:
            answer = None if isinstance(self.answer, bytes) else self.answer
            entry |= {"headers": dict(self.headers), "body": self.body, "answer": answer}
        return entry


@attrs.frozen(kw_only=True)
class LogPage:
    """A part of the log, for whoever asks again and again."""

    log: str
    """Another one after the log was emptied: what was read before is gone."""
    revision: int
    """What to ask for next: everything up to here has been told."""
    more: bool
    """Whether something after that is there already."""
    requests: Sequence[LoggedRequest]

    def plain(self, *, bodies: bool = True) -> dict[str, JSON]:
        """The page as plain values."""
        requests: list[JSON] = [entry.plain(bodies=bodies) for entry in self.requests]
        return {"log": self.log, "revision": self.revision, "more": self.more, "requests": requests}


class RequestLog(Sequence[LoggedRequest]):
    """The latest requests, oldest first."""

    def __init__(self) -> None:
        self._kept: deque[LoggedRequest] = deque()
        self._count = 0
        self._bytes = 0
        self._revision = 0
        self._name = uuid.uuid4().hex
        self._at_ends: list[Callable[[LoggedRequest], None]] = []

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[LoggedRequest]:
        return iter(list(self._kept))

    @overload
    def __getitem__(self, index: int) -> LoggedRequest: ...
    @overload
    def __getitem__(self, index: slice) -> list[LoggedRequest]: ...
    def __getitem__(self, index: int | slice) -> LoggedRequest | list[LoggedRequest]:
        return list(self._kept)[index] if isinstance(index, slice) else self._kept[index]

    def of(self, operation: str) -> list[LoggedRequest]:
        """The requests to one operation."""
        return [entry for entry in self if entry.operation == operation]

    def latest(self, limit: int, operation: str | None = None) -> LogPage:
        """The newest requests, oldest first."""
        now = self._revision
        found = [entry for entry in self if operation in (None, entry.operation)]
        return LogPage(log=self._name, revision=now, more=False, requests=found[-limit:])

    def since(self, revision: int, limit: int, operation: str | None = None) -> LogPage:
        """What came or changed after a revision, in the order of the changes."""
        now = self._revision  # taken first: what changes while the log is walked is told again the next time
        found = [entry for entry in self if entry.revision > revision and operation in (None, entry.operation)]
        found.sort(key=lambda entry: entry.revision)
        more = len(found) > limit
        told = found[limit - 1].revision if more else now
        return LogPage(log=self._name, revision=told, more=more, requests=found[:limit])

    def when_ended(self, listener: Callable[[LoggedRequest], None]) -> None:
        """Have a function called with each request that is done with, and again when it changes something later."""
        self._at_ends.append(listener)

    def clear(self) -> None:
        """Forget all requests."""
        self._kept.clear()
        self._bytes = 0
        self._name = uuid.uuid4().hex

    def add(
        self, at: datetime, api: str, operation: str | None, method: str, target: str, headers: Mapping[str, str]
    ) -> LoggedRequest:
        """Begin an entry; the server completes it as the request goes on."""
        self._count += 1
        entry = LoggedRequest(
            number=self._count,
            at=at,
            api=api,
            operation=operation,
            method=method,
            target=target,
            headers={name: _without_secret(name, value) for name, value in headers.items()},
            revision=self._next_revision(),
        )
        if len(self._kept) == _KEPT:
            self._drop_oldest()
        self._kept.append(entry)
        return entry

    def keep_body(self, entry: LoggedRequest, raw: bytes) -> None:
        """Keep the body of a request. The oldest requests go when all bodies together are too large."""
        entry.raw = raw
        self._bytes += len(raw)
        while self._bytes > _KEPT_BYTES and len(self._kept) > 1:
            self._drop_oldest()

    def note_fault(self, entry: LoggedRequest, fault: str) -> None:
        """Note which fault a request meets."""
        entry.fault = fault
        entry.revision = self._next_revision()

    def note_changes(self, entry: LoggedRequest, changes: Sequence[str]) -> None:
        """Note what a request changed, which may come after its end."""
        entry.changes = tuple(changes)
        entry.revision = self._next_revision()
        if entry.took is not None and entry.changes:
            self._tell(entry)

    def note_answer(self, entry: LoggedRequest, status: int, answer: JSON | bytes = None) -> None:
        """Note how a request was answered."""
        entry.status, entry.answer = status, answer
        entry.revision = self._next_revision()

    def end(self, entry: LoggedRequest) -> None:
        """Note that the sandbox is done with a request."""
        entry.took = time.monotonic() - entry._began
        entry.revision = self._next_revision()
        self._tell(entry)

    def _tell(self, entry: LoggedRequest) -> None:
        for listener in self._at_ends:
            listener(entry)

    def _next_revision(self) -> int:
        self._revision += 1
        return self._revision

    def _drop_oldest(self) -> None:
        self._bytes -= len(self._kept.popleft().raw)


def _without_secret(name: str, value: str) -> str:
    if name not in _SECRET_HEADERS:
        return value
    # Without a scheme that is known, the first word may be the token itself.
    scheme = value.partition(" ")[0]
    return f"{scheme} …" if scheme.lower() in _SCHEMES and scheme != value else "…"
