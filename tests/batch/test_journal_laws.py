"""The journal in a file, opened again at any time, and the one in memory do what the model by hand does."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import tempfile
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from journal_crashes import row
from journal_model import JournalModel

from wren_async.batch.journal.contract import Entry, Journal, JournalError, Result, State, Totals
from wren_async.batch.journal.memory import MemoryJournal
from wren_async.batch.journal.postgres.store import PostgresJournal
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
    """Does the same to all three journals and compares what they tell."""

    @initialize()
    def begin(self) -> None:
        self.closing = contextlib.ExitStack()
        directory = self.closing.enter_context(tempfile.TemporaryDirectory())
        self.runner = self.closing.enter_context(asyncio.Runner())
        self.path = Path(directory) / "journal"
        self.model: Journal = JournalModel()
        self.memory: Journal = MemoryJournal()
        self.file: Journal = self.run(SqliteJournal.open(self.path))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def agree(self, write: Callable[[Journal], Coroutine[Any, Any, None]]) -> None:
        expected = self.run(told(write(self.model)))
        assert self.run(told(write(self.memory))) == expected
        assert self.run(told(write(self.file))) == expected

    @rule(positions=st.lists(POSITIONS, max_size=4))
    def add(self, positions: list[int]) -> None:
        self.agree(lambda journal: journal.add([row(position) for position in positions]))

    @rule(digest=st.sampled_from(["one input", "another"]), for_real=st.integers(0, 9))
    def seal(self, digest: str, for_real: int) -> None:
        if for_real == 0:  # rarely: a sealed journal takes nothing in
            self.agree(lambda journal: journal.seal(digest))

    @rule(positions=st.lists(POSITIONS, max_size=3), at=TIMES)
    def mark_sending(self, positions: list[int], at: datetime) -> None:
        self.agree(lambda journal: journal.mark_sending(positions, at))

    @rule(position=POSITIONS, result=RESULTS)
    def record(self, position: int, result: Result) -> None:
        self.agree(lambda journal: journal.record(position, result))

    @rule(steps=st.lists(st.tuples(POSITIONS, st.none() | RESULTS), max_size=9), at=TIMES)
    def many_steps_at_once(self, steps: list[tuple[int, Result | None]], at: datetime) -> None:
        def asked(journal: Journal) -> list[Coroutine[Any, Any, type[Exception] | None]]:
            return [
                told(journal.mark_sending([position], at) if result is None else journal.record(position, result))
                for position, result in steps
            ]

        async def together(journal: Journal) -> list[type[Exception] | None]:
            return list(await asyncio.gather(*asked(journal)))

        expected = [self.run(each) for each in asked(self.model)]
        assert self.run(together(self.file)) == expected
        assert self.run(together(self.memory)) == expected

    @rule(name=st.sampled_from("ab"), value=st.text(st.characters(exclude_categories=["Cs"])))
    def note(self, name: str, value: str) -> None:
        self.agree(lambda journal: journal.note(name, value))

    @rule()
    def open_again(self) -> None:
        batch_id, past = self.file.batch_id, self.model.past
        assert self.memory.past is past
        self.run(self.file.aclose())
        self.file = self.run(SqliteJournal.open(self.path))
        assert (self.file.batch_id, self.file.past) == (batch_id, past)

    @invariant()
    def tell_the_same(self) -> None:
        if hasattr(self, "file"):
            expected = self.run(everything(self.model))
            assert self.run(everything(self.file)) == expected
            assert self.run(everything(self.memory)) == expected

    def teardown(self) -> None:
        if hasattr(self, "file"):
            self.run(self.file.aclose())
        if hasattr(self, "closing"):
            self.closing.close()


async def everything(journal: Journal) -> tuple[list[Entry], list[Entry], set[int], Totals, bool, list[str | None]]:
    return (
        [entry async for entry in journal.entries()],
        [entry async for entry in journal.entries(State.PENDING, State.UNDECIDED)],
        {*await journal.pending_among(range(12))},
        await journal.totals(),
        await journal.sealed(),
        [await journal.noted(name) for name in "ab"],
    )


class SharedJournals(Journals):
    """The same with the journal in PostgreSQL, opened again by another process each time nothing is being sent."""

    address = ""
    numbers = itertools.count()

    @initialize()
    def begin(self) -> None:
        self.closing = contextlib.ExitStack()
        self.runner = self.closing.enter_context(asyncio.Runner())
        self.name = f"batch {next(self.numbers)}"
        self.model: Journal = JournalModel()
        self.memory: Journal = MemoryJournal()
        self.file: Journal = self.run(PostgresJournal.open(self.address, self.name))

    @rule()
    def open_again(self) -> None:
        if self.run(self.model.totals()).orders[State.SENDING]:
            return
        self.run(self.file.aclose())
        self.file = self.run(PostgresJournal.open(self.address, self.name))


TestJournals = Journals.TestCase
TestJournals.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


class TestSharedJournals(SharedJournals.TestCase):  # type: ignore[misc,valid-type]
    settings = settings(
        max_examples=8, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )

    @pytest.fixture(autouse=True)
    def _database(self, database_address: str) -> None:
        SharedJournals.address = database_address
