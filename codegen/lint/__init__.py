"""The lint of a contract: everything that the generator, or our conventions, would trip over.

`lint(document)` is pure and finds all problems at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from codegen.contract import Node
from codegen.lint import attributes, examples, extensions, operations, paging, schemas, structure
from codegen.lint.problem import Problem

Rule: TypeAlias = Callable[[Node], Iterator[Problem]]

FOUNDATION: Final[tuple[Rule, ...]] = (structure.references, structure.booleans)
"""Without these no other rule can read the document."""
RULES: Final[tuple[Rule, ...]] = (
    extensions.known,
    extensions.values,
    operations.identity,
    operations.description,
    operations.effect,
    operations.parameters,
    operations.path,
    operations.body,
    operations.answers,
    operations.arguments,
    paging.paging,
    schemas.named,
    schemas.composition,
    schemas.types,
    schemas.enums,
    attributes.described,
    attributes.python_names,
    attributes.wire_names,
    attributes.direction,
    attributes.bare_arrays,
    examples.present,
    examples.valid,
)

__all__ = ["FOUNDATION", "RULES", "Problem", "lint"]


def lint(document: Node) -> list[Problem]:
    """All problems of a document, in the order of their places."""
    if broken := [problem for rule in FOUNDATION for problem in rule(document)]:
        return sorted(dict.fromkeys(broken))
    invalid = list(structure.specification(document))
    found = [problem for rule in RULES for problem in _apply(rule, document, tolerant=bool(invalid))]
    return sorted(dict.fromkeys(invalid + found))


def _apply(rule: Rule, document: Node, *, tolerant: bool) -> list[Problem]:
    """What a rule finds. A document that is no valid OpenAPI may break a rule; its other faults still count."""
    try:
        return list(rule(document))
    except (AttributeError, KeyError, TypeError, ValueError):
        if not tolerant:
            raise
        return []
