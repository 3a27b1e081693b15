"""Hearing what other processes have to tell: one connection a process, however many tasks wait.

Word may be missed, so nobody depends on it: whoever waits also looks now and then.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import psycopg

from wren_async.outbox.postgres_tables import CHANNEL
from wren_async.postgres.dsn import Dsn

_LONGEST_WAIT = 5.0
_logger = logging.getLogger("wren_async.outbox")


async def listen(dsn: Dsn, hear: Callable[[str], None]) -> None:
    """Hand each notification to `hear`, until cancelled. A connection that breaks is made anew."""
    failures = 0
    while True:
        try:
            connection = await psycopg.AsyncConnection.connect(
                dsn.reveal(), autocommit=True, connect_timeout=10, application_name="wren-async outbox"
            )
            async with connection:
                await connection.execute(f"LISTEN {CHANNEL}".encode())
                failures = 0
                # Something may have been told while nobody listened.
                hear("")
                async for notification in connection.notifies():
                    hear(notification.payload)
        except psycopg.Error as error:
            failures += 1
            _logger.debug("%s: not listening: %s", dsn, dsn.scrub(str(error)))
        await asyncio.sleep(min(_LONGEST_WAIT, 0.1 * 2.0 ** min(failures, 10)))
