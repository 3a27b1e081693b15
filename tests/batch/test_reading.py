from __future__ import annotations

import time
import tracemalloc
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wren_async import InvalidArgument
from wren_async.batch.input.faults import Fault, Faults, InvalidInput
from wren_async.batch.input.readers import read
from wren_async.batch.input.row_values import Line, Reading
from wren_async.batch.intents import CNaughtMass, CNaughtPrice, WrenOffset, WrenTrees, canonical


async def rows_of(path: Any, **options: Any) -> list[Line | Fault]:
    return [row async for row in read(path, Reading(**options))]


async def read_text(tmp_path: Path, text: str | bytes, name: str = "orders.csv", **options: Any) -> list[Line | Fault]:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return await rows_of(path, **options)


def faults_of(rows: list[Line | Fault]) -> list[str]:
    return [str(row) for row in rows if isinstance(row, Fault)]


async def test_a_row_is_the_order_that_its_columns_tell(tmp_path: Path) -> None:
    rows = await read_text(
        tmp_path,
        'tons,payment_method,amount_kg,total_price_usd_cents,note\n0.5,credits,,,"a, b"\n\n,,10,,\n,,,250,\n',
    )
    assert rows == [
        Line(position=2, intent=WrenOffset(tons=Decimal("0.5"), payment_method="credits", note="a, b")),
        Line(position=4, intent=CNaughtMass(amount_kg=10)),
        Line(position=5, intent=CNaughtPrice(total_price_usd_cents=250)),
    ]


async def test_all_bad_rows_are_told_with_line_column_and_remedy(tmp_path: Path) -> None:
    rows = await read_text(
        tmp_path,
        "kind,tons,payment_method,amount_kg\n"
        "wren.offset,-1,credits,\n"
        "wren.ofset,1,credits,\n"
        "wren.offset,1,,\n"
        "wren.offset,1,credits,5\n"
        ',"1,5 t",credits,\n'
        "cnaught.mass,,,7\n"
        ",,,\n"
        "a,b\n",
    )
    told = faults_of(rows)
    assert told[0].startswith("line 2, tons: must be more than 0")
    assert "line 3, kind" in told[1]
    assert "did you mean 'wren.offset'?" in told[1]
    assert told[2] == "line 4, payment_method: is missing; a wren.offset order needs it"
    assert told[3].startswith("line 5, amount_kg: does not belong to this kind of order")
    assert told[4] == "line 6, tons: takes a number, not '1,5 t'; write a point and no separators, such as 1234.5"
    assert told[5].startswith("line 9: has 2 cells, and the header 4")
    assert [row.position for row in rows if isinstance(row, Line)] == [7]


async def test_a_field_over_several_lines_keeps_the_line_it_began_on(tmp_path: Path) -> None:
    rows = await read_text(tmp_path, 'amount_kg,description\n1,"two\nlines"\n2,x\n')
    assert [row.position for row in rows if isinstance(row, Line)] == [2, 4]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("amount_kg,amount_kg", "line 1, amount_kg: stands twice"),
        ("amount_kg,", "line 1, column 2: has no name"),
        ("amountKg", "did you mean 'amount_kg'?"),
        ("invoice number", "if it is your own number of the order, call the column external_id"),
        ("Ride ID", "if it is your own number of the order, call the column external_id"),
        ("rides", "name it among those to ignore"),
        ("amount_kg,shoe_size_of_buyer_in_mm", "unknown column 'shoe_size_of_buyer_in_mm'"),
    ],
)
async def test_a_bad_header_is_told_and_nothing_else(tmp_path: Path, header: str, message: str) -> None:
    rows = await read_text(tmp_path, f"{header}\n1\n2\n")
    assert len(rows) == 1
    assert message in faults_of(rows)[0]


