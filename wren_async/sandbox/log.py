"""The log of requests: what came in, what it changed, and how it was answered."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
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

    def plain(self) -> dict[str, JSON]:
        """The entry as plain values."""
        return {
            "number": self.number,
            "at": self.at.isoformat(),
            "api": self.api,
            "operation": self.operation,
            "method": self.method,
            "target": self.target,
            "headers": dict(self.headers),
            "body": self.body,
            "changes": [*self.changes],
            "fault": self.fault,
            "status": self.status,
            "answer": None if isinstance(self.answer, bytes) else self.answer,
        }


class RequestLog(Sequence[LoggedRequest]):
    """The latest requests, oldest first."""

    def __init__(self) -> None:
        self._kept: deque[LoggedRequest] = deque()
        self._count = 0
        self._bytes = 0

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

    def clear(self) -> None:
        """Forget all requests."""
        self._kept.clear()
        self._bytes = 0

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

    def _drop_oldest(self) -> None:
        self._bytes -= len(self._kept.popleft().raw)


def _without_secret(name: str, value: str) -> str:
    if name not in _SECRET_HEADERS:
        return value
    # Without a scheme that is known, the first word may be the token itself.
    scheme = value.partition(" ")[0]
    return f"{scheme} …" if scheme.lower() in _SCHEMES and scheme != value else "…"
