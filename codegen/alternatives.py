"""Names of builders where a body has alternatives: one builder for each, told apart by a suffix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from codegen.contract import Contract, Node, OperationNode, alternatives, schema_name

PREPOSITIONS: Final = frozenset({"by", "for", "from", "in", "of", "with"})


def bodies(contract: Contract, operation: OperationNode) -> tuple[Node | None, ...]:
    """The schemas that a body chooses from, `None` where there is no body."""
    body = contract.body(operation)
    if body is None:
        return (None,)
    media_type, node = next(iter(body["content"].items()))
    return alternatives(contract.document, node["schema"]) if media_type.endswith("json") else (node["schema"],)


def builder_names(contract: Contract, operation: OperationNode, base: str) -> tuple[str, ...]:
    """A name for the builder of each alternative, such as `create_order_by_amount`."""
    found = [schema_name(body or {}) or "" for body in bodies(contract, operation)]
    return tuple(base + suffix for suffix in suffixes(found))


def suffixes(names: Sequence[str]) -> list[str]:
    """The endings that tell names apart, in snake_case: `_by_amount` and `_by_price` for `OrderByAmount` and
    `OrderByPrice`. The words that all names begin with are left out, but for a preposition at their end."""
    if len(names) < 2:
        return ["" for _ in names]
    words = [_words(name) for name in names]
    shared = 0
    while all(len(each) > shared + 1 and each[shared] == words[0][shared] for each in words):
        shared += 1
    if shared and words[0][shared - 1] in PREPOSITIONS:
        shared -= 1
    return ["_" + "_".join(each[shared:]) for each in words]


def _words(name: str) -> list[str]:
    spaced = "".join(f" {character}" if character.isupper() else character for character in name)
    return spaced.lower().split()