async def test_columns_may_be_ignored_and_values_defaulted(tmp_path: Path) -> None:
    rows = await read_text(
        tmp_path,
        "ride,amount_of_trees,payment_method\nr1,3,\nr2,4,stripe\n",
        ignore=["ride"],
        defaults={"payment_method": "credits"},
    )
    assert [row.intent for row in rows if isinstance(row, Line)] == [
        WrenTrees(amount_of_trees=3, payment_method="credits"),
        WrenTrees(amount_of_trees=4, payment_method="stripe"),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
async def test_byte_order_marks_are_understood(tmp_path: Path, encoding: str) -> None:
    rows = await read_text(tmp_path, "amount_kg,description\r\n1,Grün\r\n".encode(encoding))
    assert rows == [Line(position=2, intent=CNaughtMass(amount_kg=1, description="Grün"))]


async def test_another_encoding_is_told_by_line_and_can_be_named(tmp_path: Path) -> None:
    text = "amount_kg,description\n1,plain\n2,Grün\n".encode("cp1252")
    rows = await read_text(tmp_path, text)
    told = faults_of(rows)
    assert len(told) == 1
    assert told[0].startswith("line 3, description: is of another encoding; save the file as UTF-8")
    assert len(await read_text(tmp_path, text, encoding="cp1252")) == 2


@pytest.mark.parametrize(("name", "separator"), [("a.csv", ";"), ("a.tsv", "\t"), ("a.CSV", ",")])
async def test_other_separators_are_seen(tmp_path: Path, name: str, separator: str) -> None:
    rows = await read_text(tmp_path, f"amount_kg{separator}description\n1{separator}x\n", name)
    assert rows == [Line(position=2, intent=CNaughtMass(amount_kg=1, description="x"))]


async def test_blank_lines_before_the_header_hide_no_separator(tmp_path: Path) -> None:
    rows = await read_text(tmp_path, "\n\namount_kg;description\n1;x\n2;y;z\n")
    assert rows[0] == Line(position=4, intent=CNaughtMass(amount_kg=1, description="x"))
    assert faults_of(rows)[0].startswith("line 5: has 3 cells")


async def test_an_open_quote_does_not_swallow_the_rest(tmp_path: Path) -> None:
    rows = await read_text(tmp_path, 'amount_kg,description\n1,x\n2,"y\n3,z\n')
    assert "line 3: no proper CSV" in faults_of(rows)[0]


@pytest.mark.parametrize("text", ["", "\n\n"])
async def test_an_empty_file_is_a_fault(tmp_path: Path, text: str) -> None:
    assert "the file is empty" in faults_of(await read_text(tmp_path, text))[0]


async def test_json_lines(tmp_path: Path) -> None:
    rows = await read_text(
        tmp_path,
        '{"amount_kg": 1.25, "description": null}\n'
        "\n"
        '{"kind": "wren.trees", "amount_of_trees": 5, "payment_method": "credits"}\n'
        '{"amount_kg": NaN}\n'
        '{"amount_kg": 1\n'
        '{"amount_kg": 1, "amount_kg": 2}\n'
        '{"amount_of_trees": 1.5, "payment_method": "credits"}\n'
        '{"amount_kg": true}\n'
        '{"amount": 1}\n'
        '{"amount_kg": 1, "description": 7}\n'
        "[1]\n",
        "orders.jsonl",
    )
    assert [row for row in rows if isinstance(row, Line)] == [
        Line(position=1, intent=CNaughtMass(amount_kg=Decimal("1.25"))),
        Line(position=3, intent=WrenTrees(amount_of_trees=5, payment_method="credits")),
    ]
    told = faults_of(rows)
    for message, line in zip(
        [
            "NaN",
            "character",
            "'amount_kg' stands twice",
            "takes a whole number",
            "takes a number",
            "unknown column",
            "takes text",
            "takes one JSON object",
        ],
        told,
        strict=True,
    ):
        assert message in line
    assert [int(line.split()[1].strip(":,")) for line in told] == list(range(4, 12))


async def test_intents_may_come_from_anywhere() -> None:
    made = [CNaughtMass(amount_kg=1), CNaughtMass(amount_kg=2)]

    async def stream() -> AsyncIterator[CNaughtMass]:
        for intent in made:
            yield intent

    expected = [Line(position=1, intent=made[0]), Line(position=2, intent=made[1])]
    assert await rows_of(made) == await rows_of(stream()) == await rows_of(iter(made)) == expected
    assert "is no order intent but dict" in faults_of(await rows_of([{"amount_kg": 1}]))[0]


async def test_a_wrong_source_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"must end in \.csv"):
        await read_text(tmp_path, "x", "orders.txt")
    for name in ("orders.xls", "orders.ods"):
        with pytest.raises(InvalidArgument, match=r"save it as CSV \(UTF-8\), or as \.xlsx"):
            await read_text(tmp_path, "x", name)
    with pytest.raises(InvalidArgument, match="takes a path"):
        await rows_of(7)
    with pytest.raises(InvalidArgument, match="not known"):
        Reading(encoding="utf-99")
    with pytest.raises(InvalidArgument, match="did you mean 'payment_method'"):
        Reading(defaults={"paymentmethod": "credits"})


