"""Ctrl-C at moments at which it is easily lost."""

from __future__ import annotations

import itertools
import os
import pty
import signal
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from batch_world import World, end_of, kilograms, run, world

from wren_async.batch.events import Ended, Ending
from wren_async.batch.journal.memory import MemoryJournal
from wren_async.cli import terminal
from wren_async.cli.exits import Exit, Stop
from wren_async.cli.interrupts import Interrupts, interruptible
from wren_async.cli.progress import PlainDisplay


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """What types at this process's terminal."""
    master, slave = pty.openpty()
    with os.fdopen(slave) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield master
    os.close(master)


@pytest.fixture
async def here() -> AsyncIterator[World]:
    """A sandbox with clients of its own."""
    async with world() as made:
        yield made


@pytest.mark.parametrize("before", [signal.default_int_handler, signal.SIG_IGN], ids=["taken before", "ignored before"])
def test_a_ctrl_c_that_breaks_no_waiting_ends_the_question_all_the_same(keyboard: int, before: Any) -> None:
    """As where it arrives just before the reading begins: here another thread takes it, so that no call is broken off.
    A program that a script starts in the background ignores it, until it asks."""

    def press() -> None:
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)

    pressing, giving_up = threading.Timer(0.3, press), threading.Timer(5, os.write, (keyboard, b"n\n"))
    was = signal.signal(signal.SIGINT, before)
    try:
        pressing.start()
        giving_up.start()
        with pytest.raises(Stop, match="nothing was placed") as caught:
            terminal.confirm("Place it?", "nothing was placed")
        assert caught.value.code is Exit.INTERRUPTED
        assert giving_up.is_alive(), "it ended only when something was typed"
        assert signal.getsignal(signal.SIGINT) is before
    finally:
        pressing.join()
        giving_up.cancel()
        giving_up.join()
        signal.signal(signal.SIGINT, was)


def test_what_is_typed_at_a_terminal_is_the_answer(keyboard: int) -> None:
    os.write(keyboard, b"YES\n")
    terminal.confirm("Place it?", "nothing was placed")
    os.write(keyboard, b"n\n")
    with pytest.raises(Stop, match="nothing was placed") as caught:
        terminal.confirm("Place it?", "nothing was placed")
    assert caught.value.code is Exit.USAGE


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_that_comes_as_a_step_ends_lets_no_next_step_begin(number: signal.Signals) -> None:
    """The plan is made in the moment of Ctrl-C: its orders are not placed then."""

    async def plan(_: Interrupts) -> str:
        signal.raise_signal(number)
        return "planned"

    with pytest.raises(Stop) as caught:
        await interruptible(plan, PlainDisplay(lambda _: None))
    assert caught.value.code is Exit.INTERRUPTED


async def test_a_signal_that_comes_as_a_run_ends_leaves_what_came_of_it() -> None:
    async def run(interrupts: Interrupts) -> str:
        interrupts.stop = lambda: None
        signal.raise_signal(signal.SIGINT)
        return "placed"

    assert await interruptible(run, PlainDisplay(lambda _: None)) == "placed"


async def test_the_error_of_a_step_is_told_although_a_signal_came() -> None:
    async def plan(_: Interrupts) -> None:
        signal.raise_signal(signal.SIGINT)
        raise Stop("the file has faults")

    with pytest.raises(Stop, match="the file has faults"):
        await interruptible(plan, PlainDisplay(lambda _: None))


class InterruptedJournal(MemoryJournal):
    """A journal at whose n-th use Ctrl-C is pressed."""

    left = 0
    """Uses until then; nobody presses it at 0."""

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if not name.startswith("_") and callable(found) and super().__getattribute__("left"):
            self.left -= 1
            if not self.left:
                signal.raise_signal(signal.SIGINT)
        return found


async def test_after_a_ctrl_c_at_any_step_of_a_run_no_order_begins(here: World) -> None:
    """At the first steps nothing was begun, so nothing is ordered; later the order under way is finished."""
    numbers: list[int] = []
    for step in itertools.count(1):
        journal, before = InterruptedJournal(), len(here.sandbox.orders)

        async def go(interrupts: Interrupts, journal: InterruptedJournal = journal, step: int = step) -> Ended:
            async with here.batch(journal, concurrency=1) as batch:
                await batch.plan(kilograms(1, 2))
                interrupts.stop = batch.stop
                journal.left = step
                return end_of(await run(batch))

        ended = await interruptible(go, PlainDisplay(lambda _: None))
        numbers.append(len(here.sandbox.orders) - before)
        assert (ended.ending is Ending.ASKED) or numbers[-1] == 2, step
        if journal.left:
            break
    assert numbers == sorted(numbers), "the later, the more was placed before"
    assert numbers[0] == 0
    assert numbers.count(0) > 3
    assert numbers.count(1) > 0
