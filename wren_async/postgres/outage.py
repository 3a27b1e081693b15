"""While the database is away: what is told of it, and whether waiting can help."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from typing import Final

import attrs

_GAPS: Final = (60.0, 300.0, 900.0)
"""Seconds between two lines of the log about one outage: the longer it lasts, the rarer they come."""
_REMEDIES: Final = (
    (
        r"password authentication failed|no password supplied|SASL authentication failed|auth\w* failed",
        "put the right password into the address, PGPASSWORD or ~/.pgpass",
    ),
    (
        r"database .* does not exist|no such database",
        "create the database, or give the address of another one",
    ),
    (r"role .* does not exist|no such user|not permitted to log in", "give the name of a role that may log in"),
    (r"pg_hba\.conf", "let this machine and role in, in pg_hba.conf"),
    (r"permission denied for database", "GRANT CONNECT ON DATABASE to the role"),
    (
        r"SSL was required|certificate|SSL error|sslmode",
        "see to the certificates, or to sslmode in the address",
    ),
)
"""What a server, or libpq, says of a set-up that is wrong. No code comes with it before a connection is made, and a
server that speaks another language is taken to be away: then its own sentence stands in the log."""

logger = logging.getLogger("wren_async.postgres")


def remedy(told: str) -> str | None:
    """What mends it where a connection is refused for a reason that stays; `None` where it may pass by itself.

    Of several servers, each has to refuse: one that is away may be the right one.
    """
    lines = [line for line in told.splitlines() if line.startswith("- host:")] or [" ".join(told.split())]
    found = [next((mend for says, mend in _REMEDIES if re.search(says, line)), None) for line in lines]
    return found[-1] if all(found) else None


@attrs.define
class Outage:
    """Tells the log when the database is away, now and then while it lasts, and when it is there again."""

    where: str
    clock: Callable[[], float] = time.monotonic
    _began: float | None = None
    _next: float = 0.0
    _lines: int = 0

    def goes_on(self, error: Exception) -> None:
        """The database was tried in vain, and is tried again."""
        now = self.clock()
        if self._began is None:
            self._began, self._next, self._lines = now, now, 0
        if now >= self._next:
            self._next = now + _GAPS[min(self._lines, len(_GAPS) - 1)]
            self._lines += 1
            logger.warning("%s; it is tried again", error)

    def ends(self) -> None:
        """The database has answered."""
        if self._began is not None:
            logger.warning("%s: the database is there again, after %.0f s", self.where, self.clock() - self._began)
            self._began = None
