"""Marks and results of all orders in flight, in one transaction after another: whatever comes while one is under way
shares the next."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

import attrs
import psycopg

from wren_async.batch.journal.contract import CapReached, JournalError, Result, Signal, State
from wren_async.batch.journal.postgres import statements
from wren_async.batch.journal.records import result_values
from wren_async.batch.journal.states import refusal, unknown
from wren_async.batch.units import usd
from wren_async.core.ending import end
from wren_async.postgres.database import Connection
from wren_async.postgres.lease import LeaseLost, Runner

_MOST: Final = 500
"""Orders in one transaction."""
REFUSED: Final = (psycopg.IntegrityError, psycopg.DataError, psycopg.InternalError, psycopg.ProgrammingError)
"""What PostgreSQL raises for a write that may not be, while the database stays as good as it was."""

Refusals = dict[str, list[str]]
"""What was refused, by the number of its job: which kind of refusal, and why."""

_LOOK_FIRST: Final = (
    "an alarm was explained meanwhile: what is pending may have been placed by something else, and is looked for first"
)
"""Why nothing is placed by who has missed an alarm: it begins anew, as all others have."""


@attrs.define(eq=False)
class Job:
    """A write that is asked for."""

    done: asyncio.Future[Any]
    positions: Sequence[int] = ()
    moment: str = ""
    """When the orders were marked as about to be sent, where that is what is asked for."""
    reserves: bool = False
    """Whether the marks take what they cost from the caps."""
    result: Result | None = None
    other: Callable[[Connection], Awaitable[Any]] | None = None

    @property
    def is_mark(self) -> bool:
        """Whether one order is to be marked, alike with others."""
        return bool(self.moment) and len(self.positions) == 1

    def tell(self, refused: list[str] | None) -> None:
        """Release whoever waits for it."""
        if self.done.done():
            return
        if refused is None:
            self.done.set_result(None)
        else:
            kind, why = refused
            self.fail(CapReached(why) if kind == "cap" else JournalError(why))

    def fail(self, error: Exception) -> None:
        """Tell that it failed, alone or with its whole transaction."""
        if not self.done.done():
            self.done.set_exception(error)
            # Looked at here: whoever asked may be gone, and the loop would complain of an error that nobody took.
            self.done.exception()


class Groups:
    """Carries out writes to the orders of a batch, many in one transaction of its runner."""

    def __init__(self, runner: Runner, batch: int, on_signal: Callable[[Signal], None]) -> None:
        self._runner = runner
        self._batch = batch
        self._on_signal = on_signal
        self._jobs: list[Job] = []
        self._more = asyncio.Event()
        self._closing = False
        self._has_caps = True
        self._is_doubted = False
        """Whether something else may have sent what is pending, so that it has to be looked for first."""
        self.sending: set[int] = set()
        """Orders that this process has marked, and of which nothing was recorded yet."""
        self._task = asyncio.create_task(self._run())

    def submit(self, job: Job) -> asyncio.Future[Any]:
        """Ask for a write. The future is done once it is committed; cancelling it does not take it back."""
        if self._closing:
            raise JournalError("the journal is closed")
        self._jobs.append(job)
        self._more.set()
        return job.done

    async def stop(self) -> None:
        """Carry out what was asked for, and end."""
        self._closing = True
        self._more.set()
        await asyncio.shield(self._task)

    async def break_off(self) -> None:
        """End, whatever was asked for: nobody knows then what of it is written."""
        self._closing = True
        await end(self._task)
        _fail_all(self._jobs)

    async def _run(self) -> None:
        while self._jobs or not self._closing:
            if not self._jobs:
                self._more.clear()
                await self._more.wait()
                # Tasks that one commit released tend to ask again in the same turn of the loop: take them together.
                await asyncio.sleep(0)
                continue
            group, self._jobs = self._jobs[:_MOST], self._jobs[_MOST:]
            try:
                await self._commit(group)
            except asyncio.CancelledError:
                _fail_all(group)
                raise

    async def _commit(self, group: Sequence[Job]) -> None:
        try:
            refused = await self._runner.transaction(partial(self._carry_out, group)) or {}
        except REFUSED as error:
            if len(group) == 1:
                group[0].fail(JournalError(f"the journal refuses this: {told(error)}"))
                return
            for job in group:
                await self._commit([job])
        except Exception as error:
            for job in group:
                job.fail(error if isinstance(error, JournalError) else JournalError(f"the journal failed: {error}"))
        else:
            for index, job in enumerate(group):
                self._note(job, refused.get(str(index)))
                job.tell(refused.get(str(index)))

    def _note(self, job: Job, refused: list[str] | None) -> None:
        if refused is None and job.moment:
            self.sending.update(job.positions)
        elif refused is None:
            self.sending.difference_update(job.positions)

    async def _carry_out(self, group: Sequence[Job], connection: Connection) -> Refusals | None:
        refused: Refusals = {}
        self._has_caps = await self._look(connection)
        numbers = {id(job): str(index) for index, job in enumerate(group)}
        for bundle in _bundles(group):
            if len(bundle) == 1 and not (bundle[0].is_mark or bundle[0].result is not None):
                if why := await self._alone(connection, bundle[0]):
                    refused[numbers[id(bundle[0])]] = why
                continue
            # Results first: what they free is there for the marks.
            found = await self._record(connection, [job for job in bundle if job.result is not None])
            found |= await self._mark(connection, [job for job in bundle if job.result is None])
            refused |= {numbers[number]: why for number, why in found.items()}
        return refused or None

    async def _look(self, connection: Connection) -> bool:
        """Pass on what concerns every process; whether the batch has caps."""
        found = await (await connection.execute(statements.SIGNAL, {"batch": self._batch})).fetchone()
        if found is None:
            return False
        if found[0] > 0 or found[1] is not None:
            self._on_signal(Signal(pause=max(0.0, found[0]), ending=found[1], message=found[2]))
        self._is_doubted = bool(found[4])
        return bool(found[3])

    async def _alone(self, connection: Connection, job: Job) -> list[str] | None:
        """A write that is not alike with others. Returns why it was refused."""
        if job.other is not None:
            await job.other(connection)
            return None
        try:
            async with connection.transaction():
                await self._mark_all(connection, job)
        except JournalError as error:
            if isinstance(error, LeaseLost):
                raise
            return ["refused", str(error)]
        return None

    async def _mark_all(self, connection: Connection, job: Job) -> None:
        """Mark several orders, all of them or none, whatever the caps say."""
        wanted = dict.fromkeys(job.positions, job.moment)
        marked = await self._carry_out_marks(connection, wanted)
        if missing := [position for position in wanted if position not in marked]:
            raise JournalError((await self._reasons(connection, missing, State.SENDING))[missing[0]])
        if len(wanted) < len(job.positions):
            raise JournalError("an order stands twice among those to be sent")

    # --- many alike ---

    async def _record(self, connection: Connection, jobs: Sequence[Job]) -> dict[int, list[str]]:
        if not jobs:
            return {}
        rows = [(job.positions[0], *result_values(job.result)) for job in jobs if job.result is not None]
        values = statements.arrays(statements.RECORDED, rows)
        cursor = await connection.execute(
            statements.RECORD.encode(), {**values, "batch": self._batch, "owner": self._runner.id}
        )
        written = {row[0] for row in await cursor.fetchall()}
        failures = sum(
            job.positions[0] in written and job.positions[0] in self.sending and _is_failure(job.result) for job in jobs
        )
        if failures:
            await self._count_failures(connection, failures)
        for job in jobs:
            if job.positions[0] in written and _is_given_back(job.result):
                await connection.execute(statements.REOPEN, {"batch": self._batch, "position": job.positions[0]})
        return await self._refusals(connection, [job for job in jobs if job.positions[0] not in written])

    async def _count_failures(self, connection: Connection, failures: int) -> None:
        """Count them, and stop at once where they are too many: the marks of this transaction send nothing then.

        The look at its beginning knew nothing of failures that others were counting meanwhile.
        """
        cursor = await connection.execute(statements.FAILED, {"batch": self._batch, "failures": failures})
        found = await cursor.fetchone()
        if found is not None and found[0] is not None:
            self._on_signal(Signal(ending=found[0], message=found[1]))

    async def _mark(self, connection: Connection, jobs: Sequence[Job]) -> dict[int, list[str]]:
        if not jobs:
            return {}
        if self._is_doubted and any(job.reserves for job in jobs):
            return {id(job): ["refused", _LOOK_FIRST] for job in jobs}
        without_room = await self._without_room(connection, [job for job in jobs if job.reserves])
        left = [job for job in jobs if id(job) not in without_room]
        marked = await self._carry_out_marks(connection, {job.positions[0]: job.moment for job in left})
        if without_room and not marked:
            first = next(job for job in jobs if id(job) in without_room)
            await self._stop_at_cap(connection, f"order {first.positions[0]}: {without_room[id(first)]}")
        refused = await self._refusals(connection, [job for job in left if job.positions[0] not in marked])
        return {number: ["cap", why] for number, why in without_room.items()} | refused

    async def _stop_at_cap(self, connection: Connection, message: str) -> None:
        """Stop all workers where no order of theirs can make room any more: a person has to raise the cap."""
        stopped = await connection.execute(statements.HALT_AT_CAP, {"batch": self._batch, "message": message})
        if stopped.rowcount:
            self._on_signal(Signal(ending="cap_reached", message=message))

    async def _carry_out_marks(self, connection: Connection, moments: Mapping[int, str]) -> set[int]:
        """Mark orders, each with its own moment, in one statement. Returns which were."""
        if not moments:
            return set()
        values = {
            "batch": self._batch,
            "owner": self._runner.id,
            "positions": [*moments],
            "moments": [*moments.values()],
        }
        return {row[0] for row in await (await connection.execute(statements.MARK, values)).fetchall()}

    async def _without_room(self, connection: Connection, jobs: Sequence[Job]) -> dict[int, str]:
        """Which marks the caps have no room for, and why. Where there are caps, everyone else who marks waits."""
        batch = {"batch": self._batch}
        if not jobs or not self._has_caps:
            return {}
        caps = await (await connection.execute(statements.LOCK_CAPS, batch)).fetchone()
        held = await (await connection.execute(statements.HELD, batch)).fetchone()
        if caps is None or held is None:
            return {}
        cents, grams = held
        positions = [job.positions[0] for job in jobs]
        rows = await (await connection.execute(statements.PLANNED, {**batch, "positions": positions})).fetchall()
        planned = {position: (more_cents, more_grams) for position, more_cents, more_grams in rows}
        found: dict[int, str] = {}
        for job in jobs:
            more_cents, more_grams = planned.get(job.positions[0], (0, 0))
            if caps[0] is not None and cents + more_cents > caps[0]:
                found[id(job)] = _no_room(usd(cents), usd(more_cents), usd(caps[0]))
            elif caps[1] is not None and grams + more_grams > caps[1]:
                found[id(job)] = _no_room(*(f"{each / 1000:g} kg" for each in (grams, more_grams, caps[1])))
            else:
                cents, grams = cents + more_cents, grams + more_grams
        return found

    async def _refusals(self, connection: Connection, jobs: Sequence[Job]) -> dict[int, list[str]]:
        refused: dict[int, list[str]] = {}
        for job in jobs:
            becomes = State.SENDING if job.result is None else job.result.state
            proven = job.result is not None and job.result.reconciled
            reasons = await self._reasons(connection, job.positions, becomes, is_proven=proven)
            refused[id(job)] = ["refused", reasons[job.positions[0]]]
        return refused

    async def _reasons(
        self, connection: Connection, positions: Sequence[int], becomes: State, *, is_proven: bool = False
    ) -> dict[int, str]:
        values = {"batch": self._batch, "positions": list(positions)}
        rows = await (await connection.execute(statements.WHERE_THEY_STAND, values)).fetchall()
        stand = {position: (State(state), owner) for position, state, owner in rows}
        return {
            position: why_not(position, stand.get(position), becomes, self._runner.id, is_proven=is_proven)
            for position in positions
        }


def why_not(
    position: int, stands: tuple[State, int | None] | None, becomes: State, owner: int | None, *, is_proven: bool
) -> str:
    """Why an order that stands so may not become something else."""
    if stands is None:
        return str(unknown(position))
    if stands[0] is State.SENDING and becomes is not State.SENDING and stands[1] != owner:
        return f"order {position} is sending: another worker is at it, and it tells what comes of it"
    return str(refusal(position, stands[0], becomes, is_proven=is_proven) or f"order {position} cannot move so")


def told(error: Exception) -> str:
    """What PostgreSQL says, without where it stands in its own code."""
    primary = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    return primary or " ".join(str(error).split())


def _fail_all(jobs: Sequence[Job]) -> None:
    for job in jobs:
        job.fail(JournalError("closed while the database was away: nobody knows whether this is written"))


def _is_failure(result: Result | None) -> bool:
    return result is not None and result.state in (State.REFUSED, State.UNDECIDED)


def _is_given_back(result: Result | None) -> bool:
    """Whether an order in doubt was found not to be placed. Its span may be done already."""
    return result is not None and result.state is State.PENDING and result.reconciled


def _no_room(held: str, more: str, cap: str) -> str:
    return f"{held} spent or reserved by all workers, and {more} more would exceed {cap}"


def _bundles(group: Sequence[Job]) -> Iterator[list[Job]]:
    """The jobs of a group, those that are alike and to different orders together; any other stays in its place."""
    bundle: list[Job] = []
    rows: set[int] = set()
    for job in group:
        is_alone = not (job.is_mark or job.result is not None)
        if bundle and (is_alone or job.positions[0] in rows):
            yield bundle
            bundle, rows = [], set()
        if is_alone:
            yield [job]
        else:
            bundle.append(job)
            rows.add(job.positions[0])
    if bundle:
        yield bundle
