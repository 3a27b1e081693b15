"""A receiver of CNaught's notifications: each change of an order is acted on once, after CNaught confirmed it.

    NOTIFICATION_TOKEN=$(openssl rand -hex 32) uvicorn examples.notifications:app

Place orders with `notification_config=NotificationConfig(url="https://your.example/cnaught/<the token>")`.

A notification carries no signature, and it comes again until it is answered with exactly 200. So anybody may send one,
and the same one may come twice, or to two processes: it is taken as a hint to read the order, and nothing more.
"""

from __future__ import annotations

import hmac
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

from fastapi import FastAPI, HTTPException, Request
from starlette.concurrency import run_in_threadpool

from wren_async import CallError, CNaughtClient, InvalidArgument, NotFound, parse_order_notification
from wren_async.models.cnaught import Order

LONGEST = 1_000_000
"""Bytes of a notification; they are much shorter."""


def path() -> str:
    """Where the app's own data are."""
    return os.environ.get("APP_DATABASE", "orders.sqlite")


def act_once(order: Order) -> bool:
    """Do what a change of state asks for, in the transaction that remembers it. Returns whether it was new.

    It blocks, and is called in a thread. A real app would do this in the database that its orders are in.
    """
    with closing(sqlite3.connect(path(), timeout=30)) as connection, connection:
        seen = connection.execute("INSERT OR IGNORE INTO seen (id, state) VALUES (?, ?)", (order.id, str(order.state)))
        if not seen.rowcount:
            return False
        connection.execute(
            "INSERT INTO certificates (id, state, url) VALUES (?, ?, ?)",
            (order.id, str(order.state), order.certificate_public_url),
        )
        return True


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open the app's data and the client."""
    with closing(sqlite3.connect(path())) as connection, connection:
        connection.execute("CREATE TABLE IF NOT EXISTS seen (id TEXT, state TEXT, PRIMARY KEY (id, state))")
        connection.execute("CREATE TABLE IF NOT EXISTS certificates (id TEXT, state TEXT, url TEXT)")
    async with CNaughtClient() as cnaught:
        app.state.cnaught = cnaught
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/cnaught/{token}")
async def receive(token: str, request: Request) -> dict[str, str]:
    """Take a notification. Answers 200 once it is dealt with, and something else where it should come again."""
    if not hmac.compare_digest(token.encode(), os.environ["NOTIFICATION_TOKEN"].encode()):
        raise HTTPException(404)
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST:
            raise HTTPException(413)
    try:
        told = parse_order_notification(body)
    except InvalidArgument as error:
        raise HTTPException(400, str(error)) from None
    cnaught: CNaughtClient = request.app.state.cnaught
    try:
        # What the notification says of the order is not believed: CNaught is asked.
        order = await cnaught.orders.get(told.id)
    except NotFound:
        raise HTTPException(404, "there is no such order in this account") from None
    except CallError:
        raise HTTPException(503, "the order could not be read; send it again") from None
    is_new = await run_in_threadpool(act_once, order)
    return {"order": order.id, "state": str(order.state), "was": "new" if is_new else "known"}
