"""Halts: why no order of an API is sent until a person has looked into it, and how it goes on."""

from __future__ import annotations

import re
from typing import Final

from wren_async.batch.events import Ending
from wren_async.batch.journal.contract import JournalError
from wren_async.batch.journal.notes import Note
from wren_async.batch.run.worker import EXPLAIN
from wren_async.outbox.store import ApiJournal

FOR_A_PERSON: Final = (Ending.ALARM, Ending.OVERCHARGED)
"""Ends of a run after which nothing is tried again by itself."""
_HALTED: Final = "outbox halted"
"""Name of the note that says why nothing is sent until a person has looked into it; empty or not there otherwise."""
_FIND_OUT: Final = (
    "Nothing goes on until a person has found out, and has seen to it that nothing else places orders of this outbox"
)
_ORDER: Final = re.compile(r"\border (\d+)")


async def halt(journal: ApiJournal, why: str) -> None:
    """Let no order of this API be sent, by whichever process, until `resume`."""
    await journal.note(_HALTED, why)


async def why_halted(journal: ApiJournal) -> str | None:
    """Why nothing is sent until a person has looked into it."""
    if noted := await journal.noted(_HALTED) or await journal.noted(Note.ALARM):
        return await in_own_words(journal, noted)
    told = await journal.halt_of_all()
    return await in_own_words(journal, told[1]) if told is not None and told[0] in FOR_A_PERSON else None


async def in_own_words(journal: ApiJournal, message: str) -> str:
    """What a run says, in words of whoever submits: an order has a reference and a price there, and no position; and
    an outbox goes on by `resume()`, which whoever shows this names."""
    message = message.replace("and the plan expected", "and its price was").replace(EXPLAIN, _FIND_OUT)
    if found := _ORDER.search(message):
        try:
            entry = await journal.entry(int(found[1]))
        except JournalError:
            return message  # the number is that of no order here
        message = message.replace(found[0], f"order {entry.row.reference!r}", 1)
    return message


async def resume(journal: ApiJournal) -> None:
    """Go on: a person has looked into it. After an alarm whatever is pending is looked for before it is sent."""
    if await journal.noted(Note.ALARM):
        await journal.note(Note.DOUBT, "something else may have placed them, as an alarm told")
        await journal.note(Note.ALARM, "")
    await journal.note(_HALTED, "")
    await journal.lift_halt()
