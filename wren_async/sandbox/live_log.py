"""Requests and notifications as they come and go, a line each, for whoever watches the sandbox in a terminal."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from datetime import datetime

from wren_async.sandbox.cnaught import Notification
from wren_async.sandbox.log import LoggedRequest

_MOST_WAITING = 10_000
_LAST_WORDS_SECONDS = 1.0


class LiveLog:
    """Writes lines from a thread of its own: a pipe that nobody reads must not hold up the sandbox."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._out = write
        self._lines: queue.Queue[str | None] = queue.Queue(_MOST_WAITING)
        self._left_out = 0
        self._thread = threading.Thread(target=self._write, name="wren-async sandbox log", daemon=True)
        self._thread.start()

    def tell(self, text: str) -> None:
        """Write a line. What comes faster than it is read is counted instead."""
        try:
            self._lines.put_nowait(text)
        except queue.Full:
            self._left_out += 1

    def stop(self) -> None:
        """Write what is waiting, unless nobody reads it."""
        try:
            self._lines.put(None, timeout=_LAST_WORDS_SECONDS)
        except queue.Full:
            return
        self._thread.join(_LAST_WORDS_SECONDS)

    def _write(self) -> None:
        while (text := self._lines.get()) is not None:
            if self._left_out:
                text, self._left_out = f"… and {self._left_out} more\n{text}", 0
            try:
                self._out(f"{text}\n")
            except (OSError, ValueError):  # whoever read it is gone; the sandbox goes on
                return


def line(request: LoggedRequest) -> str:
    """A request in one line: when, which API, what was asked, how it was answered, how fast, and what it changed."""
    took = "" if request.took is None else f"{request.took * 1000:.0f} ms"
    status = "---" if request.status is None else str(request.status)
    target = f"{request.method} {request.target}"
    told = [f"[{request.fault}]"] if request.fault else []
    told += ["; ".join(request.changes)] if request.changes else []
    start = f"{request.at:%H:%M:%S}  {request.api:<7}  {status}  {took:>7}  {target}"
    return _printable("  ".join([start, *told]))


def attempt_line(notification: Notification, now: datetime) -> str | None:
    """An attempt to post a notification in one line; None for one that ended as the one before."""
    attempts = notification.attempts
    if len(attempts) > 1 and attempts[-1] == attempts[-2]:
        return None
    status = "---" if attempts[-1] is None else str(attempts[-1])
    told = f"notification: order {notification.order_id} is {notification.state}"
    return _printable(f"{now:%H:%M:%S}  {'to you':<7}  {status}  {'':>7}  POST {notification.url}  {told}")


def _printable(text: str) -> str:
    # What a client sends must not steer the terminal.
    return "".join(each if each.isprintable() else f"\\x{ord(each):02x}" for each in text)
