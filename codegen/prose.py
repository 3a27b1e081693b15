"""Text of the contract as docstrings."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any, Final

from codegen.parsed import Names

LINE: Final = 120
_TERM: Final = re.compile(r"`([A-Za-z_][\w.]*)`")
_CAMEL: Final = re.compile(r"(?<![`\w/])`?([a-z]+[A-Z]\w*)`?(?!\w)")
_SENTENCE_END: Final = re.compile(r"(?<!e\.g)(?<!i\.e)(?<!etc)(?<=[.!?])\s+(?=[A-Z`])")


class Prose:
    """Writes docstrings; attributes are called in them what they are called in Python."""

    def __init__(self, names: Names) -> None:
        self._terms = _terms([*names.attributes.values(), *names.parameters.values()])
        self._operations = {key: " or ".join(f"`{name}`" for name in found) for key, found in names.builders.items()}

    def text(self, text: object) -> str:
        """One paragraph or several, with the names of Python."""
        named = _TERM.sub(self._term, str(text or "").strip())
        return _CAMEL.sub(lambda match: self._operations.get(match[1], match[0]), named)

    def _term(self, match: re.Match[str]) -> str:
        return f"`{'.'.join(self._terms.get(part, part) for part in match[1].split('.'))}`"


def _terms(tables: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Names that have one translation wherever they occur and differ from it."""
    found: dict[str, set[str]] = {}
    for table in tables:
        for wire, python in table.items():
            found.setdefault(wire, set()).add(python)
    return {wire: next(iter(pythons)) for wire, pythons in found.items() if len(pythons) == 1 and pythons != {wire}}


def docstring(text: str, indent: int = 0) -> str:
    """A docstring with its quotes. The first sentence gets a line of its own if the whole does not fit on one."""
    text = escape(text)
    if len(text) + indent + 6 <= LINE and "\n" not in text:
        return f'"""{text}"""'
    first, *rest = text.split("\n", 1)
    summary, *more = _SENTENCE_END.split(first, maxsplit=1)
    blocks = [f'"""{summary}', *more, *rest]
    lines = "\n\n".join(paragraphs(block, indent) for block in blocks if block.strip())
    return f'{lines.lstrip()}\n{" " * indent}"""'


def paragraphs(text: str, indent: int, hanging: int = 0) -> str:
    """Wrapped text. Each line of the source is a paragraph; lines of a list stay together."""
    margin = " " * indent
    wrapped: list[str] = []
    for line in filter(None, map(str.strip, text.split("\n"))):
        if wrapped and not (line.startswith("- ") and wrapped[-1].lstrip().startswith("- ")):
            wrapped.append("")
        after = margin + (" " * hanging if hanging else "  " if line.startswith("- ") else "")
        wrapped += textwrap.wrap(
            line, LINE, initial_indent=margin, subsequent_indent=after, break_long_words=False, break_on_hyphens=False
        )
    return "\n".join(wrapped)


def escape(text: str) -> str:
    """Text that is safe within triple quotes."""
    text = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return f'{text[:-1]}\\"' if text.endswith('"') else text


def literal(value: Any) -> str:
    """A value of the document as Python code."""
    if isinstance(value, dict | list):
        raise TypeError(f"{value!r} is no scalar")
    return repr(value)


def sentences(text: str) -> list[str]:
    """The sentences of a text."""
    return _SENTENCE_END.split(text.replace("\n", " "))
