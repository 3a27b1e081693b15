"""What the lint reports."""

from __future__ import annotations

import attrs

from codegen.walk import Path, location


@attrs.frozen(order=True)
class Problem:
    """A fault of a contract and the JSON path of its place."""

    path: str
    message: str

    @classmethod
    def at(cls, path: Path, message: str) -> Problem:
        """A problem at a path given in parts."""
        return cls(location(path), message)

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"
