"""What a command of an operation asks for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from operator import attrgetter
from pathlib import Path
from typing import Any

import attrs

from wren_async._generated.commands import Command
from wren_async.cli.parameters import FIRST
from wren_async.core.operation import Call


@attrs.frozen(kw_only=True)
class Task:
    """What is to be done with one call."""

    command: Command
    call: Call[Any]
    arguments: Mapping[str, object]
    """Those of the facade's method."""
    given: list[str]
    """The words of the command line, all of them."""
    limit: int | None
    """Rows of a list that pages; `None` for all."""
    output: Path | None
    yes: bool
    find: str | None
    """The reference or key of what is only to be found."""
    sent: datetime | None
    """When that was sent at the latest."""


def walk_of(task: Task, client: object) -> Any:
    """The pager of a list."""
    page = {} if task.limit is None else {"limit": min(task.limit, FIRST)}
    return attrgetter(task.command["method"])(client)(**task.arguments, **page)
