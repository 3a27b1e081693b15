"""Outboxes among the batches of a database: a person pauses and resumes them, and no file is put into one."""

from __future__ import annotations

import re
from typing import Final

from wren_async.batch.events import Ending
from wren_async.cli.batch_work import tell
from wren_async.cli.exits import Stop
from wren_async.cli.starting import BatchInDatabase
from wren_async.cli.watching import Standing

_NAME: Final = re.compile(r"(?! )[^\x00-\x1f\x7f]{1,100}(?<! )")
_OUTBOXES: Final = re.compile("outbox( .*)?")


def check_batch_name(name: str) -> None:
    """Raise `Stop` for a name that a batch of a file may not have."""
    if not _NAME.fullmatch(name):
        raise Stop("--name takes 1 to 100 characters without line breaks or outer spaces")
    if _OUTBOXES.fullmatch(name):
        raise Stop(f"{name!r} is the name of an outbox, which takes no orders of a file: give the batch another --name")


async def resume_outbox(place: BatchInDatabase) -> bool:
    """Let the workers of an outbox go on, if it is one. It has no end to look on to."""
    async with place.opened() as journal:
        standing = await Standing.of(journal)
        if not standing.is_outbox:
            return False
        if standing.ending not in (None, Ending.ASKED):
            raise Stop(
                f"{place.name}: {standing.message}. Once a person has looked into it, `await outbox.resume()` goes on"
            )
        await journal.resume_all()
    tell(f"{place.name}: workers go on")
    return True
