"""Hearing what other processes have to tell: one connection a process, however many tasks wait.

Word may be missed, so nobody depends on it: whoever waits also looks now and then.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

import psycopg

from wren_async.errors import JournalError
from wren_async.outbox.postgres_tables import CHANNEL
from wren_async.postgres.database import Connection, connect
from wren_async.postgres.dsn import Dsn

_LONGEST_WAIT: Final = 5.0
SILENCE: Final = 30.0
"""Seconds without a word after which the connection is tried: its other end may be gone without one."""
ANSWER: Final = 10.0
"""Seconds in which it then has to answer."""
_logger = logging.getLogger("wren_async.outbox")


async def listen(dsn: Dsn, hear: Callable[[str], None], *, silence: float = SILENCE, answer: float = ANSWER) -> None:
    """Hand each notification to `hear`, until cancelled. A connection that breaks, or falls silent, is made anew."""
    failures = 0
    while True:
        try:
            async with await connect(dsn, application_name="wren-async outbox") as connection:
                if connection.is_pooled:
                    # Another session may be listening then, and for ever. Whoever waits looks now and then.
                    return
                await _ask(connection, f"LISTEN {CHANNEL}", answer)
                failures = 0
                # Something may have been told while nobody listened.
                hear("")
                while True:
                    async for notification in connection.notifies(timeout=silence):
                        hear(notification.payload)
                    await _ask(connection, "SELECT 1", answer)
        except (psycopg.Error, JournalError, TimeoutError) as error:
            failures += 1
            _logger.debug("%s: not listening: %s", dsn, dsn.scrub(str(error)))
        await asyncio.sleep(min(_LONGEST_WAIT, 0.1 * 2.0 ** min(failures, 10)))


async def _ask(connection: Connection, statement: str, seconds: float) -> None:
    async with asyncio.timeout(seconds):
        await connection.execute(statement.encode())
