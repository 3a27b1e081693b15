"""Up to three workers on one batch in PostgreSQL, and whatever goes wrong, in whatever order: nothing is ordered twice,
nothing is lost, and the caps hold.

    STATE_MACHINE_EXAMPLES=300 python -m pytest tests/postgres/test_shared_state_machine.py

is a larger search, by chance; the suite always does the same few examples. Workers are killed as a process is: nothing
is written any more, and what is on the wire is torn. Time passes for all at once: for workers, servers and database,
whose own clock is replaced by one that can be put ahead. A machine that is suspended sees none of it on its steady
clock, as a real one.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any, ClassVar, TypeVar

import attrs
import psycopg
import pytest
from batch_world import World
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from postgres_server import Cable, PostgresServer, cable_to

from wren_async import CNaughtClient, WrenClient
from wren_async.batch.intents import CNaughtMass, Intent, WrenOffset, WrenTrees
from wren_async.batch.journal.contract import Bounds, JournalError, State
from wren_async.batch.journal.notes import Note
from wren_async.batch.journal.postgres import store
from wren_async.batch.journal.postgres.store import PostgresJournal
from wren_async.batch.run.batch import Batch
from wren_async.batch.run.outcomes import given_up
from wren_async.errors import WrenAsyncError
from wren_async.postgres import lease
from wren_async.sandbox import CNaughtBehaviours, FaultKind, Sandbox, When, WrenBehaviours

T = TypeVar("T")

EXAMPLES = "STATE_MACHINE_EXAMPLES"
LEASE = 60.0
MOST = 3
"""Workers at a time."""
SHORT = 0.3
"""Seconds after which a client gives up an attempt."""
PATIENT = 25.0
ORDERS = ("createOrder", "createOffsetOrder", "createTreeOrder")
LISTS = ("listOffsetOrders", "listTreeOrders", "listProjectDonations", "listOrders", "listCreditLedger")

FAULTS: dict[str, dict[str, Any]] = {
    "422": {"kind": FaultKind.STATUS, "status": 422, "when": When.BEFORE},
    "429": {"kind": FaultKind.RATE_LIMIT, "retry_after": 7},
    "503 before": {"kind": FaultKind.STATUS, "status": 503, "when": When.BEFORE},
    "503 after": {"kind": FaultKind.STATUS, "status": 503, "when": When.AFTER},
    "reset before": {"kind": FaultKind.RESET, "when": When.BEFORE},
    "reset after": {"kind": FaultKind.RESET, "when": When.AFTER},
    "late commit": {"kind": FaultKind.LATE_COMMIT, "seconds": 0.03},
    "held": {"kind": FaultKind.LATENCY, "seconds": 0.1},
    "never answered before": {"kind": FaultKind.NEVER_ANSWER, "when": When.BEFORE},
    "never answered after": {"kind": FaultKind.NEVER_ANSWER, "when": When.AFTER},
    "half of JSON": {"kind": FaultKind.TRUNCATED_JSON},
}
KINDS: list[Intent] = [
    WrenOffset(tons=1, payment_method="credits"),
    CNaughtMass(amount_kg=5),
    WrenTrees(amount_of_trees=2, payment_method="credits"),
    WrenOffset(tons=1, payment_method="credits"),
]
CLOCK = """
CREATE SCHEMA machine;
CREATE UNLOGGED TABLE machine.ahead (now float NOT NULL, at_start float NOT NULL);
INSERT INTO machine.ahead VALUES (0, 0);
CREATE FUNCTION machine.clock_timestamp() RETURNS timestamptz VOLATILE LANGUAGE sql AS
    $$ SELECT pg_catalog.clock_timestamp() + (SELECT now FROM machine.ahead) * interval '1 s' $$;
CREATE FUNCTION machine.pg_postmaster_start_time() RETURNS timestamptz VOLATILE LANGUAGE sql AS
    $$ SELECT pg_catalog.pg_postmaster_start_time() + (SELECT at_start FROM machine.ahead) * interval '1 s' $$;
