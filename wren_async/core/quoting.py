"""What a server says, as a message may repeat it: one line, cut to a length, and nothing that a terminal would obey."""

from __future__ import annotations

from typing import Final

LONGEST: Final = 500
"""Characters of a message that repeats a server's words."""


def quoted(text: str, longest: int = LONGEST) -> str:
    """`text` with control, bidi and other unprintable characters as escapes, cut to about `longest` characters."""
    cut = text[:longest]
    if not cut.isprintable():
        cut = "".join(each if each.isprintable() else _escaped(each) for each in cut)
    return f"{cut[:longest]}… ({len(text):,} characters)" if max(len(text), len(cut)) > longest else cut


def _escaped(character: str) -> str:
    return " " if character.isspace() else ascii(character)[1:-1]
