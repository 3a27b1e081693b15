"""The files that a command of a batch names: whether they are there, and are what the command takes."""

from __future__ import annotations

import difflib
import shlex
from pathlib import Path
from typing import Final

from wren_async.cli.exits import Stop

_ORDERS: Final = (".csv", ".tsv", ".jsonl", ".ndjson")
_SPREADSHEETS: Final = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".numbers")
_DATABASE: Final = b"SQLite format 3\0"


def check_orders(path: Path) -> None:
    """Refuse what is no file of orders, before a journal is made for it."""
    from wren_async.batch.input.readers import kind_of_file

    if not path.is_file():
        near = _near(path, (*_ORDERS, *_SPREADSHEETS))
        raise Stop(f"{path}: there is no such file{f'; did you mean {near}?' if near else ''}")
    if _is_database(path):
        orders = path.with_name(path.name.removesuffix(".journal"))
        meant = f"did you mean {orders}? " if orders != path and orders.is_file() else ""
        raise Stop(
            f"{path} is a journal, and no file of orders; {meant}To go on with the batch without its file:\n"
            f"  {shlex.join(['wren-async', 'batch', 'resume', str(path)])}"
        )
    kind_of_file(path)


def check_journal_file(path: Path) -> None:
    """Refuse a journal that is not there, as opening it would make one, and a file of orders given for its journal."""
    if not path.exists():
        near = _near(path.with_name(f"{path.name.removesuffix('.journal')}.journal"), (".journal",))
        there = ", ".join(each.name for each in _beside(path, (".journal",))) or "none"
        raise Stop(
            f"{path}: there is no such journal; "
            f"{f'did you mean {near}?' if near else f'the journals there are: {there}.'} "
            "If it was lost, do not order its file anew: `wren-async batch run FILE --continues BATCH_ID` first finds "
            "what was placed"
        )
    if path.suffix.lower() not in (*_ORDERS, *_SPREADSHEETS) or _is_journal(path):
        return
    journal = path.with_name(f"{path.name}.journal")
    if journal.exists():
        raise Stop(f"{path} is a file of orders, and no journal; did you mean {journal}?")
    raise Stop(
        f"{path} is a file of orders, and no journal; beside it there is none of it yet. This makes one, and buys "
        f"nothing:\n  {shlex.join(['wren-async', 'batch', 'plan', str(path)])}"
    )


def _is_journal(path: Path) -> bool:
    """Whether a file is, or ever was, a journal: the lock beside it stays when its content is lost."""
    return path.with_name(f"{path.name}.lock").exists() or _is_database(path)


def _is_database(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(_DATABASE)) == _DATABASE


def _near(path: Path, endings: tuple[str, ...]) -> Path | None:
    near = difflib.get_close_matches(path.name, [each.name for each in _beside(path, endings)], n=1)
    return path.with_name(near[0]) if near else None


def _beside(path: Path, endings: tuple[str, ...]) -> list[Path]:
    if not path.parent.is_dir():
        return []
    return [each for each in sorted(path.parent.iterdir()) if each.suffix.lower() in endings]
