"""What the lint reports."""

from __future__ import annotations

import attrs

from codegen.walk import Path, location


@attrs.frozen(order=True)
class Problem:
    """A fault of a contract and the JSON path of its place."""

    path: str
    message: str
    """What is wrong, and where it is not plain the remedy."""
    parts: Path = attrs.field(default=(), eq=False, order=False, repr=False)
    """The path in steps, by which a file's line is found."""

    @classmethod
    def at(cls, path: Path, message: str) -> Problem:
        """A problem at a path given in parts."""
        return cls(location(path), message, path)

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"
