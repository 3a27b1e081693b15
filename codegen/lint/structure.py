"""The rules that all others rely on: references lead somewhere, types exist, schemas are objects, the whole is OpenAPI.

What these find is mended in a copy, so that the other rules can be applied too and all mistakes are told at once.
"""

from __future__ import annotations

import copy
import difflib
from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs
from jsonschema.exceptions import ValidationError
from openapi_spec_validator import OpenAPIV31SpecValidator

from codegen.contract import Node, target
from codegen.lint.problem import Problem
from codegen.walk import Path, maps_names, nodes, schemas

TYPES: Final = ("array", "boolean", "integer", "null", "number", "object", "string")
GUESSED: Final = frozenset({"None", "?"})


@attrs.frozen(kw_only=True)
class Mended:
    """A copy of a document that the other rules can read, and what was wrong with the document."""

    document: dict[str, Any]
    problems: tuple[Problem, ...]
    guessed: tuple[Path, ...]
    """Places that were mended by a guess: what other rules find there may not be true of the document."""

    def allows(self, problem: Problem) -> bool:
        """Whether what another rule finds in the copy is true of the document as well."""
        if not self.guessed:
            return True
        if GUESSED & set(map(str, problem.parts)) or problem.message.startswith("is used by no operation"):
            return False
        return not any(_touches(place, problem.parts) for place in self.guessed)


def _touches(place: Path, other: Path) -> bool:
    return other[: len(place)] == place or (len(other) > 3 and place[: len(other)] == other)


def mend(document: Node) -> Mended:
    """Find broken references, unknown types and boolean schemas, and put in their place what was likely meant."""
    made = copy.deepcopy(dict(document))
    problems: list[Problem] = []
    guessed: list[Path] = []
    for path, node in list(nodes(made)):
        if "$ref" in node and not maps_names(path):
            _reference(made, path, node, problems, guessed)
    for site in list(schemas(made)):
        if not isinstance(site.schema, Mapping):
            message = f"a schema must be an object, not {site.schema!r}; {{}} allows any value"
            problems.append(Problem.at(site.path, message))
            guessed.append(site.path)
            _replace(made, site.path, {})
        else:
            _types(site.path, site.schema, problems, guessed)
    return Mended(document=made, problems=tuple(problems), guessed=tuple(guessed))


def _reference(document: Any, path: Path, node: Any, problems: list[Problem], guessed: list[Path]) -> None:
    reference = str(node["$ref"])
    try:
        target(document, reference)
        return
    except ValueError as error:
        near = _near(document, reference)
        hint = f"did you mean {near}?" if near else "write `#/components/…` and a name that is there"
        problems.append(Problem.at((*path, "$ref"), f"{error}; {hint}"))
    if near:
        node["$ref"] = near
    else:
        del node["$ref"]
        guessed.append(path)


def _near(document: Node, reference: str) -> str | None:
    """The reference of the same kind that looks most like this one."""
    holder, _, name = reference.rpartition("/")
    try:
        names = list(target(document, holder))
    except ValueError:
        return None
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.7)
    return f"{holder}/{near[0]}" if near else None


def _types(path: Path, schema: Any, problems: list[Problem], guessed: list[Path]) -> None:
    declared = schema.get("type")
    for word in declared if isinstance(declared, list) else [declared]:
        if word is None or word in TYPES:
            continue
        near = difflib.get_close_matches(str(word), TYPES, n=1)
        hint = f"did you mean {near[0]}?" if near else f"it must be one of {', '.join(TYPES)}"
        problems.append(Problem.at((*path, "type"), f"{word!r} is no type; {hint}"))
        guessed.append(path)
        schema.pop("type", None)


def _replace(document: Any, path: Path, value: object) -> None:
    for step in path[:-1]:
        document = document[step]
    document[path[-1]] = value


def specification(document: Node) -> Iterator[Problem]:
    """The document is valid OpenAPI 3.1."""
    if document.get("openapi") != "3.1.0":
        yield Problem.at(("openapi",), f"must be 3.1.0, not {document.get('openapi')!r}")
        return
    plain: Any = document
    for error in OpenAPIV31SpecValidator(plain).iter_errors():
        yield _told(error)


def _told(error: Any) -> Problem:
    """An error of the validator, at the deepest place that it complains of."""
    while isinstance(error, ValidationError) and error.context:
        error = max(error.context, key=lambda each: len(each.absolute_path))
    message = str(error.message)
    return Problem.at(tuple(error.absolute_path), message if len(message) < 200 else f"{message[:200]}…")
