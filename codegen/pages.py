"""Pages that are made from the contract and its vocabulary: `openapi/EXTENSIONS.md` and `openapi/SOURCES.md`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from codegen.contract import Contract
from codegen.lint.vocabulary import EFFECTS, EVIDENCE, ROLES, VOCABULARY
from codegen.sources import sources

MADE: Final = "<!-- Made by `make generate`. Do not edit. -->\n"


def pages(contracts: Sequence[Contract]) -> dict[str, str]:
    """Text of each page by its path below the project's root."""
    return {
        "openapi/EXTENSIONS.md": MADE + "\n".join(_extensions()) + "\n",
        "openapi/SOURCES.md": MADE + "\n".join(sources(contracts)) + "\n",
    }


def _extensions() -> Iterator[str]:
    yield "# Extensions of the contract"
    yield ""
    yield "What OpenAPI cannot say, the contract says in these words and in no others. The lint refuses any other."
    yield ""
    yield "| word | stands on | may be | meaning |"
    yield "|---|---|---|---|"
    for each in VOCABULARY:
        places = " or ".join(sorted(each.places)) or "anything"
        yield f"| `{each.name}` | {places} | {each.value} | {each.meaning} |"
    yield from _table("Effects", "`x-effect` decides what the client does when an answer is lost.", EFFECTS)
    yield from _table("Roles", "`x-role` names what the client fills in by itself.", ROLES)
    yield from _table("Evidence", "`x-source` has `evidence`, one of these or a list of them.", EVIDENCE)


def _table(title: str, text: str, rows: Mapping[str, str]) -> Iterator[str]:
    yield from ("", f"## {title}", "", text, "", "| value | meaning |", "|---|---|")
    yield from (f"| `{value}` | {meaning} |" for value, meaning in rows.items())
