"""Listening on a port: uvicorn's HTTP protocol on an asyncio server that starts and stops at once.

uvicorn's own server polls ten times a second, which a sandbox for every single test cannot afford.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, cast

import uvicorn
from uvicorn.server import ServerState

from wren_async.sandbox.connection import ConnectionProtocol
from wren_async.sandbox.faults import Faults

_KEEP_ALIVE_SECONDS = 75
_logger = logging.getLogger(__name__)
_logger.setLevel(logging.ERROR)  # uvicorn warns of every offer of HTTP/2, and Java's client offers it all the time


class Listener:
    """A listening socket that serves an ASGI application."""

    def __init__(self, app: Any, faults: Faults) -> None:
        self._config = uvicorn.Config(
            app,
            interface="asgi3",
            http="h11",  # over httptools, uvicorn loses the body of a request that offers `Upgrade: h2c`
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        )
        self._faults = faults
        self._state = ServerState()
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen; returns the port."""
        self._config.load()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connection, host, port, backlog=self._config.backlog)
        return cast("int", self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening and drop all connections."""
        if self._server is None:
            return
        self._server.close()
        for connection in list(self._state.connections):
            connection.transport.abort()
        # The connections learn of their end in the next round of the loop, and most tasks end with them.
        await asyncio.sleep(0)
        tasks = list(self._state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    def _connection(self) -> ConnectionProtocol:
        return ConnectionProtocol(self._faults, self._http)

    def _http(self, state: Mapping[str, Any]) -> asyncio.Protocol:
        make = cast("Any", self._config.http_protocol_class)
        protocol = make(config=self._config, server_state=self._state, app_state=dict(state))
        # A log line for each request would cost as much as the request.
        protocol.access_log = False
        protocol.logger = _logger
        return cast("asyncio.Protocol", protocol)
