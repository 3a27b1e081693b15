"""The lint of a contract: everything that the generator cannot read, or that breaks our conventions.

`lint(document)` is pure, finds all problems at once, and never raises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, TypeAlias

from codegen.contract import Node
from codegen.lint import attributes, examples, extensions, operations, paging, schemas, structure
from codegen.lint.problem import Problem
from codegen.lint.structure import Mended, mend

Rule: TypeAlias = Callable[[Any], Iterator[Problem]]

RULES: Final[tuple[Rule, ...]] = (
    structure.specification,
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

__all__ = ["RULES", "Problem", "lint"]


def lint(document: Node) -> list[Problem]:
    """All problems of a document, in the order of their places."""
    mended, failures = _mended(document)
    found = list(mended.problems)
    for rule in RULES:
        try:
            for problem in rule(mended.document):
                if mended.allows(problem):
                    found.append(problem)
        except Exception as error:
            failures.append(f"{rule.__module__}.{rule.__name__}: {type(error).__name__}: {error}")
    if failures and not found:
        found = [Problem.at((), f"cannot be read ({failures[0]}); look at what was changed last")]
    return sorted(dict.fromkeys(found))


def _mended(document: Node) -> tuple[Mended, list[str]]:
    try:
        return mend(document), []
    except Exception as error:
        return Mended(document=dict(document), problems=(), guessed=()), [f"{type(error).__name__}: {error}"]
