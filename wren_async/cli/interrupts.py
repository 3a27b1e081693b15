"""What Ctrl-C and SIGTERM do to a command."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from wren_async.cli.collecting import passed_over
from wren_async.cli.exits import Exit, Stop

if TYPE_CHECKING:
    from wren_async.cli.progress import Display

T = TypeVar("T")


@contextlib.contextmanager
def heard(hear: Callable[[], None]) -> Iterator[None]:
    """Call `hear` for each Ctrl-C and SIGTERM while this lasts, in the middle of whatever the program does."""
    before = {number: signal.signal(number, lambda *_: hear()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@attrs.define
class Interrupts:
    """What Ctrl-C and SIGTERM do: the first asks for the end, the second leaves at once."""

    display: Display
    task: asyncio.Task[Any] | None = None
    stop: Callable[[], None] | None = None
    """Asks for the end; before there is anything to finish, the first one leaves at once."""
    count: int = 0
    came: int = 0
    """Those that arrived, of which the last may come too late to be taken in."""

    @property
    def is_unheard(self) -> bool:
        """Whether one came that nothing was finished for."""
        return self.came > 0 and self.stop is None

    def interrupt(self) -> None:
        """Ask for the end, or leave at once."""
        self.count += 1
        if self.count == 1 and self.stop is not None:
            self.stop()
            self.display.say("finishing the orders on the wire; Ctrl-C again leaves at once, and loses none either")
        elif self.task is not None and not self.task.done() and not self.task.cancelling():
            self.task.cancel()

    @contextlib.contextmanager
    def caught(self) -> Iterator[None]:
        """Catch the signals while this lasts."""
        loop = asyncio.get_running_loop()

        def hear() -> None:
            self.came += 1
            loop.call_soon_threadsafe(self.interrupt)

        with heard(hear):
            yield


async def interruptible(work: Callable[[Interrupts], Coroutine[Any, Any, T]], display: Display) -> T:
    """Do some work that Ctrl-C may end: then `Stop` is raised."""
    interrupts = Interrupts(display)
    task: asyncio.Task[T] = asyncio.create_task(work(interrupts))
    interrupts.task = task
    with interrupts.caught(), passed_over():
        await asyncio.wait([task])
        display.end()
    if task.cancelled():
        raise Stop("left at once; run again to go on", Exit.INTERRUPTED)
    done = task.result()
    if interrupts.is_unheard:
        # It came as this ended. What follows, such as placing what was planned, is not begun.
        raise Stop("left before anything more was begun; run again to go on", Exit.INTERRUPTED)
    return done
