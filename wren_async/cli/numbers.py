"""Numbers on a command line, read exactly."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,40}")


def whole(_: Any, tokens: Sequence[Any]) -> int:
    """A whole number. By itself the parser of the words would take 10.5 for 10, also where it is money."""
    (token,) = tokens
    if not _WHOLE.fullmatch(token.value):
        raise ValueError(f"takes a whole number, not {token.value!r}")
    return int(token.value)
