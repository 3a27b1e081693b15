"""The names of a table's columns, and what is wrong with them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wren_async.batch.input.faults import Fault
from wren_async.batch.input.row_values import Reading, is_misread, misread, too_many, unknown_columns


def header_faults(line: int, names: Sequence[str], reading: Reading) -> Iterator[Fault]:
    """What is wrong with a header. Columns without a name are for the reader of the table to judge."""
    if fault := too_many(len(names), line):
        yield fault
        return
    seen: set[str] = set()
    for index, name in enumerate(names, 1):
        if is_misread(name):
            yield misread(line, f"column {index}")
        elif name and name in seen:
            yield Fault(line=line, column=name, problem="stands twice in the header; keep one")
        seen.add(name)
    yield from unknown_columns(line, [name for name in dict.fromkeys(names) if name and not is_misread(name)], reading)
