"""The API surface of a contract: everything that a Python caller sees of it, by name, with the facts compared."""

from __future__ import annotations

import ast
import enum
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

import attrs

from codegen.alternatives import bodies
from codegen.argument_views import Arguments, ArgumentView
from codegen.contract import Contract, Node, OperationNode, properties, resolve, schema_name
from codegen.diff.python_types import parse
from codegen.directions import reachable, received, sent
from codegen.model_views import AttributeView, EnumView, ModelsPackage, ModelView, models_package
from codegen.operation_views import BuilderView, OperationWriter
from codegen.parsed import GenerationFailed, Names, generator_config, names
from codegen.parsed import parse as parse_contract
from codegen.prose import Prose
from codegen.shapes import Shapes
from codegen.walk import location

API: Final = "the API"
UNCHECKED: Final = ("pattern", "multipleOf", "format", "minItems", "maxItems", "uniqueItems", "default")
"""What only the server looks at: no code is generated from it."""
TYPES: Final = frozenset({"date-time", "decimal", "binary"})
"""Formats that have a Python type of their own."""
LIMITS: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength")


class Sort(enum.StrEnum):
    """What a thing is for the caller."""

    API = "api"
    ENUM = "enum"
    MEMBER = "member"
    MODEL = "model"
    ATTRIBUTE = "attribute"
    """Of a model that is read."""
    OPERATION = "operation"
    BUILDER = "builder"
    ARGUMENT = "argument"
    """Of a builder, or of the constructor of a model that is sent."""


class Key(NamedTuple):
    """Sort and name in Python, such as `models.Order.state`."""

    sort: Sort
    python: str


@attrs.frozen(kw_only=True)
class Item:
    """One thing that a caller sees."""

    key: Key
    parent: Key | None = None
    location: str
    """JSON path of its place in the contract."""
    shown: str
    """Its name as the changelog gives it."""
    facts: Mapping[str, Any]


Surface: TypeAlias = Mapping[Key, Item]


def surface(contract: Contract) -> Surface:
    """The surface of a contract; raises `GenerationFailed` where the generator cannot read it."""
    config = generator_config(contract, Path("unused"))
    found = names(contract, parse_contract(contract, config), config)
    if len(set(found.functions.values())) < len(list(contract.operations())):
        raise GenerationFailed("two operations have the same name in Python")
    collector = _Collector(contract=contract, names=found)
    return {item.key: item for item in collector.items()}


