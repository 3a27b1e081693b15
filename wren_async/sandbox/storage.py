"""A SQLite file in which a sandbox survives: everything that changed it, to be carried out again at the next start.

Both APIs depend on nothing but requests, time and ids. So it is enough to keep each request that may have changed
something, with its time and the place in the sequence of ids, and to carry them out again in order.
"""

from __future__ import annotations

import base64
import os
import sqlite3
from collections.abc import Iterator, Mapping
from datetime import datetime

import attrs

from wren_async.sandbox.codec import decode, encode
from wren_async.sandbox.exchange import JSON, SandboxRequest
from wren_async.sandbox.world import World

_SCHEMA = """
CREATE TABLE IF NOT EXISTS event (
    number INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    position INTEGER NOT NULL,
    kind TEXT NOT NULL,
    content BLOB NOT NULL
) STRICT
"""


class StateFileError(ValueError):
    """A state file cannot be opened, or cannot be gone on with; the message says why, and what to do."""


@attrs.frozen
class Event:
    """Something that changed the sandbox."""

    at: datetime
    position: int
    """How many ids had been drawn before."""
    kind: str
    content: Mapping[str, JSON]


class Storage:
    """The file. A process that is killed loses nothing that was answered."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = path
        self._open: sqlite3.Connection | None = None

    def _file(self) -> sqlite3.Connection:
        if self._open is None:
            # The sandbox's lock keeps threads apart.
            self._open = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None)
            self._open.execute("PRAGMA journal_mode = WAL")
            self._open.execute("PRAGMA synchronous = NORMAL")
            self._open.execute(_SCHEMA)
        return self._open

    def events(self) -> Iterator[Event]:
        """Everything that is kept, oldest first. `StateFileError` where the file is not to be read."""
        try:
            rows = self._file().execute("SELECT at, position, kind, content FROM event ORDER BY number").fetchall()
        except sqlite3.Error as error:
            self.close()
            raise self.refusal(_reason(self._path, error)) from error
        for at, position, kind, content in rows:
            values = decode(content)
            if not isinstance(values, dict):
                raise self.refusal("it is not one of the sandbox")
            yield Event(datetime.fromisoformat(at), position, kind, values)

    def refusal(self, reason: str) -> StateFileError:
        """The error that names the file."""
        return StateFileError(f"the state file {os.fspath(self._path)} cannot be used: {reason}")

    def keep(self, world: World, position: int, kind: str, content: Mapping[str, JSON]) -> None:
        """Add what has just happened; `position` is that of the ids before it."""
        row = (world.clock.now().isoformat(), position, kind, encode({**content}))
        self._file().execute("INSERT INTO event (at, position, kind, content) VALUES (?, ?, ?, ?)", row)

    def clear(self) -> None:
        """Forget everything."""
        self._file().execute("DELETE FROM event")

    def close(self) -> None:
        """Close the file until it is used again."""
        if self._open is not None:
            self._open.close()
            self._open = None


def _reason(path: str | os.PathLike[str], error: sqlite3.Error) -> str:
    folder = os.path.dirname(os.path.abspath(path))
    if os.path.isdir(path):
        return "it is a folder; name a file"
    if not os.path.isdir(folder):
        return f"there is no folder {folder}"
    if isinstance(error, sqlite3.OperationalError) and "lock" in str(error):
        return "another process is writing it; let each sandbox have a file of its own"
    if isinstance(error, sqlite3.OperationalError) and ("unable to open" in str(error) or "readonly" in str(error)):
        return "it may not be written here; choose another place"
    return "it is not one of the sandbox; name another, or one that is not there yet"


def write_request(api: str, request: SandboxRequest) -> dict[str, JSON]:
    """A request as plain values."""
    return {
        "api": api,
        "operation": request.operation,
        "path": {**request.path},
        "query": {**request.query},
        "headers": {**request.headers},
        "body": request.body,
        "raw": base64.b64encode(request.raw).decode(),
    }


def read_request(content: Mapping[str, JSON]) -> SandboxRequest:
    """The request that `write_request` wrote."""
    return SandboxRequest(
        operation=str(content["operation"]),
        path=_texts(content["path"]),
        query=_texts(content["query"]),
        headers=_texts(content["headers"]),
        body=content["body"],
        raw=base64.b64decode(str(content["raw"])),
    )


def _texts(value: JSON) -> dict[str, str]:
    return {name: str(text) for name, text in value.items()} if isinstance(value, dict) else {}
