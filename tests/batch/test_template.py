"""The template of a batch: all columns, a row of each type, and good as it stands."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from batch_world import World, end_of, run

from wren_async.batch import Ending, report_rows
from wren_async.batch.input.row_values import COLUMNS
from wren_async.batch.input.template import template_csv
from wren_async.batch.intents import ORDER_TYPES, Api, forms


def test_it_has_every_column_and_a_row_of_each_type() -> None:
    head, *rows = csv.reader(io.StringIO(template_csv(["wren", "cnaught"]), newline=""))
    assert sorted(head) == sorted(COLUMNS)
    assert [row[head.index("kind")] for row in rows] == list(ORDER_TYPES)


@pytest.mark.parametrize("api", ["wren", "cnaught"])
def test_for_one_api_it_has_that_ones_columns(api: Api) -> None:
    head, *rows = csv.reader(io.StringIO(template_csv([api]), newline=""))
    types = [each for each in ORDER_TYPES.values() if each.api == api]
    assert set(head) == {"kind"}.union(*(forms(each) for each in types))
    assert len(rows) == len(types)


@pytest.mark.parametrize("decimal_comma", [False, True])
async def test_it_can_be_planned_and_run_as_it_stands(here: World, tmp_path: Path, decimal_comma: bool) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(template_csv(["wren", "cnaught"], decimal_comma=decimal_comma))
    assert (";0,45;" in path.read_text()) == decimal_comma
    async with here.batch(tmp_path / "j") as batch:
        assert (await batch.plan(path)).orders == len(ORDER_TYPES)
        assert end_of(await run(batch)).ending is Ending.DONE
    rows = [row async for row in report_rows(tmp_path / "j")]
    assert [row.state.value for row in rows] == ["placed"] * len(ORDER_TYPES)
    assert all(row.external_id and row.text for row in rows)
