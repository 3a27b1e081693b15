"""What every journal promises, whatever keeps it."""

from __future__ import annotations

import asyncio
import gc
import itertools
import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import attrs
import pytest
from journal_model import JournalModel

from wren_async.batch.journal.contract import Journal, JournalError, Past, Replacement, Result, Row, State
from wren_async.batch.journal.database import PAGE
from wren_async.batch.journal.memory import MemoryJournal
from wren_async.batch.journal.postgres.store import PostgresJournal
from wren_async.batch.journal.sqlite import SqliteJournal
from wren_async.errors import InvalidArgument

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=3, microseconds=17)

LEGAL = {
    ("pending", "sending"),
    ("sending", "pending"),
    ("sending", "undecided"),
    ("sending", "placed"),
    ("sending", "refused"),
    ("undecided", "undecided"),
    ("undecided", "placed"),
    ("undecided", "refused"),
}
"""Every move that needs no proof from outside."""


@pytest.fixture(params=["memory", "file", "model", "postgres"])
async def journal(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Journal]:
    journal: Journal
    match request.param:
        case "postgres":
            journal = await PostgresJournal.open(request.getfixturevalue("database_address"), "rides")
        case "memory":
            journal = MemoryJournal()
        case "file":
            journal = await SqliteJournal.open(tmp_path / "batch")
        case _:
            journal = JournalModel()
    yield journal
    await journal.aclose()


def row(position: int, *, cents: int = 250, grams: int = 1000) -> Row:
    return Row(
        position=position,
        intent=f'{{"line":{position},"note":"Zürich"}}',
        digest=f"digest {position}",
        reference=f"r{position}",
        key=f"k{position}",
        cents=cents,
        grams=grams,
    )


async def bring(journal: Journal, position: int, state: State) -> None:
    """Take in an order and move it to a state, as a run would."""
    await journal.add([row(position)])
    if state is not State.PENDING:
        await journal.mark_sending([position], NOON)
    if state not in (State.PENDING, State.SENDING):
        await journal.record(position, Result(state=state))


async def positions(journal: Journal, *states: State) -> list[int]:
    return [entry.row.position async for entry in journal.entries(*states)]


async def test_a_new_order_is_pending_and_otherwise_blank(journal: Journal) -> None:
    await journal.add([row(1)])
    entry = await journal.entry(1)
    assert entry.row == row(1)
    assert entry.result == Result(state=State.PENDING)


async def test_an_order_comes_back_with_all_that_was_noted_of_it(journal: Journal) -> None:
    await bring(journal, 1, State.SENDING)
    result = Result(
        state=State.PLACED,
        order_id="o-1",
        cents=251,
        kilograms=Decimal("10.500000000000000001"),
        certificate="https://certificates.example/1",
        attempts=3,
        replayed=True,
        reconciled=True,
        reason="found, by “reference”",
        first_sent=NOON,
        last_sent=LATER.astimezone(timezone(timedelta(hours=-7))),
    )
    await journal.record(1, result)
    assert (await journal.entry(1)).result == result
    assert [entry.result async for entry in journal.entries(State.PLACED)] == [result]


async def test_rows_are_all_taken_in_or_none(journal: Journal) -> None:
    await journal.add([row(2)])
    for rows in ([row(1), row(2)], [row(3), row(3)], [row(4), row(0)], [row(5), row(-1)]):
        with pytest.raises(JournalError):
            await journal.add(rows)
    assert await positions(journal) == [2]
    assert (await journal.totals()).planned_cents == 250


async def test_no_rows_are_no_mistake(journal: Journal) -> None:
    await journal.add([])
    await journal.mark_sending([], NOON)
    assert await positions(journal) == []


async def test_after_the_seal_nothing_is_taken_in(journal: Journal) -> None:
    await journal.add([row(1)])
    assert await journal.sealed() is False
    await journal.seal("whole input")
    assert await journal.sealed() is True
    with pytest.raises(JournalError, match="taken in already"):
        await journal.add([row(2)])


async def test_a_seal_is_repeated_only_for_the_same_input(journal: Journal) -> None:
    await journal.seal("whole input")
    await journal.seal("whole input")
    with pytest.raises(JournalError, match="another input"):
        await journal.seal("changed input")


