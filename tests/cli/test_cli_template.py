"""`wren-async batch template`, the files that people have, and what a report tells them to do."""

from __future__ import annotations

import shutil
from pathlib import Path

from cli_shell import Shell

from wren_async.cli.exits import Exit


def test_a_template_is_made_planned_and_run(shell: Shell) -> None:
    orders = shell.directory / "orders.csv"
    assert shell.run("template", "--output", str(orders)) == 0
    assert f"wren-async batch plan {orders}" in shell.told
    assert shell.run("plan", str(orders)) == 0
    assert "5 orders for" in shell.out
    assert shell.run("run", str(orders), "--yes") == 0
    assert len(shell.placed()) == 5


def test_a_template_for_one_api_is_shown_where_no_file_is_named(shell: Shell) -> None:
    assert shell.run("template", "--api", "cnaught") == 0
    assert shell.out.startswith("external_id,kind,amount_kg")
    assert "wren." not in shell.out


def test_a_template_is_never_written_over_anything(shell: Shell) -> None:
    orders = Path(shell.orders(2))
    before = orders.read_bytes()
    assert shell.run("template", "-o", str(orders)) == Exit.USAGE
    assert "there already" in shell.told
    assert orders.read_bytes() == before
    shell.run("plan", str(orders))
    orders.unlink()
    assert shell.run("template", "-o", str(orders)) == Exit.USAGE
    assert "orders.csv.journal is beside it" in shell.told
    assert shell.run("template", "-o", str(shell.directory / "orders.xlsx")) == Exit.USAGE
    assert ".csv" in shell.told


def test_the_orders_of_the_example_are_planned_and_run_as_they_are(shell: Shell) -> None:
    orders = shell.directory / "orders.csv"
    shutil.copy(Path(__file__).parents[2] / "examples" / "orders.csv", orders)
    assert shell.run("plan", str(orders)) == 0
    assert "27 orders for" in shell.out
    assert shell.run("run", str(orders), "--yes") == Exit.SOME_REFUSED
    assert len(shell.placed()) == 26
    assert shell.run("report", str(shell.journal), "--rows") == 0
    assert "R-1024" in shell.out
    assert "buys less than a kilogram" in shell.out


def test_a_report_tells_what_to_do_about_each_order_in_doubt(shell: Shell) -> None:
    orders = shell.orders(text="tons,payment_method,external_id\n0.1,credits,R-1001\n")
    shell.run("plan", orders)
    shell.sandbox.faults.add("reset", operation="createOffsetOrder", when="before")
    assert shell.run("run", orders, "--yes") == Exit.SOME_UNDECIDED
    assert shell.run("report", str(shell.journal)) == 0
    assert "In doubt: line 2, R-1001." in shell.out
    assert "The lists may be late until" in shell.out
    for words in (["reconcile", str(shell.journal)], ["settle", str(shell.journal), "2", "--not-placed"]):
        assert f"  wren-async batch {' '.join(words)}\n" in shell.out
        assert shell.run(*words) in (0, Exit.SOME_UNDECIDED)
        shell.run("report", str(shell.journal))
    assert shell.placed() == []
    assert "In doubt" not in shell.out
