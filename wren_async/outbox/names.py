"""The names of outboxes, and the references that their orders carry in the account. Pure.

Several outboxes may order from one account, and each knows only its own references. So that no order of one is taken
for an order of another, the name goes before the reference wherever it is sent. That of `main`, which is meant where no
name is given, does not, unless the reference itself begins like one of another outbox: `rides/4711`.
"""

from __future__ import annotations

import re
from typing import Final

from wren_async.core.reference import check_reference
from wren_async.errors import InvalidArgument

MAIN: Final = "main"
"""The outbox where no name is given."""
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_NAMED: Final = re.compile(rf"{_NAME.pattern}/")
_LONGEST: Final = 100
"""Characters of a reference as it is sent."""


def check_name(name: str) -> str:
    """The name of an outbox, or `InvalidArgument`."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidArgument(
            "name",
            f"takes 1 to 40 of a-z, 0-9, - and _, such as 'rides', beginning with a letter or digit; not {name!r}",
        )
    return name


def sent_reference(name: str, reference: str) -> str:
    """The reference as it is sent with an order of this outbox. Raises `InvalidArgument` for one that cannot be."""
    check_reference(reference)
    if name == MAIN and not _NAMED.match(reference):
        return reference
    sent = f"{name}/{reference}"
    if len(sent) > _LONGEST:
        room = _LONGEST - len(name) - 1
        raise InvalidArgument(
            "reference", f"takes 1 to {room} characters in the outbox {name!r}, whose name is sent before it"
        )
    return sent


def own_reference(name: str, sent: str) -> str:
    """The caller's reference, from the one that was sent."""
    return sent.removeprefix(f"{name}/")
