"""The named facts of a batch that its journal keeps beside the orders."""

from __future__ import annotations

import enum
from collections.abc import Callable
from datetime import datetime
from typing import Protocol, TypeVar

from wren_async.batch.journal.contract import Journal
from wren_async.errors import InvalidArgument, JournalError

T = TypeVar("T")


class Note(enum.StrEnum):
    """A fact of the batch as a whole."""

    ROOT = "root"
    """Id with which the references of the orders begin, where the journal continues another batch."""
    ORDER_TYPES = "order types"
    """The types of the orders."""
    PAYMENT_METHODS = "payment methods"
    """How the orders of Wren are paid."""
    REPEATED_IDS = "repeated external ids"
    """Rows with the `external_id` of an earlier row."""
    INPUT = "input"
    """Where the file of orders lay when it was planned."""
    INPUT_DIGEST = "digest of the input file"
    """SHA-256 of its bytes, by which a person finds the very file again."""
    PLANNED_BY = "planned by"
    """The version of the library that planned the batch."""
    SENT_OVER = "sent over"
    """The HTTP library that the last run went over."""
    CHANGES = "files of its changes"
    """The files of changed and added rows that were made from its input."""
    PLANNED = "planned"
    """When the batch was planned: no order of it is older, whichever copy of the journal sent it."""
    CONFIRMED = "orders of the batch it continues"
    """Says that orders of the batch that this one continues were found, or that a person said that none was placed."""
    DOUBT = "doubt"
    """Why every order that is pending may have been placed; empty once all of them are in doubt."""
    ELSEWHERE = "elsewhere"
    """`yes` where something else than this journal may have sent its orders: a copy of it, or the one it continues."""
    RECONCILING = "reconciling"
    """`yes` while orders in doubt may be sent again with their keys."""
    ALARM = "alarm"
    """What happened in a run although it must not happen; empty once a person has explained it."""
    LEDGER = "wren ledger"
    """Where Wren's ledger stood when nothing was in doubt."""
    FIRST_LEDGER = "wren ledger before the batch"
    """Where it stood before any order of the batch was sent. Not there where orders may have been sent before it."""
    REPLACED = "database replaced"
    """When a worker found the batch in another database than before: after a failover, or restored from a backup."""
    HISTORY = "history of the runs"
    """What happened in the runs and is not kept with the orders."""


def server_of(api: str) -> str:
    """The name of the note that says which server the orders of an API go to."""
    return f"{api} server"


def account_of(api: str) -> str:
    """The name of the note by which the token of an API is recognised."""
    return f"{api} account"


async def planned_at(journal: Journal) -> datetime | None:
    """When the batch was planned: no order of it was sent before. `None` where that is not known."""
    planned = await journal.noted(Note.PLANNED)
    return None if planned is None else read_note(journal, Note.PLANNED, planned, datetime.fromisoformat)


class Labelled(Protocol):
    """What has notes: a journal, or a whole outbox."""

    @property
    def label(self) -> str:
        """What messages call it: where it is."""
        ...


def read_note(journal: Labelled, name: str, text: str, read: Callable[[str], T]) -> T:
    """What a note of a journal says. Raises `JournalError`, with the journal's place, where it cannot be read."""
    try:
        return read(text)
    except (ValueError, TypeError, LookupError, AttributeError, InvalidArgument) as error:
        raise JournalError(
            f"{journal.label}: the journal's note {str(name)!r} cannot be read, so the journal is damaged: {error}"
        ) from None
