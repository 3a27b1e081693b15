"""Sending one order that has its slot, and sending it again with its key while its outcome is in doubt.

The clients do not repeat anything here: each repeat keeps to the pauses and to the end of the whole run.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from itertools import count
from typing import Any, Final

import attrs

from wren_async.batch.events import Ending, Event, Paused
from wren_async.batch.intents import Api, Intent
from wren_async.batch.journal.contract import Entry, Result
from wren_async.batch.run.concurrency import AdaptiveConcurrency
from wren_async.batch.run.outcomes import Meaning, ending, intent_of, meaning, pending, placed, refused, undecided
from wren_async.batch.run.server_clock import ServerClocks
from wren_async.batch.run.slots import Slots
from wren_async.core.client import BaseClient
from wren_async.core.operation import Call, Effect
from wren_async.core.policy import RetryPolicy
from wren_async.core.reply import Reply
from wren_async.core.timing import Timing
from wren_async.errors import CallError, NotSent, OutcomeUnknown, RateLimited

_REPEATS: Final = 4
"""Sendings of an order with a key, within one run, while its outcome is in doubt."""
_KEY_TRUST: Final = 540.0
"""Seconds in which such repeats may happen: less than the ten minutes for which a key is trusted."""
_UNREACHABLE: Final = 10
"""Orders in a row that could not be sent before the run gives up."""
_PAUSES: Final = 20
"""Pauses in a row that the server may ask for before the run gives up."""
_LONGEST_PAUSE: Final = 900.0

Emit = Callable[[Event], Awaitable[None]]
Halt = Callable[[Ending, str], None]
RaiseAlarm = Callable[[Entry, str], Awaitable[None]]


@attrs.define(eq=False)
class Order:
    """An order on its way."""

    entry: Entry
    intent: Intent = attrs.field(init=False)
    attempts: int = attrs.field(init=False)
    doubt: OutcomeUnknown | None = None
    """The last sending that may have placed it."""
    accepted: bool = False
    """Whether any answer to it was a success, even one that could not be read."""
    unsent: bool = False
    """Whether it came back with proof that nothing was sent."""

    def __attrs_post_init__(self) -> None:
        self.intent = intent_of(self.entry.row)
        self.attempts = self.entry.result.attempts


class OrderSender:
    """Sends the orders of a run. The answers of the servers set the concurrency, and may end the run."""

    def __init__(
        self,
        clients: Mapping[Api, BaseClient],
        *,
        slots: Slots,
        concurrency: AdaptiveConcurrency,
        timing: Timing,
        clocks: ServerClocks,
        emit: Emit,
        halt: Halt,
        pause: Callable[[float], None],
        alarm: RaiseAlarm,
    ) -> None:
        self._clients = {api: client._for_journal() for api, client in clients.items()}
        self._slots = slots
        self._concurrency = concurrency
        self._timing = timing
        self._clocks = clocks
        self._emit = emit
        self._halt = halt
        self._pause_all = pause
        self._alarm = alarm
        self._policy = RetryPolicy()
        self._unsent_in_a_row = 0

    async def send(self, order: Order) -> Result:
        """Send an order that has its slot, and again while its outcome is in doubt. Returns what came of it."""
        row, intent = order.entry.row, order.intent
        call = intent.call(row.reference, row.key)
        began = self._timing.monotonic()
        for sending in count(1):
            answer = await self._once(order, call, intent.api)
            if isinstance(answer, Reply):
                await self._check_replay(order, answer)
                return self._explained(order, placed(answer, order.attempts, self._clocks.now()))
            if isinstance(answer, OutcomeUnknown):
                order.doubt = answer
                order.accepted |= answer.accepted
            if order.doubt is None:
                return await self._without_doubt(order, answer)
            if not self._is_final(call, answer, sending, self._timing.monotonic() - began):
                await self._slots.rest_before_repeat(self._policy.wait(sending, draw=self._timing.draw))
                if not self._slots.abandoned:
                    continue
            later = "" if answer is order.doubt else f"sent again with its key, {answer.reason}"
            last_sent = self._clocks.latest(intent.api)
            return undecided(order.doubt, order.attempts, last_sent, later, accepted=order.accepted)
        raise AssertionError("count() does not end")

    async def _once(self, order: Order, call: Call[Any], api: Api) -> Reply[Any] | CallError:
        began = self._timing.monotonic()
        try:
            answer = await self._clients[api].send_raw(call)
        except CallError as error:
            order.attempts += error.attempts
            self._clocks.note(api, error.headers)
            await self._adapt(error, began)
            return error
        order.attempts += answer.attempts
        self._concurrency.answered(began, self._timing.monotonic())
        self._clocks.note(api, answer.headers)
        self._unsent_in_a_row = 0
        return answer

    async def _adapt(self, error: CallError, began: float) -> None:
        """Adapt the run to what an error says of the server."""
        now = self._timing.monotonic()
        self._unsent_in_a_row = self._unsent_in_a_row + 1 if isinstance(error, NotSent) else 0
        if isinstance(error, RateLimited):
            before = self._concurrency.pause(now)
            seconds = self._concurrency.rate_limited(began, now, error.retry_after)
            if seconds > _LONGEST_PAUSE or self._concurrency.limited > _PAUSES:
                self._halt(Ending.UNREACHABLE, f"the server asks for a pause of {seconds:g} s; run again later")
            if seconds > before:
                self._pause_all(seconds)
                await self._emit(Paused(seconds=seconds))
        elif meaning(error) in (Meaning.UNDECIDED, Meaning.UNSENT):
            self._concurrency.failed(began, now)
        if self._unsent_in_a_row >= _UNREACHABLE:
            self._halt(Ending.UNREACHABLE, f"{self._unsent_in_a_row} times in a row {error.reason}")

    async def _without_doubt(self, order: Order, error: CallError) -> Result:
        match meaning(error):
            case Meaning.REFUSED:
                return refused(error, order.attempts)
            case Meaning.STOPPED:
                self._halt(ending(error), f"order {order.entry.row.position}: {error.reason}")
            case Meaning.UNSENT:
                order.unsent = True
                await self._slots.rest(self._policy.wait(self._unsent_in_a_row or 1, draw=self._timing.draw))
        return pending(order.entry.result, order.attempts, error.reason)

    def _is_final(self, call: Call[Any], error: CallError, sending: int, seconds: float) -> bool:
        """Whether an order in doubt is not sent again with its key in this run."""
        if meaning(error) is Meaning.STOPPED:
            self._halt(ending(error), error.reason)
        keyed = call.operation.effect is Effect.KEYED
        refusal = meaning(error) in (Meaning.REFUSED, Meaning.STOPPED)
        return not keyed or refusal or sending >= _REPEATS or seconds >= _KEY_TRUST

    async def _check_replay(self, order: Order, reply: Reply[Any]) -> None:
        entry = order.entry
        if not reply.replayed or order.doubt is not None or entry.result.first_sent is not None:
            return
        await self._alarm(
            entry,
            f"order {entry.row.position} was placed before, though this journal had never sent it: is a copy of the "
            "journal at work?",
        )

    def _explained(self, order: Order, result: Result) -> Result:
        """The result, with the reason why the order was sent more than once, where it was."""
        before = order.doubt.reason if order.doubt else order.entry.result.reason
        if result.attempts < 2 or not before or result.reason:
            return result
        return attrs.evolve(result, reason=f"sent again after: {before}")