async def test_digests_come_by_position_from_any_row(journal: Journal) -> None:
    await journal.add([row(position) for position in (9, 2, 4, 7)])
    assert list(await journal.digests(1, 2)) == [(2, "digest 2"), (4, "digest 4")]
    assert list(await journal.digests(4, 10)) == [(4, "digest 4"), (7, "digest 7"), (9, "digest 9")]
    assert list(await journal.digests(10, 10)) == []
    assert list(await journal.digests(1, 0)) == []


@pytest.mark.parametrize(("was", "becomes"), list(itertools.product(State, State)))
async def test_an_order_moves_only_where_it_may(journal: Journal, was: State, becomes: State) -> None:
    await bring(journal, 1, was)

    async def move() -> None:
        if becomes is State.SENDING:
            await journal.mark_sending([1], LATER)
        else:
            await journal.record(1, Result(state=becomes, reason="because"))

    if (was.value, becomes.value) in LEGAL:
        await move()
        assert (await journal.entry(1)).result.state is becomes
        return
    before = await journal.entry(1)
    with pytest.raises(JournalError, match=f"order 1 is {was}"):
        await move()
    assert await journal.entry(1) == before


@pytest.mark.parametrize("was", list(State))
async def test_proof_from_outside_frees_an_undecided_order_and_no_settled_one(journal: Journal, was: State) -> None:
    await bring(journal, 1, was)
    proof = Result(state=State.PENDING, reconciled=True, reason="not in the list")
    if was in (State.SENDING, State.UNDECIDED):
        await journal.record(1, proof)
        assert (await journal.entry(1)).result == proof
        await journal.mark_sending([1], LATER)
    else:
        with pytest.raises(JournalError):
            await journal.record(1, proof)


async def test_being_sent_is_no_result(journal: Journal) -> None:
    await bring(journal, 1, State.PENDING)
    with pytest.raises(InvalidArgument, match="sending"):
        await journal.record(1, Result(state=State.SENDING))
    assert await positions(journal, State.PENDING) == [1]


async def test_orders_are_marked_all_or_none(journal: Journal) -> None:
    await journal.add([row(position) for position in (1, 2, 3)])
    await journal.mark_sending([2], NOON)
    for wrong in ([1, 2], [1, 1], [3, 4]):
        with pytest.raises(JournalError):
            await journal.mark_sending(wrong, NOON)
    assert await positions(journal, State.SENDING) == [2]
    await journal.mark_sending(iter([1, 3]), NOON)
    assert await positions(journal, State.SENDING) == [1, 2, 3]


async def test_what_was_never_taken_in_is_named(journal: Journal) -> None:
    with pytest.raises(JournalError, match="order 7: the journal has no such order"):
        await journal.entry(7)
    with pytest.raises(JournalError, match="order 7"):
        await journal.record(7, Result(state=State.PLACED))
    with pytest.raises(JournalError, match="order 7"):
        await journal.mark_sending([7], NOON)


async def test_the_times_of_sending_outlast_a_result_that_does_not_tell_them(journal: Journal) -> None:
    await bring(journal, 1, State.SENDING)
    await journal.record(1, Result(state=State.UNDECIDED, last_sent=LATER))
    await journal.record(1, Result(state=State.PLACED, reconciled=True))
    result = (await journal.entry(1)).result
    assert (result.first_sent, result.last_sent) == (NOON, LATER)


async def test_an_order_proven_not_sent_has_no_times(journal: Journal) -> None:
    await bring(journal, 1, State.SENDING)
    await journal.record(1, Result(state=State.PENDING, attempts=2))
    assert (await journal.entry(1)).result == Result(state=State.PENDING, attempts=2)


async def test_sending_again_keeps_the_first_time_and_clears_the_old_finding(journal: Journal) -> None:
    await bring(journal, 1, State.UNDECIDED)
    await journal.record(1, Result(state=State.PENDING, reconciled=True, attempts=2, reason="no", first_sent=NOON))
    await journal.mark_sending([1], LATER)
    expected = Result(state=State.SENDING, attempts=2, first_sent=NOON, last_sent=LATER)
    assert (await journal.entry(1)).result == expected


