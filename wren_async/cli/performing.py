"""Doing what a command asks for: asking before money is spent, waiting for the answer, and what Ctrl-C does then."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import sys
import uuid
from datetime import UTC, datetime
from typing import Any, Final

import attrs

from wren_async.cli import terminal
from wren_async.cli.environment import TOKENS, has_token
from wren_async.cli.exits import Exit, Stop
from wren_async.cli.interrupts import heard
from wren_async.cli.messages import told
from wren_async.cli.task import Task, walk_of
from wren_async.cli.unknown import find_out, unknown, unknown_of
from wren_async.cnaught import CNaughtClient
from wren_async.core.document import download
from wren_async.core.operation import Call
from wren_async.core.request import body_of
from wren_async.core.sending.session import Outcome, outcome_of
from wren_async.core.values import UNSET
from wren_async.errors import APIError, InvalidConfiguration, OutcomeUnknown, RateLimited, ServerError
from wren_async.http.address import read_address
from wren_async.wren import WrenClient

_PATIENCE: Final = 1.0
"""Seconds that the second Ctrl-C still leaves for an answer on the wire."""
_PLACEHOLDER: Final = "no-token-is-sent"
_ELSEWHERE: Final = (RateLimited, ServerError)
"""Errors that say nothing of what was asked for."""


def perform(task: Task) -> tuple[Exit, object]:
    """Do it, and return the exit code with the answer."""
    if not has_token(task.command["api"]):
        task = _without_token(task)
    client = _client(task)
    if task.find is None:
        # Outside of the loop, which would keep Ctrl-C from ending the question.
        confirm(task, client)
    return asyncio.run(_perform(task, client))


async def _perform(task: Task, client: WrenClient | CNaughtClient) -> tuple[Exit, object]:
    try:
        if task.find is not None:
            return await find_out(task, client)
        return Exit.ALL_PLACED, await _carried_out(attrs.evolve(task, call=_marked(task.call)), client)
    finally:
        await client.aclose(_PATIENCE)


async def _carried_out(task: Task, client: WrenClient | CNaughtClient) -> object:
    """The answer. What was lost, refused, or lacks a good token is told in the words of the command line."""
    try:
        return await _answer(task, client)
    except OutcomeUnknown as error:
        raise unknown_of(task, error) from error
    except APIError as error:
        if (error.status or 0) in (401, 402, 403) or isinstance(error, _ELSEWHERE):
            raise
        raise Stop(str(error), Exit.SOME_REFUSED) from error


def spends(call: Call[Any]) -> bool:
    """Whether a call spends money, and does not only calculate."""
    when = call.operation.compute_when
    rehearsal = when is not None and body_of(call).get(when.attribute) is when.value
    return call.operation.spends and not rehearsal


def is_free(client: WrenClient | CNaughtClient) -> bool:
    """Whether nothing that is bought here costs anything: on this machine's own servers, and with a test token."""
    return read_address(client.base_url).is_loopback or (isinstance(client, WrenClient) and client.is_test)


def confirm(task: Task, client: WrenClient | CNaughtClient) -> None:
    """Ask at the terminal before money is spent, and stop unless the answer is yes."""
    if task.yes or not spends(task.call) or is_free(client):
        return
    if not sys.stdin.isatty():
        raise Stop("nothing was sent: there is no terminal to ask at whether money may be spent; --yes says so")
    sent = ", ".join(f"{name} {value}" for name, value in body_of(task.call).items())
    question = f"{task.command['summary']} At {client.base_url}: {sent}.\nThis spends money. Go on?"
    terminal.confirm(question, "nothing was sent")


def _without_token(task: Task) -> Task:
    """The same, for somebody who has no token, where the operation needs none. Raises `Stop` where it needs one."""
    operation = task.call.operation
    if operation.credentials == "required":
        variable = TOKENS[task.command["api"]]
        raise Stop(f"the token is not there: set {variable} in the environment, or try it with --sandbox")
    return attrs.evolve(task, call=attrs.evolve(task.call, operation=attrs.evolve(operation, credentials="none")))


def _client(task: Task) -> WrenClient | CNaughtClient:
    # A client wants some token, also where none is sent.
    token = _PLACEHOLDER if task.call.operation.credentials == "none" else None
    try:
        return WrenClient(token) if task.command["api"] == "wren" else CNaughtClient(token)
    except InvalidConfiguration as error:
        raise Stop(told(error)) from None


def _marked(call: Call[Any]) -> Call[Any]:
    """The call with a reference and a key of its own, so that it can be told how to find it whatever happens."""
    operation, key = call.operation, call.idempotency_key
    if operation.reference is not None and call.reference is UNSET:
        # A key that is given twice needs the same payload twice.
        reference = uuid.uuid5(uuid.NAMESPACE_OID, key) if isinstance(key, str) else uuid.uuid4()
        call = attrs.evolve(call, reference=str(reference))
    if operation.idempotency_header is not None and call.idempotency_key is UNSET:
        call = attrs.evolve(call, idempotency_key=str(uuid.uuid4()))
    return call


async def _answer(task: Task, client: WrenClient | CNaughtClient) -> object:
    if task.call.operation.deprecated:
        terminal.say(terminal.errors(), "this operation is deprecated; its --help tells what to use instead")
    if task.command["paged"]:
        return await _uninterrupted(task, _rows(task, client))
    if task.output is not None:
        document = await _uninterrupted(task, download(client, task.call, task.output))
        terminal.say(terminal.errors(), f"{task.output}: {len(document.content):,} bytes, {document.content_type}")
        return None
    return await _uninterrupted(task, client.send(task.call))


async def _rows(task: Task, client: WrenClient | CNaughtClient) -> list[object]:
    found: list[object] = []
    walk = aiter(walk_of(task, client))
    async with contextlib.aclosing(walk):
        async for row in walk:
            if len(found) == task.limit:
                terminal.say(terminal.errors(), f"the first {task.limit:,}; --limit shows more of them, --all all")
                break
            found.append(row)
    return found


async def _uninterrupted(task: Task, work: Any) -> Any:
    """Wait for an answer. Ctrl-C waits for that of a write; a second one leaves, and says how to find out."""
    left: list[Outcome | None] = []

    async def watched() -> Any:
        try:
            return await work
        except asyncio.CancelledError as error:
            left.append(outcome_of(error))
            raise

    running, loop, counted = asyncio.create_task(watched()), asyncio.get_running_loop(), itertools.count(1)
    writes = task.call.operation.effect.writes

    def hear() -> None:
        waits = writes and next(counted) == 1
        loop.call_soon_threadsafe(functools.partial(_interrupted, running, waits=waits))

    with heard(hear):
        await asyncio.wait([running])
    if not running.cancelled():
        return running.result()
    return await _after_leaving(task, left[0] if left else None)


def _interrupted(running: asyncio.Task[Any], *, waits: bool) -> None:
    if waits:
        terminal.say(
            terminal.errors(), "waiting for the answer; Ctrl-C again leaves at once, and tells how to find out"
        )
    else:
        running.cancel()


async def _after_leaving(task: Task, outcome: Outcome | None) -> Any:
    """What is known of a call that was left: nothing had been sent, or its answer may still come in a moment."""
    if outcome is None:
        raise Stop("left before anything was sent" if task.call.operation.effect.writes else "left", Exit.INTERRUPTED)
    try:
        async with asyncio.timeout(_PATIENCE):
            return (await outcome.reply()).value
    except TimeoutError:
        raise unknown(task, datetime.now(UTC)) from None