@attrs.frozen(kw_only=True)
class _Collector:
    contract: Contract
    names: Names

    @property
    def document(self) -> Node:
        return self.contract.document

    def items(self) -> Iterator[Item]:
        yield self._api()
        yield from self._models(models_package(self.contract, self.names))
        for operation in self.contract.operations():
            yield from self._operation(operation)

    def _api(self) -> Item:
        document = self.document
        facts = {
            "servers": tuple(each.get("url") for each in document.get("servers", ())),
            "security": _stable([document.get("security"), document.get("components", {}).get("securitySchemes", {})]),
            "text": _stable([document.get("info"), document.get("tags")]),
        }
        return Item(key=Key(Sort.API, ""), location="$", shown=API, facts=facts)

    # --- enums and models -------------------------------------------------------------------------------------------

    def _models(self, package: ModelsPackage) -> Iterator[Item]:
        directions = {"takes": sent(self.contract), "reads": received(self.contract)}
        for name, class_name in self.names.classes.items():
            if class_name in package.enums:
                yield from self._enum(name, package.enums[class_name])
            else:
                ways = frozenset(way for way, schemas in directions.items() if name in schemas)
                yield from self._model(name, package.models[class_name], ways)

    def _enum(self, name: str, view: EnumView) -> Iterator[Item]:
        schema = self.contract.schemas[name]
        key, place = Key(Sort.ENUM, f"models.{view.name}"), _place("components", "schemas", name)
        facts = {"open": bool(schema.get("x-open")), "sources": _sources(schema), "text": schema.get("description")}
        yield Item(key=key, location=place, shown=key.python, facts=facts)
        for member in view.members:
            python = f"{key.python}.{member.name}"
            yield Item(
                key=Key(Sort.MEMBER, python), parent=key, location=place, shown=python, facts={"value": member.value}
            )

    def _model(self, name: str, view: ModelView, ways: frozenset[str]) -> Iterator[Item]:
        schema = self.contract.schemas[name]
        key = Key(Sort.MODEL, f"models.{view.name}")
        facts = {"bare_array": view.bare_array, "sources": _sources(schema), "text": schema.get("description")}
        yield Item(key=key, location=_place("components", "schemas", name), shown=key.python, facts=facts)
        wires = {python: wire for wire, python in self.names.attributes[view.name].items()}
        nodes = properties(self.document, schema)
        for attribute in view.attributes if name not in self._whole_bodies() else ():
            if (wire := wires.get(attribute.name)) is not None:
                yield self._attribute(key, name, attribute, wire, nodes[wire], ways)

    def _attribute(
        self, model: Key, schema: str, view: AttributeView, wire: str, node: Node, ways: frozenset[str]
    ) -> Item:
        python = f"{model.python}.{view.name}"
        resolved = resolve(self.document, node)
        annotation = parse(view.annotation)
        facts: dict[str, Any] = {"wire": wire, "text": _text(resolved), "deprecated": bool(resolved.get("deprecated"))}
        facts |= dict.fromkeys(ways, annotation)
        if ways == {"takes"}:
            facts["required"] = view.default is None or (
                view.default.startswith("attrs.field(") and "default=" not in view.default
            )
            facts["unchecked"] = _unchecked(resolved, *LIMITS)
        else:
            facts["spellings"] = (wire, frozenset(node.get("x-aliases", ())))
            facts["lenient"] = bool(node.get("x-lenient"))
            facts["unchecked"] = _unchecked(resolved)
        sort = Sort.ARGUMENT if ways == {"takes"} else Sort.ATTRIBUTE
        place = self._home({"$ref": f"#/components/schemas/{schema}"}, wire)
        return Item(key=Key(sort, python), parent=model, location=place, shown=python, facts=facts)

    def _whole_bodies(self) -> frozenset[str]:
        """Schemas that builders make of their arguments, so that the arguments tell all."""
        found = (schema_name(body or {}) for each in self.contract.operations() for body in bodies(self.contract, each))
        roots = {name for name in found if name is not None}
        nested = reachable(self.contract, [self.contract.schemas[name] for name in roots])
        return frozenset(roots - nested)

    def _home(self, schema: Node, wire: str) -> str:
        """Where an attribute stands, which may be a part of the schema's `allOf`."""
        name = schema_name(schema)
        node = resolve(self.document, schema)
        if wire in node.get("properties", {}) and name is not None:
            return _place("components", "schemas", name, "properties", wire)
        for part in node.get("allOf", ()):
            if wire in properties(self.document, part) and "$ref" in part:
                return self._home(part, wire)
        return _place("components", "schemas", name or "")

    # --- operations -------------------------------------------------------------------------------------------------

    def _operation(self, operation: OperationNode) -> Iterator[Item]:
        shapes, prose = Shapes(self.contract, self.names, "models."), Prose(self.names)
        writer = OperationWriter(contract=self.contract, shapes=shapes, prose=prose)
        view = writer.operation(operation)
        module = f"operations.{operation.node['tags'][0]}"
        key = Key(Sort.OPERATION, f"{module}.{view.constant}")
        builders = list(writer.builders(operation))
        code = dict(view.arguments)
        facts = {
            name: code.get(name) for name in ("compute_when", "idempotency_header", "subaccount_header", "reference")
        }
        facts |= _stated(self.contract, operation)
        facts["credentials"] = (code.get("credentials") or '"required"').strip('"')
        yield Item(
            key=key,
            location=operation.location,
            shown=", ".join(f"{module}.{each.name}" for each in builders),
            facts=facts,
        )
        for builder, body in zip(builders, bodies(self.contract, operation), strict=True):
            arguments = Arguments(contract=self.contract, shapes=shapes, prose=prose, operation=operation, body=body)
            yield from self._builder(operation, key, f"{module}.{builder.name}", builder, arguments)

    def _builder(
        self, operation: OperationNode, parent: Key, python: str, view: BuilderView, arguments: Arguments
    ) -> Iterator[Item]:
        key = Key(Sort.BUILDER, python)
        yield Item(
            key=key, parent=parent, location=operation.location, shown=python, facts={"reads": parse(view.answer)}
        )
        found = arguments.all()
        positional = [each.name for each in found if each.positional]
        for each in found:
            raw, place = self._origin(operation, arguments.body, each)
            facts = {
                "takes": parse(each.annotation),
                "required": each.required,
                "position": positional.index(each.name) if each.positional else None,
                "limits": _limits(each.value),
                "wire": (each.place, each.wire),
                "text": _text(raw),
                "deprecated": bool(raw.get("deprecated")),
                "unchecked": _unchecked(_schema(self.document, raw)),
            }
            shown = f"{python}({each.name})"
            yield Item(key=Key(Sort.ARGUMENT, shown), parent=key, location=place, shown=shown, facts=facts)

    def _origin(self, operation: OperationNode, body: Node | None, view: ArgumentView) -> tuple[Node, str]:
        """What the contract says of an argument, and where."""
        if view.place == "body" and body is not None:
            node = properties(self.document, body)[view.wire]
            return resolve(self.document, node), self._home(body, view.wire)
        own = (("paths", operation.path, operation.method), operation.node.get("parameters", ()))
        shared = (("paths", operation.path), operation.shared_parameters)
        for path, parameters in (own, shared):
            for index, raw in enumerate(parameters):
                parameter = resolve(self.document, raw)
                role = str(parameter.get("x-role", "")).replace("-", "_")
                if (parameter["in"], parameter["name"]) == (view.place, view.wire) or (
                    role and view.place.startswith(role)
                ):
                    parts = str(raw["$ref"])[2:].split("/") if "$ref" in raw else [*path, "parameters", index]
                    return parameter, _place(*parts)
        return {}, operation.location


