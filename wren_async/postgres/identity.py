"""Which database this is, as far as its server can tell.

A copy of a database has another number than its original, or stands in another cluster. A standby that takes its
place, or a restored backup of the whole cluster, is the same database on another timeline.
"""

from __future__ import annotations

from typing import Final

DATABASE: Final = """
(SELECT system_identifier FROM pg_control_system()) || '/' ||
(SELECT oid FROM pg_database WHERE datname = current_database())
"""
"""The number of its cluster, and its own there: an expression of SQL."""
HERE: Final = f"{DATABASE} || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8)"
"""The same with the timeline."""


def database_of(here: str) -> str:
    """The database of what `HERE` has told, whatever its timeline."""
    return here.rpartition("/")[0]