async def test_reading_holds_only_a_piece_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "big.csv"
    path.write_text("amount_kg,description\n" + "1,some text of a ride\n" * 6_000)
    tracemalloc.start()
    try:
        count = 0
        async for _ in read(path):
            count += 1
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 6_000
    assert peak < 1_500_000


def test_faults_are_told_a_bounded_number_of_times() -> None:
    faults = Faults()
    for line in range(5000):
        faults.add(Fault(line=line, problem="bad"))
    with pytest.raises(InvalidInput, match="and 4980 more") as caught:
        faults.check()
    assert caught.value.count == 5000
    assert len(caught.value.faults) == 1000


@pytest.mark.parametrize("amount", ["1e30", "1E+999999999", "1E-999999999", "9" * 100_000, "0." + "1" * 100_000])
@pytest.mark.parametrize("column", ["amount_kg", "total_price_usd_cents", "tons", "amount_of_trees"])
@pytest.mark.parametrize("form", ["csv", "text", "number"])
async def test_a_number_beyond_any_amount_is_told_with_its_line_and_column(
    tmp_path: Path, amount: str, column: str, form: str
) -> None:
    if form == "csv":
        name, text = "a.csv", f"{column}\n{amount}\n"
    else:
        value = f'"{amount}"' if form == "text" else amount
        name, text = "a.jsonl", f'\n{{"{column}": {value}}}\n'
    [told] = faults_of(await read_text(tmp_path, text, name, defaults={"payment_method": "credits"}))
    assert told.startswith(f"line 2, {column}: ")
    assert len(told) < 200


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.jsonl", "{" + ", ".join(f'"k{number}": 1' for number in range(60_000)) + "}\n"),
        ("a.csv", ",".join(f"k{number}" for number in range(60_000)) + "\n"),
    ],
)
async def test_a_row_of_sixty_thousand_columns_is_refused_at_once(tmp_path: Path, name: str, text: str) -> None:
    began = time.process_time()
    told = faults_of(await read_text(tmp_path, text, name))
    assert told == ["line 1: has 60,000 columns, and a row may have 256; is it a row of orders?"]
    assert time.process_time() - began < 2


async def test_a_repeated_name_among_many_is_found(tmp_path: Path) -> None:
    names = [f"k{number}" for number in range(60_000)] + ["k7"]
    text = "{" + ", ".join(f'"{name}": 1' for name in names) + "}\n"
    assert faults_of(await read_text(tmp_path, text, "a.jsonl")) == ["line 1: no JSON: 'k7' stands twice"]


async def test_many_unknown_columns_are_told_in_short(tmp_path: Path) -> None:
    told = faults_of(await read_text(tmp_path, ",".join(f"k{number}" for number in range(200)) + "\n"))
    assert len(told) == 6
    assert told[-1] == "line 1: has 195 more columns that are unknown"


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
async def test_a_line_without_end_is_not_read_into_memory(tmp_path: Path, name: str) -> None:
    told = faults_of(await read_text(tmp_path, "amount_kg\n1\n" + "9" * 1_500_000, name))
    assert told[-1].startswith("line 3: is longer than 1,000,000 characters")


async def test_what_a_file_says_is_quoted_in_short_and_steers_no_terminal(tmp_path: Path) -> None:
    hostile = "\x1b[2J\u202e" + "x" * 5000
    rows = await read_text(tmp_path, f"kind,amount_kg\n{hostile},1\ncnaught.mass,{hostile}\n")
    for told in faults_of(rows):
        assert len(told) < 300
        assert told.isprintable()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(
    st.sampled_from([b"", b"amount_kg,description\n", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf"]),
    st.binary(max_size=200),
    st.sampled_from(["a.csv", "a.jsonl"]),
)
async def test_no_bytes_break_the_reader(tmp_path: Path, head: bytes, raw: bytes, name: str) -> None:
    for row in await read_text(tmp_path, head + raw, name):
        assert isinstance(row, Fault) or canonical(row.intent)
