"""Submitted orders as both stores read them: a row of the submissions, and the journal's entry beside it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import attrs

from wren_async.batch.intents import Api, restore
from wren_async.batch.journal.contract import Entry, JournalError, Result, State
from wren_async.outbox.store import Submission

COLUMNS: Final = "position, reference, api, intent, submitted, finished, kept_state, kept_order_id, kept_cents"
"""What `Stored` is made of."""
_TRIES: Final = 3

EntriesAt = Callable[[Api, Collection[int]], Awaitable[Mapping[int, Entry]]]


def _time(given: str | datetime) -> datetime:
    return (datetime.fromisoformat(given) if isinstance(given, str) else given).astimezone(UTC)


@attrs.frozen
class Stored:
    """A row of the submissions. Its order is here until it has its price, then in the journal, and then pruned."""

    position: int
    reference: str
    api: Api
    intent: str | None
    submitted: datetime = attrs.field(converter=_time)
    number: int | None
    kept_state: str | None
    """That of a pruned order; `None` before, and so are the next two."""
    kept_order_id: str | None
    kept_cents: int | None

    @property
    def is_in_journal(self) -> bool:
        """Whether the rest of it stands in the journal."""
        return self.intent is None and self.kept_state is None

    def whole(self, entry: Entry | None) -> Submission:
        """All that is known of the order, with the journal's entry where it is in there."""
        intent = entry.row.intent if entry else self.intent
        return Submission(
            reference=self.reference,
            intent=None if intent is None else restore(intent),
            submitted=self.submitted,
            result=self._result(entry),
            number=self.number,
        )

    def _result(self, entry: Entry | None) -> Result:
        if self.kept_state is not None:
            return Result(state=State(self.kept_state), order_id=self.kept_order_id, cents=self.kept_cents)
        result = entry.result if entry else Result(state=State.PENDING)
        if result.state is State.REFUSED and not result.attempts:
            # It was refused before it was sent, and was only marked to keep to the steps that an order may make.
            return attrs.evolve(result, first_sent=None, last_sent=None)
        return result


async def whole_submissions(
    rows: Callable[[], Awaitable[Sequence[Stored]]], entries_at: EntriesAt
) -> tuple[Sequence[Stored], list[Submission]]:
    """What a query finds, with the entries of the journals. It is asked again for what is pruned in between."""
    missing = ""
    for _ in range(_TRIES):
        found = await rows()
        entries = await _entries(found, entries_at)
        lacking = [each.reference for each in found if each.is_in_journal and each.position not in entries]
        if not lacking:
            return found, [each.whole(entries.get(each.position)) for each in found]
        missing = lacking[0]
    raise JournalError(f"the journal has no order of {missing!r}, though the outbox says so")


async def _entries(found: Sequence[Stored], entries_at: EntriesAt) -> Mapping[int, Entry]:
    """The entries of those orders that stand in a journal."""
    entries: dict[int, Entry] = {}
    apis: tuple[Api, ...] = ("wren", "cnaught")
    for api in apis:
        if wanted := [each.position for each in found if each.api == api and each.is_in_journal]:
            entries.update(await entries_at(api, wanted))
    return entries
