"""Letting many tasks of a process wait for what becomes of their orders."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import attrs


@attrs.define(eq=False)
class Waiting:
    """Tasks that wait for a reference, and those that wait for anything to be settled."""

    _by_reference: dict[str, set[asyncio.Event]] = attrs.field(factory=dict[str, set[asyncio.Event]])
    _any: set[asyncio.Event] = attrs.field(factory=set[asyncio.Event])

    @contextmanager
    def of(self, reference: str) -> Iterator[asyncio.Event]:
        """An event that is set when there is something new of this reference."""
        event = asyncio.Event()
        waiting = self._by_reference.setdefault(reference, set())
        waiting.add(event)
        try:
            yield event
        finally:
            waiting.discard(event)
            if not waiting and self._by_reference.get(reference) is waiting:
                del self._by_reference[reference]

    @contextmanager
    def any(self) -> Iterator[asyncio.Event]:
        """An event that is set when an order was settled, whichever it is."""
        event = asyncio.Event()
        self._any.add(event)
        try:
            yield event
        finally:
            self._any.discard(event)

    def wake(self, reference: str) -> None:
        """There is something new of this reference."""
        for event in self._by_reference.get(reference, ()):
            event.set()

    def wake_all(self) -> None:
        """Orders were settled, or nothing more will be."""
        for event in self._any:
            event.set()
        for reference in self._by_reference:
            self.wake(reference)

    def wake_any(self) -> None:
        """Orders were settled."""
        for event in self._any:
            event.set()