async def test_times_without_a_zone_and_masses_without_an_end_are_refused(journal: Journal) -> None:
    await bring(journal, 1, State.SENDING)
    await journal.add([row(2)])
    naive = NOON.replace(tzinfo=None)
    with pytest.raises(InvalidArgument, match="time zone"):
        await journal.mark_sending([2], naive)
    for field in ({"first_sent": naive}, {"last_sent": naive}, {"kilograms": Decimal("NaN")}):
        with pytest.raises(InvalidArgument):
            await journal.record(1, Result(state=State.PLACED, **field))  # type: ignore[arg-type]
    assert await positions(journal, State.SENDING) == [1]


@pytest.mark.parametrize("oddity", ["\ud800", "\0"])
async def test_a_result_is_kept_even_where_the_server_wrote_what_is_no_text(journal: Journal, oddity: str) -> None:
    await bring(journal, 1, State.SENDING)
    await journal.record(1, Result(state=State.REFUSED, reason=f"no {oddity} funds"))
    result = (await journal.entry(1)).result
    assert result.state is State.REFUSED
    assert result.reason is not None
    assert result.reason.endswith("funds")


async def test_totals_follow_every_move(journal: Journal) -> None:
    await journal.add([row(position, cents=10**position, grams=2 * 10**position) for position in range(1, 6)])
    await journal.mark_sending([2, 3, 4, 5], NOON)
    await journal.record(3, Result(state=State.UNDECIDED))
    await journal.record(4, Result(state=State.PLACED, cents=10_007, kilograms=Decimal("20.0015")))
    await journal.record(5, Result(state=State.REFUSED))
    totals = await journal.totals()
    assert totals.orders == dict.fromkeys(State, 1)
    assert (totals.spent_cents, totals.reserved_cents, totals.planned_cents) == (10_007, 1_100, 111_110)
    assert (totals.spent_grams, totals.reserved_grams, totals.planned_grams) == (20_002, 2_200, 222_220)


async def test_a_cost_that_was_not_answered_is_told_as_unknown_and_not_as_the_planned_one(journal: Journal) -> None:
    await bring(journal, 1, State.SENDING)
    await journal.record(1, Result(state=State.PLACED))
    totals = await journal.totals()
    assert (totals.spent_cents, totals.spent_grams) == (0, 1000)
    assert (totals.unknown_orders, totals.unknown_cents) == (1, 250)


async def test_an_empty_batch_has_totals_too(journal: Journal) -> None:
    totals = await journal.totals()
    assert totals.orders == dict.fromkeys(State, 0)
    assert totals.planned_cents == totals.reserved_grams == 0


async def test_entries_come_by_position_in_the_states_that_were_named(journal: Journal) -> None:
    await journal.add([row(position) for position in range(2 * PAGE + 10, 0, -1)])
    await journal.mark_sending(range(1, 2 * PAGE + 10, 2), NOON)
    await journal.record(7, Result(state=State.UNDECIDED))
    assert await positions(journal) == list(range(1, 2 * PAGE + 11))
    assert await positions(journal, State.PENDING) == list(range(2, 2 * PAGE + 11, 2))
    assert await positions(journal, State.UNDECIDED, State.PENDING) == sorted({7, *range(2, 2 * PAGE + 11, 2)})
    assert await positions(journal, State.PLACED) == []


async def test_orders_may_move_while_others_are_read(journal: Journal) -> None:
    await journal.add([row(position) for position in range(1, PAGE + 51)])
    seen = []
    async for entry in journal.entries(State.PENDING):
        seen.append(entry.row.position)
        await journal.mark_sending([entry.row.position], NOON)
    assert seen == list(range(1, PAGE + 51))


async def test_the_last_note_under_a_name_stays(journal: Journal) -> None:
    assert await journal.noted("ledger checkpoint") is None
    await journal.note("ledger checkpoint", "entry 5")
    await journal.note("other", "")
    await journal.note("ledger checkpoint", "entry 9")
    assert await journal.noted("ledger checkpoint") == "entry 9"
    assert await journal.noted("other") == ""