"""


class SharedWorld(World):
    """A world whose database keeps its time."""

    database: DatabaseClock

    def pass_time(self, seconds: float) -> None:
        """Let time pass everywhere in one turn of the loop: nobody sees it here and not there."""
        super().pass_time(seconds)
        self.database.set(self.shift)


class DatabaseClock:
    """The clock of a database, which can be put ahead. It blocks the loop, so that nobody is half ahead."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._connection = psycopg.connect(address, autocommit=True)
        self._connection.execute(CLOCK)
        name = self._connection.info.dbname
        self._connection.execute(f"ALTER DATABASE {name} SET search_path = machine, pg_catalog, public".encode())

    def set(self, ahead: float) -> None:
        """Put it ahead."""
        self._connection.execute("UPDATE machine.ahead SET now = %s", (ahead,))

    def restart(self, server: PostgresServer, ahead: float, *, by_kill: bool) -> None:
        """Restart the database: it has run since then."""
        self._connection.execute("UPDATE machine.ahead SET at_start = %s", (ahead,))
        self._connection.execute("ALTER TABLE machine.ahead SET LOGGED")
        self.close()
        if by_kill:
            server.kill()
        else:
            server.restart()
        self._connection = psycopg.connect(self._address, autocommit=True)

    def close(self) -> None:
        self._connection.close()


