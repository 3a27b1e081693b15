"""A write whose answer was lost: what to say of it, and the command that finds out what became of it."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import attrs

from wren_async.cli.exits import Exit, Stop
from wren_async.cli.task import Task
from wren_async.cli.terminal import errors, say
from wren_async.core.operation import Effect
from wren_async.core.values import given
from wren_async.errors import OutcomeUnknown
from wren_async.reconcile.verdict import NotPlaced, Placed, Unsettled

_MAY_BE: Final = "may have been carried out, but "
"""How the reason of such an error begins: it is told in a sentence of its own."""
_DROPPED: Final = frozenset({"--yes", "-y"})
_LOOK: Final = {
    "credits.top_up": "look for the charge by `wren-async wren credits ledger`",
    "checkout_sessions.create": "a session charges nobody until its buyer pays, and no list shows it",
}
"""What to do where neither reference nor key travels, so that nothing can be searched for."""


def unknown_of(task: Task, error: OutcomeUnknown) -> Stop:
    """What to say of an answer that was lost."""
    why = error.reason.removeprefix(_MAY_BE)
    return unknown(task, error.last_sent or datetime.now(UTC), f"no answer settles {error.method} {error.url} ({why})")


def unknown(task: Task, sent: datetime, why: str = "left before the answer came") -> Stop:
    """What to say of a write that may have been carried out. It never says to do it anew."""
    if task.call.operation.effect is Effect.REPEATABLE:
        remedy = "Give the same command again: a repeat leaves everything as the first left it."
        return Stop(f"outcome unknown: {why}\n{remedy}", Exit.SOME_UNDECIDED)
    mark = given(task.call.reference) or given(task.call.idempotency_key)
    if mark is None:
        look = _LOOK.get(task.command["method"], "look for it in the account's own pages")
        remedy = f"Do not give the command again before you know: {look}."
    else:
        finding = _find(task, mark, sent)
        remedy = f"Do not give the command again. This finds out what became of it, and buys nothing:\n  {finding}"
    return Stop(f"outcome unknown: {why}\nIt may or may not have been carried out. {remedy}", Exit.SOME_UNDECIDED)


async def find_out(task: Task, client: Any) -> tuple[Exit, object]:
    """Find out what became of a command that was given before. It only searches.

    An order that carried no reference was told by its key, which no list shows: its absence proves nothing.
    """
    call, find = task.call, str(task.find)
    if call.operation.reference is not None and call.reference is not None:
        call = attrs.evolve(call, reference=find)
    else:
        call = attrs.evolve(call, idempotency_key=find)
    verdict = await client.reconcile(Unsettled(call=call, first_sent=task.sent, last_sent=task.sent))
    if isinstance(verdict, Placed):
        say(errors(), f"it was carried out: {verdict.evidence}")
        return Exit.ALL_PLACED, verdict.order
    if isinstance(verdict, NotPlaced):
        say(errors(), f"it was not carried out: {verdict.evidence}")
        return Exit.SOME_REFUSED, None
    say(errors(), f"it cannot be told yet; give this command again later: {verdict.evidence}")
    return Exit.SOME_UNDECIDED, None


def _find(task: Task, mark: str, sent: datetime) -> str:
    """The same command with what it was sent with, and without leave to spend."""
    words = [word for word in task.given if word not in _DROPPED]
    # To the second that follows: nothing was sent later.
    latest = (sent.astimezone(UTC) + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return shlex.join(["wren-async", *words, f"--find={mark}", f"--sent={latest}"])
