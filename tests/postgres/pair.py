"""A primary and a standby that follows it, each at the end of a way of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

import attrs
from postgres_server import PostgresServer, new_server
from tcp_proxy import TcpProxy, proxy_to

NAME = "orders"
"""The database that the tests use."""


@attrs.frozen
class Pair:
    """Two servers, of which one takes writes."""

    primary: PostgresServer
    standby: PostgresServer
    ways: tuple[TcpProxy, TcpProxy]

    @property
    def address(self) -> str:
        """Both servers in one address, as a worker is given it."""
        hosts = ",".join(f"127.0.0.1:{way.port}" for way in self.ways)
        return f"postgresql://postgres@{hosts}/{NAME}"

    async def lag(self) -> None:
        """From now on the standby hears of nothing more, though commits are acknowledged."""
        await asyncio.to_thread(self.standby.configure, {"primary_conninfo": ""})
        # The one who received is gone: nothing of what is written after this gets there.
        await asyncio.to_thread(self.primary.execute, ENDS_ALL)

    async def fail_over(self) -> None:
        """The primary dies, and the standby takes its place."""
        await asyncio.to_thread(self.primary.end)
        await asyncio.to_thread(self.standby.promote)


ENDS_ALL = """
DO $$ BEGIN
    WHILE EXISTS (SELECT pg_terminate_backend(pid) FROM pg_stat_replication) LOOP
        PERFORM pg_sleep(0.05);
        PERFORM pg_stat_clear_snapshot();
    END LOOP;
END $$
"""


@asynccontextmanager
async def pair_of_servers(*, synchronous: bool) -> AsyncIterator[Pair]:
    """Servers with an empty database, which the standby has already."""
    with ExitStack() as stack:
        primary = await asyncio.to_thread(stack.enter_context, new_server())
        await asyncio.to_thread(primary.execute, f"CREATE DATABASE {NAME}")
        standby = await asyncio.to_thread(stack.enter_context, new_server(copy_of=primary))
        if synchronous:
            await asyncio.to_thread(primary.configure, {"synchronous_standby_names": "*"})
        async with proxy_to(primary.socket) as first, proxy_to(standby.socket) as second:
            yield Pair(primary, standby, (first, second))