@attrs.define(eq=False)
class Worker:
    """A process that places orders: its own connections, its own clients, and a wire that can be held."""

    world: World
    cable: Cable
    timeout: float = SHORT
    gate: asyncio.Event = attrs.field(factory=asyncio.Event)
    """Open unless the machine stands still directly before the first byte of an order."""
    waiting: int = 0
    """Orders that wait at the gate."""
    slept: float = 0.0
    """Seconds that its steady clock has not seen."""
    events: int = 0
    journal: PostgresJournal | None = None
    batch: Batch | None = None
    clients: tuple[WrenClient, CNaughtClient] | None = None
    task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin its run."""
        self.gate.set()
        self.task = asyncio.create_task(self._work())

    @property
    def is_done(self) -> bool:
        return self.task is None or self.task.done()

    async def _work(self) -> None:
        self.journal = await PostgresJournal.open(self.cable.address, "rides", make=False, lease=LEASE)
        self.clients = self._clients()
        wren, cnaught = self.clients
        timing = attrs.evolve(self.world.timing, monotonic=self._monotonic)
        async with (
            wren,
            cnaught,
            self.journal,
            Batch(self.journal, wren=wren, cnaught=cnaught, concurrency=3, patience=0, timing=timing) as self.batch,
        ):
            async for _ in self.batch.run():
                self.events += 1

    def _monotonic(self) -> float:
        return time.monotonic() + self.world.shift - self.slept

    def _clients(self) -> tuple[WrenClient, CNaughtClient]:
        timing = attrs.evolve(self.world.timing, monotonic=self._monotonic)
        wren, cnaught = self.world.sandbox.wren, self.world.sandbox.cnaught
        made = (
            WrenClient(wren.live_token, base_url=wren.base_url, timing=timing, timeout=self.timeout),
            CNaughtClient(cnaught.api_key, base_url=cnaught.base_url, timing=timing, timeout=self.timeout),
        )
        for client in made:
            self._put_gate_before(client._session.backend)
        return made

    def _put_gate_before(self, backend: Any) -> None:
        exchange = backend.exchange

        async def through_gate(request: Any, progress: Any) -> Any:
            if request.method == "POST" and b"dryRun" not in request.content:
                self.waiting += 1
                try:
                    await self.gate.wait()
                finally:
                    self.waiting -= 1
            return await exchange(request, progress)

        backend.exchange = through_gate

    async def kill(self) -> None:
        """End it as SIGKILL does: its connections break, and nothing of it is written or sent any more."""
        if self.journal is not None:
            self.journal._reader._closed = self.journal._writer._closed = True
        await self.cable.cut()
        if self.task is not None:
            self.task.cancel()
            await asyncio.wait([self.task])
            self.told()
        for client in self.clients or ():
            await client.aclose(0)
        if self.journal is not None:
            await self.journal.aclose()

    def told(self) -> None:
        """Raise what no worker should end with."""
        if self.task is None or not self.task.done() or self.task.cancelled():
            return
        error = self.task.exception()
        if error is not None and not isinstance(error, WrenAsyncError | OSError):
            raise error


class SharedBatchUnderFire(RuleBasedStateMachine):
    """Starts, stops and kills workers of one batch while servers, connections and the database misbehave."""

    server: ClassVar[PostgresServer]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.cleanup = contextlib.ExitStack()
        self.open = AsyncExitStack()
        self.workers: list[Worker] = []
        self.restarts = 0

    def await_(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @initialize(count=st.integers(6, 24), lag=st.sampled_from([0.0, 120.0]))
    def begin(self, count: int, lag: float) -> None:
        self.address = self.cleanup.enter_context(self.server.fresh_database())
        clock = DatabaseClock(self.address)
        self.cleanup.callback(clock.close)
        late = timedelta(seconds=lag)
        self.world = SharedWorld(
            Sandbox(
                wren=WrenBehaviours(list_lag=late, ledger_lag=late, rows_with_group_id=True),
                cnaught=CNaughtBehaviours(order_list_lag=late),
            ),
            SHORT,
        )
        self.world.database = clock
        self.cleanup.enter_context(_lease_clock_of(self.world))
        self.await_(self._begin([KINDS[index % len(KINDS)] for index in range(count)]))

    async def _begin(self, intents: list[Intent]) -> None:
        await self.world.sandbox.start_here()
        await self.world.seed()
        self.person = await PostgresJournal.open(self.address, "rides")
        async with self.world.batch(self.person) as batch:
            self.planned = (await batch.plan(intents)).cents
        # The last third waits for the end, whatever happens before.
        await self._set_cap(self.planned * 2 // 3)
        await self.person.resume_all()

    # --- what goes wrong ---

    @rule(faults=st.lists(st.sampled_from(sorted(FAULTS)), min_size=1, max_size=6))
    def orders_go_wrong(self, faults: list[str]) -> None:
        for index, fault in enumerate(faults):
            self.world.sandbox.faults.add(**FAULTS[fault], operation=ORDERS[index % len(ORDERS)], times=1)

    @rule(fault=st.sampled_from(["503 before", "reset after"]), times=st.integers(1, 3))
    def lists_go_wrong(self, fault: str, times: int) -> None:
        for operation in LISTS:
            self.world.sandbox.faults.add(**FAULTS[fault], operation=operation, times=times)

    @rule(seconds=st.sampled_from([20, 40, 70, 1000, 4000]))
    def time_passes(self, seconds: float) -> None:
        self.await_(self._pass_time(seconds))

    async def _pass_time(self, seconds: float) -> None:
        # What has arrived at a server is carried out long before anyone takes its absence for a proof.
        await asyncio.sleep(0.12)
        await _until(lambda: not self.world.sandbox.server.late_commits, 5)
        self.world.pass_time(seconds)

    @precondition(lambda self: self.workers)
    @rule(which=st.integers(0, 2), lay_again=st.booleans())
    def cut_the_database_off(self, which: int, lay_again: bool) -> None:
        """While a request may be on the wire."""
        self.await_(self._cut(self._worker(which), lay_again=lay_again))

    async def _cut(self, worker: Worker, *, lay_again: bool) -> None:
        self.world.sandbox.faults.add(**FAULTS["held"], times=2)
        await self._go_on(worker, 1)
        await worker.cable.cut()
        if lay_again:
            await worker.cable.lay()

    @precondition(lambda self: self.workers)
    @rule(which=st.integers(0, 2), statement=st.sampled_from([b"COMMIT", b"wren_async.standing", b"wren_async.runner"]))
    def lose_an_answer_of_the_database(self, which: int, statement: bytes) -> None:
        """After the commit, or before."""
        self.await_(self._lose_answer(self._worker(which), statement))

    async def _lose_answer(self, worker: Worker, statement: bytes) -> None:
        worker.cable.lose_answers_from = statement
        await self._go_on(worker, 2)
        await worker.cable.cut()
        await worker.cable.lay()

    @precondition(lambda self: self.server.is_ours and self.restarts < 1)
    @rule(by_kill=st.booleans(), rarely=st.integers(0, 2))
    def restart_the_database(self, by_kill: bool, rarely: int) -> None:
        if not rarely:
            self.restarts += 1
            self.world.database.restart(self.server, self.world.shift, by_kill=by_kill)

    # --- what is done ---

    @precondition(lambda self: len(self.workers) < MOST)
    @rule(events=st.integers(0, 6))
    def start(self, events: int) -> None:
        self.await_(self._start(events))

    async def _start(self, events: int, *, timeout: float = SHORT) -> Worker:
        self.workers = [each for each in self.workers if not each.is_done]
        worker = Worker(self.world, await self.open.enter_async_context(cable_to(self.address)), timeout)
        self.workers.append(worker)
        worker.start()
        await self._go_on(worker, events)
        return worker

    @precondition(lambda self: self.workers)
    @rule(which=st.integers(0, 2), events=st.integers(1, 8))
    def go_on(self, which: int, events: int) -> None:
        worker = self._worker(which)
        worker.gate.set()
        self.await_(self._go_on(worker, events))

    @precondition(lambda self: self.workers)
    @rule(which=st.integers(0, 2))
    def kill(self, which: int) -> None:
        worker = self._worker(which)
        self.workers.remove(worker)
        self.await_(worker.kill())

    @rule(events=st.integers(0, 4))
    def kill_in_the_middle(self, events: int) -> None:
        self.await_(self._kill_in_the_middle(events))

    async def _kill_in_the_middle(self, events: int) -> None:
        worker = await self._start(events)
        self.workers.remove(worker)
        await worker.kill()

    @precondition(lambda self: self.workers)
    @rule(which=st.integers(0, 2))
    def stop(self, which: int) -> None:
        worker = self._worker(which)
        if worker.batch is not None:
            worker.batch.stop()
        self.await_(self._go_on(worker, 3))

    @rule(kept=st.integers(0, 2))
    def change_the_cap(self, kept: int) -> None:
        self.await_(self._set_cap(self.planned * kept // 3))

    async def _set_cap(self, cents: int) -> None:
        await self.person.set_bounds(Bounds(cents=cents, grams=None, failures=None))
        # What is held already is not taken back.
        self.allowed = max(cents, await self._held())

    @rule(again=st.booleans())
    def pause_or_resume(self, again: bool) -> None:
        self.await_(self.person.resume_all() if again else self.person.stop_all("lunch"))

    @rule(send_again=st.booleans())
    def reconcile(self, send_again: bool) -> None:
        self.await_(self._reconcile(send_again=send_again))

    async def _reconcile(self, *, send_again: bool) -> None:
        with contextlib.suppress(WrenAsyncError, TimeoutError):
            journal = await PostgresJournal.open(self.address, "rides", lease=LEASE)
            async with asyncio.timeout(5), journal, self.world.batch(journal, patience=0) as batch:
                async for _ in batch.reconcile(send_again=send_again):
                    pass

    # --- what is meant by a lease, and by one's own ---

    @rule(jumps=st.sampled_from([[70, 1000], [1000, 1000], [40, 40, 1000], [20, 20]]))
    def a_machine_is_suspended_before_the_first_byte(self, jumps: list[float]) -> None:
        """Others take over, and place what stood ready; then it wakes, and its steady clock has seen nothing."""
        self.await_(self._suspend(jumps))

    async def _suspend(self, jumps: list[float]) -> None:
        worker = await self._start_and_hold()
        for seconds in jumps:
            await self._pass_time(seconds)
            worker.slept += seconds
            await self._one_more_run()
        worker.gate.set()
        await self._go_on(worker, 3)

    @rule()
    def a_person_gives_up_what_is_being_sent(self) -> None:
        self.await_(self._give_up())

    async def _give_up(self) -> None:
        worker = await self._start_and_hold()
        runner = None if worker.journal is None else worker.journal._runner
        if worker.waiting and runner is not None and runner.may_send(SHORT):
            async for entry in self.person.entries(State.SENDING):
                with contextlib.suppress(JournalError):
                    await self.person.record(entry.row.position, given_up(entry.result))
                break
        worker.gate.set()
        await self._go_on(worker, 3)

    async def _start_and_hold(self) -> Worker:
        self.world.sandbox.faults.clear()
        await self.person.resume_all()
        # Of a machine that stands still the timers do, too: none of them ends the attempt meanwhile.
        worker = await self._start(0, timeout=PATIENT)
        worker.gate.clear()
        await _until(lambda: worker.waiting or worker.is_done, 1)
        return worker

    async def _one_more_run(self, seconds: float = 1) -> None:
        """A worker that comes, does what there is to do, and goes."""
        worker = Worker(self.world, await self.open.enter_async_context(cable_to(self.address)))
        worker.start()
        assert worker.task is not None
        await asyncio.wait([worker.task], timeout=seconds)
        await worker.kill()

    def _worker(self, which: int) -> Worker:
        return self.workers[which % len(self.workers)]

    async def _go_on(self, worker: Worker, events: int) -> None:
        """Let all of them run until this one has told so much, or for a moment."""
        aim = worker.events + events
        await _until(lambda: worker.events >= aim or worker.is_done, 0.15)
        worker.told()

    # --- what always holds ---

    @invariant()
    def nothing_was_ordered_twice_or_lost(self) -> None:
        if hasattr(self, "planned"):
            self.await_(self._compare())

    async def _compare(self) -> None:
        # What the sandbox has now is marked in the database before, and whatever is placed there is here after.
        before = self.world.committed()
        rows = {each.row.reference: each async for each in self.person.entries()}
        after = self.world.committed()
        assert not {name: orders for name, orders in after.items() if len(orders) > 1}, "ordered twice"
        for name in before:
            assert rows[name].result.state in (State.SENDING, State.UNDECIDED, State.PLACED), rows[name]
        for name, entry in rows.items():
            if entry.result.state is State.PLACED:
                assert name in after, entry
                assert entry.result.order_id in (after[name][0].id, None), entry
        assert not await self.person.noted(Note.ALARM)

    @invariant()
    def the_cap_holds(self) -> None:
        if hasattr(self, "planned"):
            assert self.await_(self._held()) <= self.allowed
            assert sum(order.cents for orders in self.world.committed().values() for order in orders) <= self.allowed

    async def _held(self) -> int:
        totals = await self.person.totals()
        return totals.spent_cents + totals.reserved_cents + totals.unknown_cents

    def teardown(self) -> None:
        try:
            if hasattr(self, "planned"):
                try:
                    self.await_(self._finish())
                finally:
                    self.await_(self._close())
        finally:
            self.runner.close()
            self.cleanup.close()

    async def _finish(self) -> None:
        """With all well again, and the settle time passed, every order is decided, and both sides agree."""
        self.world.sandbox.faults.clear()
        for worker in self.workers:
            await worker.kill()
        self.workers = []
        await self._set_cap(self.planned)
        await self._pass_time(4000)
        await self._suspend([70, 1000])
        await self._compare()
        for worker in self.workers:
            await worker.kill()
        self.workers = []
        for _ in range(3):
            await self._pass_time(4000)
            await self.person.resume_all()
            await self._one_more_run(20)
        await self._compare()
        committed = self.world.committed()
        async for entry in self.person.entries():
            result = entry.result
            assert result.state in (State.PLACED, State.REFUSED), entry
            assert (result.state is State.PLACED) == (entry.row.reference in committed), entry
            assert result.state is State.PLACED or result.reason, entry

    async def _close(self) -> None:
        for worker in self.workers:
            with contextlib.suppress(Exception):
                await worker.kill()
        await self.open.aclose()
        await self.person.aclose()
        await self.world.sandbox.stop_here()


async def _until(condition: Callable[[], object], seconds: float) -> None:
    """Let everybody run until a condition holds, or for so long."""
    ends = time.monotonic() + seconds
    while not condition() and time.monotonic() < ends:  # noqa: ASYNC110 - processes tell no one
        await asyncio.sleep(0.005)


@contextlib.contextmanager
def _lease_clock_of(world: World) -> Iterator[None]:
    """Count leases by the world's time, as the database does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lease, "_steady", lambda: time.monotonic() + world.shift)
        # Small spans, so that each worker has its share of a few orders.
        patch.setattr(store, "SPAN", 2)
        yield


@pytest.mark.slow
def test_nothing_twice_nothing_lost_and_caps_kept(postgres: PostgresServer) -> None:
    examples = int(os.environ.get(EXAMPLES, "0"))
    if examples and hasattr(signal, "SIGALRM"):
        signal.alarm(0)  # the larger search takes its time

    class OverThisServer(SharedBatchUnderFire):
        server = postgres

    logger = logging.getLogger("wren_async")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        run_state_machine_as_test(
            OverThisServer,
            settings=settings(
                max_examples=examples or 6,
                stateful_step_count=10,
                deadline=None,
                derandomize=not examples,
                database=None,
                # Connections answer when they do: what fails does not always fail again, and is not made smaller.
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        logger.setLevel(level)
