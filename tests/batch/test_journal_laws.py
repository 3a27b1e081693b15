"""The journal in a file, closed and opened again at any time, is the journal in memory."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from journal_crashes import row

from wren_async.batch.journal.contract import Entry, Journal, JournalError, Result, State, Totals
from wren_async.batch.journal.memory import MemoryJournal
from wren_async.batch.journal.sqlite import SqliteJournal
from wren_async.errors import InvalidArgument

T = TypeVar("T")

POSITIONS = st.integers(0, 8)
TIMES = st.datetimes(min_value=datetime(2020, 1, 1), timezones=st.just(UTC))
TEXT = st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)
RESULTS = st.builds(
    Result,
    state=st.sampled_from(State),
    order_id=TEXT,
    cents=st.none() | st.integers(0, 10**9),
    kilograms=st.none() | st.decimals(0, 10**6, allow_nan=False),
    certificate=TEXT,
    attempts=st.integers(0, 9),
    replayed=st.booleans(),
    reconciled=st.booleans(),
    reason=TEXT,
    first_sent=st.none() | TIMES,
    last_sent=st.none() | TIMES,
)


async def told(write: Coroutine[Any, Any, None]) -> type[Exception] | None:
    """What a write raises."""
    try:
        await write
    except (JournalError, InvalidArgument) as error:
        return type(error)
    return None


class Journals(RuleBasedStateMachine):
    """Does the same to both journals and compares all they tell."""

    @initialize()
    def begin(self) -> None:
        self.closing = contextlib.ExitStack()
        directory = self.closing.enter_context(tempfile.TemporaryDirectory())
        self.runner = self.closing.enter_context(asyncio.Runner())
        self.path = Path(directory) / "journal"
        self.model: Journal = MemoryJournal()
        self.real: Journal = self.run(SqliteJournal.open(self.path))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def agree(self, of_model: Coroutine[Any, Any, None], of_real: Coroutine[Any, Any, None]) -> None:
        assert self.run(told(of_real)) == self.run(told(of_model))

    @rule(positions=st.lists(POSITIONS, max_size=4))
    def add(self, positions: list[int]) -> None:
        rows = [row(position) for position in positions]
        self.agree(self.model.add(rows), self.real.add(rows))

    @rule(digest=st.sampled_from(["one input", "another"]), for_real=st.integers(0, 9))
    def seal(self, digest: str, for_real: int) -> None:
        if for_real == 0:  # rarely: a sealed journal takes nothing in
            self.agree(self.model.seal(digest), self.real.seal(digest))

    @rule(positions=st.lists(POSITIONS, max_size=3), at=TIMES)
    def send(self, positions: list[int], at: datetime) -> None:
        self.agree(self.model.sending(positions, at), self.real.sending(positions, at))

    @rule(position=POSITIONS, result=RESULTS)
    def settle(self, position: int, result: Result) -> None:
        self.agree(self.model.settle(position, result), self.real.settle(position, result))

    @rule(moves=st.lists(st.tuples(POSITIONS, st.none() | RESULTS), max_size=9), at=TIMES)
    def move_many_at_once(self, moves: list[tuple[int, Result | None]], at: datetime) -> None:
        def asked(journal: Journal) -> list[Coroutine[Any, Any, type[Exception] | None]]:
            return [
                told(journal.sending([position], at) if result is None else journal.settle(position, result))
                for position, result in moves
            ]

        async def together() -> list[type[Exception] | None]:
            return list(await asyncio.gather(*asked(self.real)))

        assert self.run(together()) == [self.run(each) for each in asked(self.model)]

    @rule(name=st.sampled_from("ab"), value=st.text(st.characters(exclude_categories=["Cs"])))
    def note(self, name: str, value: str) -> None:
        self.agree(self.model.note(name, value), self.real.note(name, value))

    @rule()
    def open_again(self) -> None:
        batch_id, runs = self.real.batch_id, self.model.past
        self.run(self.real.aclose())
        self.real = self.run(SqliteJournal.open(self.path))
        assert (self.real.batch_id, self.real.past) == (batch_id, runs)

    @invariant()
    def tell_the_same(self) -> None:
        if hasattr(self, "real"):
            assert self.run(everything(self.real)) == self.run(everything(self.model))

    def teardown(self) -> None:
        if hasattr(self, "real"):
            self.run(self.real.aclose())
            self.closing.close()


async def everything(journal: Journal) -> tuple[list[Entry], list[Entry], Totals, bool, list[str | None]]:
    return (
        [entry async for entry in journal.entries()],
        [entry async for entry in journal.entries(State.PENDING, State.UNDECIDED)],
        await journal.totals(),
        await journal.sealed(),
        [await journal.noted(name) for name in "ab"],
    )


TestJournals = Journals.TestCase
TestJournals.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
