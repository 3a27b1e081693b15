"""The jobs of this process that are under way, so that they can be told to end, and missed where they are not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from procrastinate import JobContext

_KEY: Final = "wren_async running"
"""What it is called in the context that procrastinate hands to the jobs of a worker."""


class RunningJobs:
    """The jobs that a supervised worker runs now."""

    def __init__(self) -> None:
        # One by one, and not by their ids: a job that was put back too soon may run twice here.
        self._runs: list[tuple[int, Callable[[], None]]] = []
        self.is_stopping = False
        """Whether they were told to end."""

    @property
    def context(self) -> dict[str, object]:
        """What jobs need to be known here."""
        return {_KEY: self}

    @property
    def ids(self) -> frozenset[int]:
        """The ids of those that run."""
        return frozenset(job for job, _ in self._runs)

    def stop(self) -> None:
        """Let each take up nothing new, and finish what it has on the wire."""
        self.is_stopping = True
        for _, stop in list(self._runs):
            stop()

    @contextmanager
    def during(self, job: int, stop: Callable[[], None]) -> Iterator[None]:
        """Let a job be one of them while this lasts."""
        run = (job, stop)
        self._runs.append(run)
        if self.is_stopping:
            stop()
        try:
            yield
        finally:
            self._runs.remove(run)


@contextmanager
def known_as_running(context: JobContext, stop: Callable[[], None]) -> Iterator[None]:
    """Let a job be known to the supervised worker that runs it, if one does, and be stopped by it."""
    running = context.additional_context.get(_KEY)
    if isinstance(running, RunningJobs) and context.job.id is not None:
        with running.during(context.job.id, stop):
            yield
    else:
        yield


def was_stopped(context: JobContext) -> bool:
    """Whether a job was told to end, so that something may be left of it for another worker."""
    running = context.additional_context.get(_KEY)
    return isinstance(running, RunningJobs) and running.is_stopping
