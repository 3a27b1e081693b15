"""What needs a person, after the report of a batch in a terminal: the same sentences and commands as on its page."""

from __future__ import annotations

from itertools import islice
from typing import Final

from rich.console import Console

from wren_async.batch.report.summary import Report
from wren_async.batch.report.wording import doubts, needs, when
from wren_async.cli.terminal import say

_SHOWN: Final = 10


def show_needs(console: Console, report: Report, journal: str) -> None:
    """Each thing to do with its commands, and from when on they can help; then each order in doubt with its own."""
    for need in needs(report, journal):
        say(console, f"\n{need.what}")
        for command in need.commands:
            say(console, f"  {command}")
        if need.since is not None:
            told = f"The lists may be late until {when(need.since)}: before that, absence from them proves nothing."
            say(console, told)
    for doubt in islice(doubts(report, journal), _SHOWN):
        row = doubt.row
        since = f" (the lists may be late until {when(doubt.since)})" if doubt.since else ""
        told = f", {row.external_id}" if row.external_id else ""
        say(console, f"\nIn doubt: line {row.position}{told}. If looking does not tell, say what became of it{since}:")
        say(console, f"  {doubt.placed}")
        say(console, f"  {doubt.not_placed}")
    if report.in_doubt > _SHOWN:
        say(console, f"\nand {report.in_doubt - _SHOWN:,} more in doubt; --html has the commands for each")