async def test_where_orders_go_is_changed_only_from_what_it_was_found_to_be(journal: Journal) -> None:
    assert await journal.replace("place", None, "here", api="cnaught", is_same=False) is Replacement.MADE
    assert await journal.replace("place", None, "there", api="cnaught", is_same=False) is Replacement.OUTDATED
    assert await journal.noted("place") == "here", "the first counts"
    assert await journal.replace("place", "here", "there", api="cnaught", is_same=False) is Replacement.MADE
    assert await journal.replace("place", "here", "else", api="cnaught", is_same=True) is Replacement.OUTDATED
    assert await journal.noted("place") == "there"


@pytest.mark.parametrize("state", list(State))
async def test_where_orders_go_is_changed_until_one_of_that_api_was_sent(journal: Journal, state: State) -> None:
    """One that came back unsent, as with a token that is not taken, binds nobody."""
    masses, trees = '{"kind":"cnaught.mass"}', '{"kind":"wren.trees"}'
    await journal.add([attrs.evolve(row(1), intent=masses), attrs.evolve(row(2), intent=trees)])
    await journal.note("place", "here")
    await journal.mark_sending([1], NOON)
    if state is not State.SENDING:
        await journal.record(1, Result(state=state))
    stays = state is not State.PENDING
    made = await journal.replace("place", "here", "there", api="cnaught", is_same=False)
    assert made is (Replacement.SENT if stays else Replacement.MADE)
    now = await journal.noted("place")
    assert now == ("here" if stays else "there")
    assert await journal.replace("place", now, "new", api="cnaught", is_same=True) is Replacement.MADE


async def test_where_orders_of_one_api_go_says_nothing_of_the_other(journal: Journal) -> None:
    await journal.add([attrs.evolve(row(1), intent='{"kind":"wren.trees"}')])
    await journal.note("place", "here")
    await journal.mark_sending([1], NOON)
    await journal.record(1, Result(state=State.PLACED))
    # In a database this very process has joined: it is no other.
    assert await journal.replace("place", "here", "there", api="cnaught", is_same=False) is Replacement.MADE
    assert await journal.replace("place", "there", "new", api="wren", is_same=False) is Replacement.SENT


async def test_of_many_that_would_send_an_order_one_may(journal: Journal) -> None:
    await journal.add([row(1)])
    outcomes = await asyncio.gather(*(journal.mark_sending([1], NOON) for _ in range(20)), return_exceptions=True)
    assert outcomes.count(None) == 1
    assert sum(isinstance(outcome, JournalError) for outcome in outcomes) == 19


async def test_one_refused_write_leaves_its_neighbours_alone(journal: Journal) -> None:
    await journal.add([row(position) for position in range(1, 41)])
    await journal.mark_sending([5, 17], NOON)
    outcomes = await asyncio.gather(
        *(journal.mark_sending([position], NOON) for position in range(1, 41)), return_exceptions=True
    )
    assert [position for position, outcome in enumerate(outcomes, 1) if outcome is not None] == [5, 17]
    assert (await journal.totals()).orders[State.SENDING] == 40


async def test_a_closed_journal_says_so(journal: Journal) -> None:
    await journal.add([row(1)])
    await journal.aclose()
    await journal.aclose()
    for use in (
        journal.add([row(2)]),
        journal.mark_sending([1], NOON),
        journal.entry(1),
        journal.totals(),
        journal.sealed(),
    ):
        with pytest.raises(JournalError, match="closed"):
            await use
    with pytest.raises(JournalError, match="closed"):
        await positions(journal)
    with pytest.raises(JournalError, match="closed"):
        await journal.record(1, Result(state=State.PLACED))


async def test_each_batch_has_its_own_id(journal: Journal) -> None:
    assert journal.past is Past.NEW
    assert len(journal.batch_id) >= 16
    assert journal.batch_id != MemoryJournal().batch_id


def test_a_journal_in_memory_need_not_be_closed() -> None:
    journal = MemoryJournal()
    connection = journal._connection
    del journal
    gc.collect()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")
