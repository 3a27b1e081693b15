"""`wren-async batch template`: a file of orders to begin with."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from wren_async.cli.exits import Exit, Stop

if TYPE_CHECKING:
    from wren_async.batch.intents import Api

_SEPARATED = ".csv"
DECIMAL_COMMA = "Semicolons between columns and decimal commas, as spreadsheets of many countries read them."


def template(
    *,
    api: Annotated[Literal["wren", "cnaught", "both"], Parameter(help="Whose orders: those columns, those rows.")] = (
        "both"
    ),
    decimal_comma: Annotated[bool, Parameter(help=DECIMAL_COMMA, negative=())] = False,
    to: Annotated[
        Path | None, Parameter(name=("--output", "-o"), help="The .csv file to make; shown if left out.")
    ] = None,
) -> Exit:
    """Write a file of orders to begin with: every column, and a row of each type. It can be planned as it stands."""
    from wren_async.batch.input.origin import journal_of
    from wren_async.batch.input.template import template_csv
    from wren_async.cli.terminal import errors, say, write

    apis: tuple[Api, ...] = ("wren", "cnaught") if api == "both" else (api,)
    text = template_csv(apis, decimal_comma=decimal_comma)
    if to is None:
        write(text)
        return Exit.ALL_PLACED
    if to.suffix.lower() != _SEPARATED:
        raise Stop(f"{to}: a template is CSV, which every spreadsheet opens; name a file that ends in {_SEPARATED}")
    if journal_of(to).exists():
        raise Stop(f"{to} is the file of a batch: {journal_of(to).name} is beside it; name a new file")
    try:
        with to.open("x", encoding="ascii", newline="") as file:
            file.write(text)
    except FileExistsError:
        raise Stop(f"{to} is there already; name a new file") from None
    say(
        errors(),
        f"{to}: put your orders in place of its rows, then: {shlex.join(['wren-async', 'batch', 'plan', str(to)])}",
    )
    return Exit.ALL_PLACED
