"""Fields that the contract does not know and answers have: remembered, so that the next answer is read in one pass.

An API that has begun to send a new field sends it in every answer. What is remembered is bounded, because the server
decides how many names there are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_MOST: Final = 8
"""Names remembered for each model."""
_NAME: Final = re.compile(r"[A-Za-z0-9_$@.:-]{1,64}")
"""Names that are remembered. msgspec takes none that JSON would write with escapes."""


class Newcomers:
    """Names of new fields, by the model in whose objects they were met."""

    def __init__(self) -> None:
        self._names: dict[type, tuple[str, ...]] = {}
        self._grown = False

    def of(self, model: type) -> tuple[str, ...]:
        """The names met so far."""
        return self._names.get(model, ())

    def meet(self, model: type, names: Iterable[str]) -> None:
        """Remember names, as long as there is room."""
        known = self.of(model)
        new = [name for name in names if name not in known and _NAME.fullmatch(name)][: _MOST - len(known)]
        if new:
            self._names[model] = (*known, *new)
            self._grown = True

    def have_grown(self) -> bool:
        """Whether names were added since this was last asked."""
        grown, self._grown = self._grown, False
        return grown

    def forget(self) -> None:
        """Begin anew."""
        self._names.clear()
        self._grown = False
