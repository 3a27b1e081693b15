"""Text that must not be shown. A module of its own, because making a client needs it and nothing else of HTTP."""

from __future__ import annotations


class Secret:
    """Text that no repr, log or pickle shows."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself. Only for the moment in which it is checked or sent."""
        return self._text

    def __repr__(self) -> str:
        return "<secret>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a secret is not pickled; build the client where it is used")


def hidden(text: str | None) -> Secret | None:
    """`text` as a secret, if there is one."""
    return None if text is None else Secret(text)
