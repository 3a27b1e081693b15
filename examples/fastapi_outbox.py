"""A web app that offsets each ride: the ride and its order are written in one transaction, and placed once.

    DATABASE_URL=postgresql://app@localhost/rides uvicorn examples.fastapi_outbox:app

Any number of such processes may run. A request that is sent again, also to another process, is the same ride and the
same order. A process that is killed leaves its orders to the others; what may be on the wire is found out first.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from wren_async import CNaughtClient, ReferenceReused
from wren_async.outbox import CNaughtMass, Outbox, OutboxCaps, Submission

KILOGRAMS_PER_KILOMETRE = Decimal("0.2")


class Ride(BaseModel):
    """A ride, as the app takes it in."""

    id: str = Field(pattern=r"^[A-Za-z0-9-]{1,60}$")
    kilometres: Annotated[Decimal, Field(gt=Decimal(0), le=Decimal(10_000))]

    @property
    def reference(self) -> str:
        """The mark by which the order of this ride is known everywhere."""
        return f"ride-{self.id}"

    @property
    def offset(self) -> CNaughtMass:
        """The order for this ride: whole kilograms, at least one."""
        kilograms = max(1, int((self.kilometres * KILOGRAMS_PER_KILOMETRE).to_integral_value()))
        return CNaughtMass(amount_kg=kilograms, description=f"Ride {self.id}")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open what the app needs, in this order. Closing goes the other way, and waits for orders on the wire."""
    address = os.environ["DATABASE_URL"]
    async with AsyncExitStack() as stack:
        engine = create_async_engine(address.replace("postgresql://", "postgresql+psycopg://"))
        stack.push_async_callback(engine.dispose)
        async with engine.begin() as connection:
            await connection.execute(
                text("CREATE TABLE IF NOT EXISTS rides (id text PRIMARY KEY, kilometres numeric NOT NULL)")
            )
        cnaught = await stack.enter_async_context(CNaughtClient())
        app.state.outbox = await stack.enter_async_context(
            Outbox(address, cnaught=cnaught, caps=OutboxCaps(cents_per_day=50_000))
        )
        app.state.engine = engine
        yield


app = FastAPI(lifespan=lifespan)


def the_outbox(request: Request) -> Outbox:
    """The outbox of this process."""
    outbox: Outbox = request.app.state.outbox
    return outbox


def the_engine(request: Request) -> AsyncEngine:
    """The app's own connections to its database."""
    engine: AsyncEngine = request.app.state.engine
    return engine


def shown(submission: Submission) -> dict[str, Any]:
    """An order as the app's clients see it."""
    result = submission.result
    return {
        "state": submission.state,
        "order": result.order_id,
        "cents": result.cents,
        "certificate": result.certificate,
        "reason": result.reason if submission.state == "refused" else None,
    }


@app.post("/rides")
async def take_ride(
    ride: Ride,
    response: Response,
    outbox: Annotated[Outbox, Depends(the_outbox)],
    engine: Annotated[AsyncEngine, Depends(the_engine)],
) -> dict[str, Any]:
    """Take in a ride. It answers 201 where its offset is placed by now, and 202 where that goes on."""
    try:
        async with engine.begin() as connection:
            await connection.execute(
                text("INSERT INTO rides (id, kilometres) VALUES (:id, :kilometres) ON CONFLICT (id) DO NOTHING"),
                {"id": ride.id, "kilometres": ride.kilometres},
            )
            await outbox.submit(ride.offset, reference=ride.reference, connection=connection)
    except ReferenceReused:
        raise HTTPException(409, "there is another ride of this id") from None
    # Committed: the ride and its order are there, whatever happens to this process now.
    await outbox.nudge()
    submission = await outbox.result(ride.reference, within=2)
    response.status_code = 201 if submission.is_settled else 202
    return shown(submission)


@app.get("/rides/{ride_id}/offset")
async def look_at_offset(ride_id: str, outbox: Annotated[Outbox, Depends(the_outbox)]) -> dict[str, Any]:
    """How the offset of a ride stands."""
    submission = await outbox.get(f"ride-{ride_id}")
    if submission is None:
        raise HTTPException(404, "there is no such ride")
    return shown(submission)


@app.get("/health")
async def look_at_health(response: Response, outbox: Annotated[Outbox, Depends(the_outbox)]) -> dict[str, Any]:
    """What an operator wants to know: is anything held up, and does anything need a person?"""
    health = await outbox.health()
    persons = [each.reference for each in await outbox.needs_person()]
    response.status_code = 503 if health.halted else 200
    return {"problem": health.problem, "halted": health.halted, "waiting": health.waiting, "needs_person": persons}
