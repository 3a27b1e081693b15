"""A file whose orders are placed, and which then changed: what is new is ordered, and nothing else."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from batch_world import World, run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wren_async import InvalidArgument, UsageError
from wren_async.batch import InvalidInput, JournalError, find_changes, write_changes
from wren_async.batch.input import changes as changes_module
from wren_async.batch.input.planner import InputChanged
from wren_async.batch.input.readers import read
from wren_async.batch.input.row_values import Line
from wren_async.batch.intents import CNaughtMass, canonical, digest
from wren_async.batch.journal.contract import Result, Row, State
from wren_async.batch.journal.memory import MemoryJournal
from wren_async.batch.journal.sqlite import SqliteJournal


def write(folder: Path, name: str, *lines: str, encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes("".join(f"{line}\n" for line in lines).encode(encoding))
    return path


async def place(here: World, path: Path) -> None:
    async with here.batch(path.with_name(f"{path.name}.journal")) as batch:
        await batch.plan(path)
        await run(batch)


async def orders_of(path: Path) -> list[str]:
    return [str(row.intent.amount_kg) async for row in read(path) if isinstance(row, Line)]  # type: ignore[union-attr]


async def test_one_corrected_letter_is_not_answered_by_advice_that_buys_all_again(here: World, tmp_path: Path) -> None:
    orders = write(tmp_path, "o.csv", "amount_kg,description", "1,a", "2,b", "3,c")
    await place(here, orders)
    write(tmp_path, "o.csv", "amount_kg,description", "1,a", "2,B", "3,c")
    async with here.batch(tmp_path / "o.csv.journal") as batch:
        with pytest.raises(InputChanged) as caught:
            await batch.plan(orders)
    told = str(caught.value)
    assert "line 3 changed" in told
    assert "3 of the batch's 3 orders are placed" in told
    assert "would buy them again" in told
    assert "batch changes" in told
    assert "new journal" not in told


async def test_a_batch_of_what_changed_and_was_added_is_made_and_placed(here: World, tmp_path: Path) -> None:
    orders = write(tmp_path, "o.csv", "amount_kg,description", "1,a", "2,b", "2,b")
    await place(here, orders)
    write(tmp_path, "o.csv", "amount_kg,description", "7,new", "1,a", "2,b", "2,b", "2,b", "5,e")
    changes = await write_changes(orders, tmp_path / "new.csv")
    assert (changes.same, [row.position for row in changes.rows]) == (3, [2, 6, 7])
    assert changes.may_be_bought_twice == 0
    assert (tmp_path / "new.csv").read_text() == "amount_kg,description\n7,new\n2,b\n5,e\n"
    await place(here, tmp_path / "new.csv")
    bought = Counter(order.cents for [order] in here.committed().values())
    assert bought == Counter(2 * int(each) for each in await orders_of(orders)), "two cents a kilogram"


async def test_orders_that_the_file_has_no_more_are_named_with_what_became_of_them(here: World, tmp_path: Path) -> None:
    orders = write(tmp_path, "o.csv", "amount_kg", "1", "2", "3")
    await place(here, orders)
    write(tmp_path, "o.csv", "amount_kg", "1", "4", "3")
    changes = await write_changes(orders, tmp_path / "new.csv")
    assert [(entry.row.position, entry.result.state) for entry in changes.gone] == [(3, State.PLACED)]
    assert changes.may_be_bought_twice == 1


async def test_what_was_ordered_by_earlier_changes_is_not_written_again(here: World, tmp_path: Path) -> None:
    orders = write(tmp_path, "o.csv", "amount_kg", "1")
    await place(here, orders)
    write(tmp_path, "o.csv", "amount_kg", "1", "2")
    await write_changes(orders, tmp_path / "two.csv")
    write(tmp_path, "o.csv", "amount_kg", "1", "2", "3")
    with pytest.raises(JournalError, match=r"two\.csv was made of earlier changes.*--never-run"):
        await write_changes(orders, tmp_path / "three.csv")
    assert not (tmp_path / "three.csv").exists()
    await place(here, tmp_path / "two.csv")
    await write_changes(orders, tmp_path / "three.csv")
    assert await orders_of(tmp_path / "three.csv") == ["3"]
    (tmp_path / "two.csv.journal").rename(tmp_path / "elsewhere")
    await place(here, tmp_path / "three.csv")
    write(tmp_path, "o.csv", "amount_kg", "1", "2", "3", "4")
    await write_changes(orders, tmp_path / "four.csv", also=[tmp_path / "elsewhere"])
    assert await orders_of(tmp_path / "four.csv") == ["4"]


async def test_earlier_changes_that_were_never_run_are_written_again_only_when_a_person_says_so(
    here: World, tmp_path: Path
) -> None:
    orders = write(tmp_path, "o.csv", "amount_kg", "1")
    await place(here, orders)
    write(tmp_path, "o.csv", "amount_kg", "1", "2")
    await write_changes(orders, tmp_path / "two.csv")
    (tmp_path / "two.csv").unlink()
    await write_changes(orders, tmp_path / "again.csv", never_run=[str(tmp_path / "two.csv")])
    assert await orders_of(tmp_path / "again.csv") == ["2"]


async def test_earlier_changes_whose_planning_was_broken_off_are_not_taken_for_all_of_them(
    here: World, tmp_path: Path
) -> None:
    orders = write(tmp_path, "o.csv", "amount_kg", "1")
    await place(here, orders)
    write(tmp_path, "o.csv", "amount_kg", "1", "2", "3")
    await write_changes(orders, tmp_path / "two.csv")
    async with await SqliteJournal.open(tmp_path / "two.csv.journal") as journal:
        await journal.add([row(2, 2)])
    with pytest.raises(JournalError, match="planning was broken off"):
        await write_changes(orders, tmp_path / "three.csv")


async def test_a_file_that_changes_while_it_is_compared_is_not_copied(
    here: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = write(tmp_path, "o.csv", "amount_kg", "1", "2")
    await place(here, orders)
    write(tmp_path, "o.csv", "amount_kg", "1", "2", "3")
    compare = changes_module.find_changes

    async def find_changes_of_a_moment_ago(*args: Any, **options: Any) -> Any:
        found = await compare(*args, **options)
        write(tmp_path, "o.csv", "amount_kg", "3", "1", "2")
        return found

    monkeypatch.setattr(changes_module, "find_changes", find_changes_of_a_moment_ago)
    with pytest.raises(UsageError, match="changed while it was read"):
        await write_changes(orders, tmp_path / "new.csv")
    assert not (tmp_path / "new.csv").exists()


async def test_another_file_or_other_defaults_make_no_batch_of_the_whole(here: World, tmp_path: Path) -> None:
    orders = write(tmp_path, "o.csv", "amount_kg", "1", "2")
    await place(here, orders)
    write(tmp_path, "o.csv", "amount_kg", "8", "9")
    with pytest.raises(UsageError, match=r"no row of o\.csv is an order of this batch"):
        await write_changes(orders, tmp_path / "new.csv")
    assert not (tmp_path / "new.csv").exists()


async def test_a_file_without_changes_makes_none(here: World, tmp_path: Path) -> None:
    orders = write(tmp_path, "o.csv", "amount_kg", "1")
    await place(here, orders)
    assert (await write_changes(orders, tmp_path / "new.csv")).rows == ()
    assert not (tmp_path / "new.csv").exists()
    write(tmp_path, "o.csv", "amount_kg", "1", "2")
    assert len((await write_changes(orders, tmp_path / "new.csv")).rows) == 1


@pytest.mark.parametrize("there", ["new.csv", "new.csv.journal"])
async def test_nothing_that_is_there_is_replaced(here: World, tmp_path: Path, there: str) -> None:
    orders = write(tmp_path, "o.csv", "amount_kg", "1")
    await place(here, orders)
    (tmp_path / there).write_text("mine")
    with pytest.raises(InvalidArgument, match="is there already"):
        await write_changes(orders, tmp_path / "new.csv")
    assert (tmp_path / there).read_text() == "mine"


async def test_faults_of_the_file_are_told_before_anything_is_written(here: World, tmp_path: Path) -> None:
    orders = write(tmp_path, "o.csv", "amount_kg", "1")
    await place(here, orders)
    write(tmp_path, "o.csv", "amount_kg", "1", "many", "3")
    with pytest.raises(InvalidInput, match="line 3"):
        await write_changes(orders, tmp_path / "new.csv")
    await write_changes(orders, tmp_path / "new.csv", skip_bad_rows=True)
    assert (tmp_path / "new.csv").read_text() == "amount_kg\n3\n"


@pytest.mark.parametrize(
    ("name", "encoding", "head", "row"),
    [
        ("o.csv", "utf-8-sig", ["amount_kg;description;team"], '{};"Grün\n{}";red'),
        ("o.tsv", "utf-16", ["amount_kg\tdescription\tteam"], "{}\tGrün {}\tred"),
        ("o.csv", "cp1252", ["amount_kg,description,team"], "{},Grün {},red"),
        ("o.jsonl", "utf-8", [], '{{"amount_kg": {}, "description": "Grün {}", "team": 1}}'),
    ],
)
async def test_rows_are_copied_as_they_stand(
    here: World, tmp_path: Path, name: str, encoding: str, head: list[str], row: str
) -> None:
    lines = [row.format(number, number) for number in range(1, 4)]
    orders = write(tmp_path, name, *head, *lines, encoding=encoding)
    options = {"ignore": ["team"], "encoding": encoding if encoding == "cp1252" else None}
    async with here.batch(tmp_path / f"{name}.journal") as batch:
        await batch.plan(orders, **options)
    write(tmp_path, name, *head, lines[0], row.format(8, 8), *lines[1:], row.format(9, 9), encoding=encoding)
    new = tmp_path / f"new{orders.suffix}"
    await write_changes(orders, new, **options)
    expected = write(tmp_path, "expected", *head, row.format(8, 8), row.format(9, 9), encoding=encoding)
    assert new.read_bytes() == expected.read_bytes()


async def test_a_batch_that_was_never_run_is_not_told_of_orders_that_are_placed(here: World, tmp_path: Path) -> None:
    orders = write(tmp_path, "o.csv", "amount_kg", "1", "2")
    async with here.batch(tmp_path / "o.csv.journal") as batch:
        await batch.plan(orders)
        with pytest.raises(InputChanged, match="None of the batch's 2 orders was sent, as far as this journal knows"):
            await batch.plan(write(tmp_path, "o.csv", "amount_kg", "1", "5"))


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(1, 4), max_size=12), st.lists(st.integers(1, 4), max_size=12))
async def test_what_is_new_and_what_is_gone_are_what_two_lists_differ_by(was: list[int], now: list[int]) -> None:
    journal = MemoryJournal()
    await journal.add([row(position, kilograms) for position, kilograms in enumerate(was, 1)])
    for position in range(1, len(was) + 1):
        await journal.mark_sending([position], here_and_now())
        await journal.record(position, Result(state=State.PLACED, order_id=str(position)))
    changes = await find_changes([CNaughtMass(amount_kg=each) for each in now], [journal])
    assert Counter(int(each.intent.amount_kg) for each in changes.rows) == Counter(now) - Counter(was)  # type: ignore[union-attr]
    assert changes.may_be_bought_twice == len(changes.gone) == (Counter(was) - Counter(now)).total()
    assert changes.same + len(changes.rows) == len(now)


def row(position: int, kilograms: int) -> Row:
    text = canonical(CNaughtMass(amount_kg=kilograms))
    return Row(
        position=position, intent=text, digest=digest(text), reference=f"r-{position}", key="k", cents=1, grams=0
    )


def here_and_now() -> datetime:
    return datetime.now(UTC)