def _stated(contract: Contract, operation: OperationNode) -> dict[str, Any]:
    """What the contract states of an operation and the generated code hardly shows."""
    node = operation.node
    body = contract.body(operation)
    answers = {str(status): contract.resolve(each) for status, each in node.get("responses", {}).items()}
    return {
        "id": operation.id,
        "route": f"{operation.method.upper()} {operation.path}",
        "effect": node["x-effect"],
        "spends": bool(node.get("x-spends")),
        "media_types": tuple(body["content"]) if body is not None else (),
        "statuses": tuple(sorted(answers)),
        "answers": {status: _bodies_and_headers(each) for status, each in answers.items()},
        "paging": _stable(node.get("x-paging")),
        "deprecated": bool(node.get("deprecated")),
        "sources": _sources(node),
        "text": _stable([node.get("summary"), node.get("description"), (body or {}).get("description")]),
    }


def _bodies_and_headers(answer: Node) -> Any:
    content = {kind: schema_name(each.get("schema", {})) for kind, each in answer.get("content", {}).items()}
    return [content, sorted(answer.get("headers", {}))]


def _unchecked(node: Node, *more: str) -> str:
    found = {word: node.get(word) for word in (*UNCHECKED, *more)}
    return _stable({**found, "format": None if found["format"] in TYPES else found["format"]})


def _limits(code: str) -> Mapping[str, int]:
    """The limits that the generated check of an argument is given, in its own words."""
    tree = ast.parse(code, mode="eval").body
    if not isinstance(tree, ast.Call):
        return {}
    found = {str(each.arg): ast.literal_eval(each.value) for each in tree.keywords if each.arg != "nullable"}
    if ast.unparse(tree.func) == "arguments.integer" and "above" in found:
        above = found.pop("above") + 1
        found["minimum"] = max(above, found.get("minimum", above))
    return found


def _schema(document: Node, raw: Node) -> Node:
    return resolve(document, raw["schema"]) if "schema" in raw else raw


def _text(node: Node) -> object:
    return node.get("description")


def _sources(node: Node) -> str:
    return _stable([node.get(word) for word in ("x-source", "x-inferred", "x-inferred-statuses")])


def _stable(value: object) -> str:
    """A value as text that depends on nothing but the value."""
    return json.dumps(value, sort_keys=True, default=str)


def _place(*path: str | int) -> str:
    return location(path)
