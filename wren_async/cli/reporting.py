"""`wren-async batch report`, wherever the journal of the batch is."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import attrs
from cyclopts import Parameter

from wren_async.cli.exits import Exit, Stop
from wren_async.cli.template import DECIMAL_COMMA

if TYPE_CHECKING:
    # Loaded by the command itself: its help needs none of it.
    from wren_async.batch.journal.contract import Journal

_ROWS: Final = 1000


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class Reporting:
    """What a report shows, and where it is written to."""

    csv: Annotated[Path | None, Parameter(help="Write all orders to this CSV file.")] = None
    decimal_comma: Annotated[bool, Parameter(help=DECIMAL_COMMA, negative=())] = False
    html: Annotated[Path | None, Parameter(help="Write a page with charts to this file.")] = None
    json: Annotated[Path | None, Parameter(help="Write the sums and all orders to this JSON file.")] = None
    parquet: Annotated[Path | None, Parameter(help="Write all orders to this Parquet file.")] = None
    books: Annotated[bool, Parameter(help="Compare with the ledger and the order list.", negative=())] = False
    rows: Annotated[bool, Parameter(help="Show every order.", negative=())] = False

    async def make(self, journal: Journal, name: str) -> Exit:
        """Show the report of a journal, which commands call by this name, and write it."""
        from wren_async.batch.report.audit import audit_books
        from wren_async.batch.report.files import write_csv, write_json
        from wren_async.batch.report.page import write_page
        from wren_async.batch.report.parquet import write_parquet
        from wren_async.batch.report.summary import read_report
        from wren_async.cli.access import access
        from wren_async.cli.needs import show_needs
        from wren_async.cli.showing import show_report
        from wren_async.cli.terminal import errors, output, say

        targets = {"--csv": self.csv, "--html": self.html, "--json": self.json, "--parquet": self.parquet}
        await _check_targets(journal, targets)
        async with access() as clients:
            compared = await audit_books(journal, wren=clients.wren, cnaught=clients.cnaught) if self.books else ()
        made = await read_report(journal, audits=compared)
        show_report(output(), made)
        show_needs(output(), made, name)
        if self.rows:
            await _show_rows(journal)
        if self.csv is not None:
            await write_csv(journal, self.csv, decimal_comma=self.decimal_comma)
        if self.json is not None:
            await write_json(journal, self.json, audits=compared)
        if self.parquet is not None:
            await write_parquet(journal, self.parquet)
        if self.html is not None:
            await write_page(made, self.html, name)
        if self.books and not compared:
            say(errors(), "no books were compared: nothing was placed that stands in one, or its token is not set")
        return Exit.BOOKS_DIFFER if made.agrees is False else Exit.ALL_PLACED


async def _show_rows(journal: Journal) -> None:
    """Every order, in tables of so many that any number of them fits in memory."""
    from wren_async.batch.chunks import in_chunks
    from wren_async.batch.report.rows import report_rows
    from wren_async.cli.showing import show_orders
    from wren_async.cli.terminal import output

    async for rows in in_chunks(report_rows(journal), _ROWS):
        show_orders(output(), rows)


async def _check_targets(journal: Journal, targets: Mapping[str, Path | None]) -> None:
    """Refuse to write over anything but a report, before anything is read or written."""
    import asyncio

    from wren_async.batch.input.origin import noted_input
    from wren_async.batch.report.targets import check_target

    source = await noted_input(journal)
    given = {flag: path for flag, path in targets.items() if path is not None}
    for path in given.values():
        await asyncio.to_thread(check_target, path, source)
    for (one, path), (other, same) in combinations(given.items(), 2):
        if _is_one_file(path, same):
            raise Stop(f"{one} and {other} both name {path}; name a file for each")


def _is_one_file(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve() or (one.exists() and other.exists() and one.samefile(other))
