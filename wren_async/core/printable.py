"""Text from elsewhere, made fit for a message: one line of bounded length that steers no terminal."""

from __future__ import annotations

from typing import Final

LONGEST: Final = 500
"""Characters of a quotation. An answer may hold megabytes, and a message is read by a person."""


def printable(text: str, longest: int = LONGEST) -> str:
    """`text` in printable characters, cut at `longest`.

    Control characters, line breaks and marks that turn the direction of writing are shown as escapes such as `\\x1b`:
    a server's or a file's text must not forge a line of a log or move a terminal's cursor.
    """
    if len(text) > longest:
        text = text[: longest - 1] + "…"
    if text.isprintable():
        return text
    shown = "".join(each if each.isprintable() else _escaped(each) for each in text)
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}…"


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
