"""The lines that a run leaves in the log: few, however many orders it has. The journal has the rest."""

from __future__ import annotations

import logging
from typing import Final

import attrs

from wren_async.batch.events import Alarm, Ended, Event, Paused, Settled
from wren_async.batch.journal.contract import Entry, State
from wren_async.core.log import get_logger
from wren_async.core.printable import printable

logger = get_logger(__name__)

_NAMED: Final = 10
"""Undecided orders of a run that get a line each. A server that fails makes thousands, and the journal has them all."""


@attrs.define(eq=False)
class RunLog:
    """What one run has logged so far."""

    batch_id: str
    _undecided: int = 0

    def note(self, event: Event) -> None:
        """Log an event, if it is one that an operator wants to hear of."""
        match event:
            case Settled(entry=entry) if entry.result.state is State.UNDECIDED:
                self._note_undecided(entry)
            case Paused(seconds=seconds):
                logger.info(
                    "batch %s: the server asks for a pause, nothing is sent for %.3g s",
                    self.batch_id,
                    seconds,
                    extra={"event": "pause", "batch": self.batch_id, "wait": seconds},
                )
            case Alarm(entry=entry, message=message):
                logger.error(
                    "batch %s: alarm: %s",
                    self.batch_id,
                    printable(message),
                    extra={"event": "alarm", "batch": self.batch_id, "reference": entry.row.reference},
                )
            case Ended():
                self._note_end(event)

    def _note_undecided(self, entry: Entry) -> None:
        self._undecided += 1
        if self._undecided > _NAMED:
            return
        row, reason = entry.row, printable(entry.result.reason or "no answer came")
        more = "; from here on, only the journal names such orders" if self._undecided == _NAMED else ""
        logger.warning(
            "batch %s: order %d is undecided: %s (reference %s); this run or the next looks for it%s",
            self.batch_id,
            row.position,
            reason,
            row.reference,
            more,
            extra={
                "event": "outcome_unknown",
                "batch": self.batch_id,
                "position": row.position,
                "reference": row.reference,
                "reason": reason,
            },
        )

    def _note_end(self, ended: Ended) -> None:
        counts = {state.value: count for state, count in ended.totals.orders.items() if count}
        told = ", ".join(f"{count} {state}" for state, count in counts.items())
        logger.log(
            logging.WARNING if ended.totals.orders.get(State.UNDECIDED) else logging.INFO,
            "batch %s: the run ended (%s): %s; %s",
            self.batch_id,
            ended.ending,
            printable(ended.message),
            told or "no orders",
            extra={"event": "run_ended", "batch": self.batch_id, "ending": str(ended.ending), "orders": counts},
        )
