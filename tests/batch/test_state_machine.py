"""Whatever goes wrong, and in whatever order: no intent is ever ordered twice, and none is lost from sight."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import logging
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar, TypeVar

import attrs
from batch_world import PATIENT, World
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from journal_model import JournalModel

from tests.loop_time import turns, until
from wren_async.batch.intents import CNaughtMass, CNaughtPrice, Intent, WrenOffset, WrenProject, WrenTrees
from wren_async.batch.journal.contract import Past, State
from wren_async.batch.journal.one_process import HeldByOne
from wren_async.batch.run.batch import Batch
from wren_async.batch.run.budget import Caps
from wren_async.sandbox import FaultKind, When

T = TypeVar("T")

LISTS = ("listOffsetOrders", "listTreeOrders", "listProjectDonations", "listOrders", "listCreditLedger")
LATE = 0.03
"""Seconds after which a late commit comes; time only passes after that."""
SHORT = 0.2
PRICES = 1_000_000

FAULTS: dict[str, dict[str, Any]] = {
    "429": {"kind": FaultKind.RATE_LIMIT, "retry_after": 7},
    "429 without a word": {"kind": FaultKind.RATE_LIMIT},
    "400": {"kind": FaultKind.STATUS, "status": 400, "when": When.BEFORE},
    "402": {"kind": FaultKind.STATUS, "status": 402, "when": When.BEFORE},
    "503 before": {"kind": FaultKind.STATUS, "status": 503, "when": When.BEFORE},
    "503 after": {"kind": FaultKind.STATUS, "status": 503, "when": When.AFTER},
    "proxy before": {"kind": FaultKind.PROXY_ERROR, "when": When.BEFORE},
    "proxy after": {"kind": FaultKind.PROXY_ERROR, "when": When.AFTER},
    "reset unread": {"kind": FaultKind.RESET, "when": When.UNREAD},
    "reset before": {"kind": FaultKind.RESET, "when": When.BEFORE},
    "reset after": {"kind": FaultKind.RESET, "when": When.AFTER},
    "reset in mid-answer": {"kind": FaultKind.RESET, "when": When.MID_BODY},
    "late commit": {"kind": FaultKind.LATE_COMMIT, "seconds": LATE},
    "not JSON": {"kind": FaultKind.MALFORMED_JSON},
    "half of JSON": {"kind": FaultKind.TRUNCATED_JSON},
    "never answered before": {"kind": FaultKind.NEVER_ANSWER, "when": When.BEFORE},
    "never answered after": {"kind": FaultKind.NEVER_ANSWER, "when": When.AFTER},
    "redirect": {"kind": FaultKind.REDIRECT},
}


FAULT_LISTS = st.lists(st.sampled_from(sorted(FAULTS)), max_size=8)


class Killed(Exception):
    """The process is gone."""


class MortalJournal:
    """The journal of a process that dies at one of its writes: before it or after it. Its store lives on."""

    WRITES: ClassVar = ("add", "seal", "mark_sending", "record", "note")

    def __init__(self, store: JournalModel) -> None:
        self.store = store
        self.writes_left: int | None = None
        self.after = False
        self.dead = False
        self.died: Callable[[], None] = lambda: None

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.store, name)
        if name == "entries":
            return self._entries
        if name in ("claimed", "doubt", "amend"):
            # By this journal's own reads and writes, at each of which it may die.
            return partial(getattr(HeldByOne, name), self)
        if not callable(value) or name in ("may_send", "listen", "pause", "halt"):
            return value
        return self._write(value) if name in self.WRITES else self._read(value)

    def _read(self, method: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Coroutine[Any, Any, Any]]:
        async def call(*args: Any) -> Any:
            self._check()
            return await method(*args)

        return call

    def _write(self, method: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Coroutine[Any, Any, Any]]:
        async def call(*args: Any, **options: Any) -> Any:
            self._check()
            # A commit takes its time, in which other tasks go on.
            await asyncio.sleep(0)
            self._check()
            if self.writes_left == 0 and not self.after:
                self._die()
            result = await method(*args, **options)
            if self.writes_left == 0:
                self._die()
            if self.writes_left is not None:
                self.writes_left -= 1
            return result

        return call

    async def _entries(self, *states: State) -> AsyncIterator[Any]:
        async for entry in self.store.entries(*states):
            self._check()
            yield entry

    def _die(self) -> None:
        self.dead = True
        self._check()

    def _check(self) -> None:
        if self.dead:
            raise Killed


def intents_of(api: str, count: int) -> list[Intent]:
    """Some orders of every kind, identical ones among them."""
    wren: list[Intent] = [
        WrenOffset(tons=1, payment_method="credits"),
        WrenTrees(amount_of_trees=2, payment_method="credits", note="a note"),
        WrenProject(project_id=18, amount_in_usd_cents=300, payment_method="credits"),
        WrenOffset(tons=1, payment_method="credits"),
    ]
    cnaught: list[Intent] = [CNaughtMass(amount_kg=5), CNaughtPrice(total_price_usd_cents=40), CNaughtMass(amount_kg=5)]
    kinds = {"wren": wren, "cnaught": cnaught, "both": [*wren, *cnaught]}[api]
    return [kinds[index % len(kinds)] for index in range(count)]


def _larger(intent: Intent) -> Intent:
    """The same order, of ten times the amount."""
    name = {
        WrenOffset: "tons",
        WrenTrees: "amount_of_trees",
        WrenProject: "amount_in_usd_cents",
        CNaughtMass: "amount_kg",
        CNaughtPrice: "total_price_usd_cents",
    }[type(intent)]
    return attrs.evolve(intent, **{name: getattr(intent, name) * 10})


class BatchesUnderFire(RuleBasedStateMachine):
    """Runs, stops, leaves and kills a batch while servers, connections and clocks misbehave."""

    def __init__(self) -> None:
        super().__init__()
        self.logger = logging.getLogger("wren_async")
        self.level_before = self.logger.level
        self.logger.setLevel(logging.CRITICAL)
        self.runner = asyncio.Runner()
        self.jumped = False
        self.copies: list[JournalModel] = []
        self.other: JournalModel | None = None
        """A copy of the journal from before any run, which is then run like the journal itself."""
        self.was_restored = False
        self.are_two = False
        """Whether both copies of the journal were run."""
        self.is_changed = False
        self.is_behind = False
        """Whether the journal may be older than what was placed, because it is a copy or a new one."""

    def await_(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @initialize(
        api=st.sampled_from(["wren", "cnaught", "both"]),
        count=st.integers(1, 7),
        lag=st.sampled_from([0.0, 120.0]),
        capped=st.booleans(),
        minutes_of_keys=st.sampled_from([11, 24 * 60]),
    )
    def begin(self, api: str, count: int, lag: float, capped: bool, minutes_of_keys: int) -> None:
        self.lag = lag
        self.world = World.of(lag=lag)
        # No source says for how long a server knows a key: a little longer than it is trusted here, or a day.
        self.world.sandbox.cnaught_api.behaviours.idempotency_retention = timedelta(minutes=minutes_of_keys)
        self.store = JournalModel()
        self.intents = intents_of(api, count)
        self.await_(self._begin())
        self.other = copy.deepcopy(self.store)
        planned = self.await_(self.store.totals()).planned_cents
        self.cap = planned * 2 // 3 if capped else PRICES
        self.concurrency = 3
        self.none_was_placed = False

    async def _begin(self) -> None:
        await self.world.sandbox.start_here()
        await self.world.seed()
        async with self.world.batch(self.store) as batch:
            await batch.plan(self.intents)

    # --- what goes wrong ---

    def break_orders(self, faults: list[str]) -> None:
        """The next requests that place orders meet these faults."""
        self.world.timeout = SHORT if any("never" in fault for fault in faults) else PATIENT
        operations = sorted({intent.call("r", "k").operation.id for intent in self.intents})
        for index, fault in enumerate(faults):
            operation = operations[index % len(operations)]
            self.world.sandbox.faults.add(**FAULTS[fault], operation=operation, times=1)

    @rule(fault=st.sampled_from(["503 before", "reset after", "not JSON"]), times=st.integers(1, 5))
    def lists_go_wrong(self, fault: str, times: int) -> None:
        for operation in LISTS:
            self.world.sandbox.faults.add(**FAULTS[fault], operation=operation, times=times)

    @rule(minutes=st.sampled_from([1, 9, 16, 90]))
    def time_passes(self, minutes: int) -> None:
        self.await_(self._late_commits())
        self.world.pass_time(minutes * 60)

    async def _late_commits(self) -> None:
        await turns()  # whatever was sent just now arrives
        await until(lambda: not self.world.sandbox.server.late_commits)

    @rule(hours=st.sampled_from([-24, -1, 1, 24]))
    def the_clock_here_jumps(self, hours: int) -> None:
        self.world.jump += hours * 3600
        self.jumped = True

    # --- what is done ---

    @rule(faults=FAULT_LISTS)
    def run_to_the_end(self, faults: list[str]) -> None:
        self.break_orders(faults)
        self.await_(self._run())

    @rule(faults=FAULT_LISTS, events=st.integers(0, 3))
    def stop(self, faults: list[str], events: int) -> None:
        self.break_orders(faults)
        self.await_(self._run(stop_after=events))

    @rule(faults=FAULT_LISTS, events=st.integers(0, 3))
    def leave(self, faults: list[str], events: int) -> None:
        self.break_orders(faults)
        self.await_(self._run(leave_after=events))

    @rule(faults=FAULT_LISTS, count=st.integers(0, 60))
    def cancel(self, faults: list[str], count: int) -> None:
        self.break_orders(faults)
        self.await_(self._run_and_cancel(count))

    @rule(faults=FAULT_LISTS, writes=st.integers(0, 30), after=st.booleans())
    def kill(self, faults: list[str], writes: int, after: bool) -> None:
        self.break_orders(faults)
        journal = MortalJournal(self.store)
        journal.writes_left, journal.after = writes, after
        try:
            self.await_(self._run(journal))
        except* Killed:
            pass  # the kill may come out of a TaskGroup, into which `suppress` looks only from Python 3.12 on

    @rule(faults=FAULT_LISTS, writes=st.integers(0, 12), after=st.booleans(), kills=st.integers(1, 3))
    def kill_while_recovering(self, faults: list[str], writes: int, after: bool, kills: int) -> None:
        self.kill(["reset before", "reset after", "503 before"], 8, after)
        for _ in range(kills):
            self.kill(faults, writes, after)

    @rule(faults=FAULT_LISTS, send_again=st.booleans())
    def reconcile(self, faults: list[str], send_again: bool) -> None:
        self.break_orders(faults)
        before = len(self.world.sandbox.orders)
        self.await_(self._run(reconcile={"send_again": send_again}))
        self.await_(self._late_commits())
        assert send_again or len(self.world.sandbox.orders) == before, "searching buys nothing"

    @rule()
    def copy_the_journal(self) -> None:
        self.copies.append(copy.deepcopy(self.store))

    @rule(which=st.integers(0, 5))
    def restore_a_copy(self, which: int) -> None:
        """An older copy in the place of the journal, once the lists show what was placed since."""
        if not self.copies:
            return
        self.time_passes(16)
        self.store = copy.deepcopy(self.copies[which % len(self.copies)])
        # A file knows by its lock, or by its identity, that it is a copy.
        self.store.past = Past.RUN_BEFORE
        self.is_behind = self.was_restored = True

    @rule()
    def go_on_with_the_other_copy(self) -> None:
        """Of two copies that were made before any run, neither knows what was sent from the other."""
        if self.other is None:
            return
        self.time_passes(16)
        self.store, self.other = self.other, self.store
        self.copies = []
        self.is_behind = self.was_restored = self.are_two = True

    @rule(changed=st.booleans())
    def continue_in_a_new_journal(self, changed: bool) -> None:
        """The journal is lost, or refused because its log is, and another one continues its batch."""
        self.time_passes(16)
        # Once only: what costs a thousand times as much is above every cap.
        if changed and not self.is_changed:
            self.is_changed = True
            self.intents = [_larger(intent) for intent in self.intents]
        self.copies, self.other = [], None
        # Planning asks for prices, by operations that meet these faults too.
        self.world.sandbox.faults.clear()
        self.world.timeout = PATIENT
        self.await_(self._continue(self.await_(self._root())))

    async def _root(self) -> str:
        return (await self.store.entry(1)).row.reference.rpartition("-")[0]

    async def _continue(self, root: str) -> None:
        self.store = JournalModel()
        self.is_behind = True
        self.none_was_placed = not self.world.committed()
        async with self.world.batch(self.store, continues=root) as batch:
            await batch.plan(self.intents)
        planned = (await self.store.totals()).planned_cents
        # What was placed at an earlier price is counted there; the caps of the new journal hold for all of it.
        self.cap = max(self.cap, planned)

    @rule()
    def another_input_is_refused(self) -> None:
        self.await_(self._plan_changed())

    async def _plan_changed(self) -> None:
        from wren_async.batch.input.planner import InputChanged

        async with self.world.batch(self.store) as batch:
            await batch.plan(self.intents)
            try:
                await batch.plan(self.intents[:-1])
            except InputChanged:
                return
        raise AssertionError("a shorter input was taken for the same")

    async def _run(
        self,
        journal: Any = None,
        *,
        stop_after: int | None = None,
        leave_after: int | None = None,
        reconcile: dict[str, Any] | None = None,
    ) -> None:
        wren, cnaught = self.world.clients()
        try:
            async with self._batch(journal, wren, cnaught) as batch:
                count = 0
                work = batch.run() if reconcile is None else batch.reconcile(**reconcile)
                async with contextlib.aclosing(work) as events:
                    async for _ in events:
                        count += 1
                        if stop_after is not None and count > stop_after:
                            batch.stop()
                        if leave_after is not None and count > leave_after:
                            break
        finally:
            # What is on the wire when the process is gone is torn.
            try:
                await wren.aclose(0 if journal else 5)
            finally:
                await cnaught.aclose(0 if journal else 5)

    async def _run_and_cancel(self, count: int) -> None:
        task = asyncio.ensure_future(self._run())
        for _ in range(count):
            await turns(20)
            if task.done():
                break
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    def _batch(self, journal: Any, wren: Any, cnaught: Any) -> Batch:
        return Batch(
            journal or self.store,
            wren=wren,
            cnaught=cnaught,
            caps=Caps(cents=self.cap, failures=None),
            concurrency=self.concurrency,
            none_was_placed=self.none_was_placed,
            timing=self.world.timing,
            patience=1.0,
        )

    # --- what always holds ---

    @invariant()
    def nothing_was_ordered_twice(self) -> None:
        if hasattr(self, "world"):
            twice = {name: orders for name, orders in self.world.committed().items() if len(orders) > 1}
            assert not twice, twice

    @invariant()
    def the_cap_holds(self) -> None:
        if not hasattr(self, "cap"):
            return
        totals = self.await_(self.store.totals())
        # Of two copies, one puts in doubt all that the other may have sent, and what is in doubt counts as spent.
        assert self.are_two or totals.spent_cents + totals.reserved_cents <= self.cap
        # What one copy was refused the other may have placed, and the first one counts it as not bought.
        if not (self.are_two and self.await_(self._was_any_refused())):
            assert sum(order.cents for orders in self.world.committed().values() for order in orders) <= self.cap

    async def _was_any_refused(self) -> bool:
        stores = [store for store in (self.store, self.other) if store is not None]
        return any([(await store.totals()).orders[State.REFUSED] for store in stores])

    @invariant()
    def what_is_placed_is_there(self) -> None:
        if hasattr(self, "world"):
            self.await_(self._compare())

    async def _compare(self) -> None:
        await self._late_commits()
        committed = self.world.committed()
        async for entry in self.store.entries():
            orders = committed.pop(entry.row.reference, [])
            if entry.result.state is State.PLACED:
                assert len(orders) == 1, entry
                assert entry.result.order_id in (orders[0].id, None)
            elif orders:
                possible = {State.SENDING, State.UNDECIDED}
                possible |= {State.PENDING} if self.is_behind else set()
                # Refused as one copy tells, and placed from another: the refusal is final there.
                possible |= {State.REFUSED} if self.was_restored else set()
                assert entry.result.state in possible, entry
        assert not committed

    def teardown(self) -> None:
        try:
            if hasattr(self, "world"):
                self._finish()
        finally:
            if hasattr(self, "world"):
                self.await_(self.world.sandbox.stop_here())
            self.runner.close()
            self.logger.setLevel(self.level_before)

    def _finish(self) -> None:
        """With all well again and the settle time passed, by every clock that was ever used, everything is decided."""
        self.world.sandbox.faults.clear()
        self.world.timeout = PATIENT
        self.cap = PRICES
        for _ in range(3):
            self.time_passes(60 * 24 * 30 if self.jumped else 30)
            self.run_to_the_end([])
        self.await_(self._settle_other_amounts())
        self.is_behind = False
        self.nothing_was_ordered_twice()
        self.what_is_placed_is_there()
        self.await_(self._all_is_decided())

    async def _settle_other_amounts(self) -> None:
        """What was ordered by another input is left to a person."""
        async with self.world.batch(self.store) as batch:
            async for entry in self.store.entries(State.UNDECIDED):
                [order] = self.world.committed()[entry.row.reference]
                await batch.mark_placed(entry.row.position, order.id, cents=order.cents)

    async def _all_is_decided(self) -> None:
        async for entry in self.store.entries():
            result = entry.result
            assert result.state in (State.PLACED, State.REFUSED), entry
            if result.state is not State.PLACED:
                assert result.reason, entry


BatchesUnderFire.TestCase.settings = settings(
    max_examples=int(os.environ.get("STATE_MACHINE_EXAMPLES", "30")),
    stateful_step_count=6,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
TestBatchesUnderFire = BatchesUnderFire.TestCase
