"""`wren-async batch template`: a file of orders to begin with."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from wren_async.batch.input.origin import journal_of
from wren_async.batch.input.template import template_csv
from wren_async.batch.intents import Api
from wren_async.cli.exits import Exit, Stop
from wren_async.cli.terminal import errors, say, write

_SEPARATED = ".csv"


def template(
    *,
    api: Annotated[Literal["wren", "cnaught", "both"], Parameter(help="Whose orders: those columns, those rows.")] = (
        "both"
    ),
    to: Annotated[
        Path | None, Parameter(name=("--output", "-o"), help="The .csv file to make; shown if left out.")
    ] = None,
) -> Exit:
    """Write a file of orders to begin with: every column, and a row of each type. It can be planned as it stands."""
    apis: tuple[Api, ...] = ("wren", "cnaught") if api == "both" else (api,)
    text = template_csv(apis)
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
