"""What happened in the runs of a batch and is not kept with its orders: pauses, unsent orders, how each run ended."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from typing import Final

import attrs

from wren_async.batch.events import Alarm, Ended, Event, Paused, Returned
from wren_async.batch.journal.contract import Journal
from wren_async.batch.journal.notes import Note, read_note
from wren_async.batch.run.reasons import Reasons

_KEPT: Final = 50


@attrs.frozen(kw_only=True)
class RunEnd:
    """How a run ended."""

    at: datetime
    ending: str
    message: str


@attrs.define(kw_only=True)
class History:
    """What happened in the runs of a batch: learnt event by event, and kept in its journal."""

    returned: Reasons = attrs.field(factory=Reasons)
    """Why orders were taken back unsent, and sent again later."""
    pauses: int = 0
    """Pauses that the server asked for."""
    pause_seconds: float = 0.0
    """How long they were, in seconds."""
    alarms: list[str] = attrs.field(factory=list[str])
    endings: list[RunEnd] = attrs.field(factory=list[RunEnd])
    """How the runs ended, the latest last."""

    def add(self, event: Event, at: datetime) -> None:
        """Add an event that came at this time."""
        match event:
            case Returned():
                self.returned.add(event.reason)
            case Paused():
                self.pauses += 1
                self.pause_seconds += event.seconds
            case Alarm():
                self.alarms = [*self.alarms, event.message][-_KEPT:]
            case Ended():
                ending = RunEnd(at=at.astimezone(UTC), ending=event.ending.value, message=event.message)
                self.endings = [*self.endings, ending][-_KEPT:]
            case _:
                pass

    async def keep(self, journal: Journal) -> None:
        """Add what is new to the history that the journal has, to which other processes may add too."""
        new = attrs.evolve(self, returned=Reasons(Counter(self.returned.counts)))
        if new == History():
            return
        self.clear()

        def add(noted: str | None) -> str:
            return _read(journal, noted).plus(new).to_json()

        await journal.amend(Note.HISTORY, add)

    def clear(self) -> None:
        """Forget what was learnt."""
        empty = History()
        for field in attrs.fields(History):
            setattr(self, field.name, getattr(empty, field.name))

    def plus(self, new: History) -> History:
        """This history, and a later part of it."""
        return History(
            returned=Reasons(self.returned.counts + new.returned.counts),
            pauses=self.pauses + new.pauses,
            pause_seconds=self.pause_seconds + new.pause_seconds,
            alarms=[*self.alarms, *new.alarms][-_KEPT:],
            endings=[*self.endings, *new.endings][-_KEPT:],
        )

    def to_json(self) -> str:
        """The history as text, for a journal."""
        endings = [[ending.at.isoformat(), ending.ending, ending.message] for ending in self.endings]
        told = {
            "returned": self.returned.counts,
            "pauses": self.pauses,
            "pause_seconds": self.pause_seconds,
            "alarms": self.alarms,
            "endings": endings,
        }
        return json.dumps(told)

    @classmethod
    async def of(cls, journal: Journal) -> History:
        """The history that the journal has; an empty one where it has none."""
        return _read(journal, await journal.noted(Note.HISTORY))


def _read(journal: Journal, noted: str | None) -> History:
    return History() if noted is None else read_note(journal, Note.HISTORY, noted, _from_json)


def _from_json(text: str) -> History:
    told = json.loads(text)
    return History(
        returned=Reasons(Counter({str(reason): int(count) for reason, count in told["returned"].items()})),
        pauses=int(told["pauses"]),
        pause_seconds=float(told["pause_seconds"]),
        alarms=[str(message) for message in told["alarms"]],
        endings=[
            RunEnd(at=datetime.fromisoformat(at), ending=ending, message=message)
            for at, ending, message in told["endings"]
        ],
    )
