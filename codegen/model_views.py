"""What the templates of `models/` print: enums and models, with every decision already made."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Final

import attrs
from openapi_python_client.strings import snake_case

from codegen.contract import Contract, Node, properties, required
from codegen.directions import requests_only
from codegen.parsed import GenerationFailed, Names
from codegen.prose import Prose, docstring
from codegen.shapes import Kind, Shape, Shapes

INDENT: Final = 4
WORD: Final = re.compile(r"[A-Za-z_]\w*")
EXTRA: Final = 'attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})'


@attrs.frozen(kw_only=True)
class MemberView:
    """A member of an enum."""

    name: str
    value: str
    """As code."""


@attrs.frozen(kw_only=True)
class EnumView:
    """An enum."""

    name: str
    base: str
    docstring: str
    members: tuple[MemberView, ...]


@attrs.frozen(kw_only=True)
class AttributeView:
    """An attribute of a model."""

    name: str
    annotation: str
    default: str | None
    """As code."""
    docstring: str | None


@attrs.frozen(kw_only=True)
class ModelView:
    """A model."""

    name: str
    docstring: str
    bare_array: str | None
    attributes: tuple[AttributeView, ...]
    nested: tuple[str, ...]
    """The classes that its attributes hold."""


@attrs.frozen(kw_only=True)
class ModelsPackage:
    """The package of all enums and models of an API, with a module for each."""

    modules: Mapping[str, str]
    """Module by class, in the order of the classes' names."""
    enums: Mapping[str, EnumView]
    models: Mapping[str, ModelView]


def models_package(contract: Contract, names: Names) -> ModelsPackage:
    """The view of an API's `models/`."""
    shapes = Shapes(contract, names)
    writer = _Writer(contract=contract, shapes=shapes, prose=Prose(names), requests=requests_only(contract))
    named = [(name, contract.schemas[name]) for name in names.classes]
    enums = [writer.enum(name, schema) for name, schema in named if "enum" in schema]
    models = [writer.model(name) for name, schema in named if "enum" not in schema]
    refuse_cycles(models)
    return ModelsPackage(
        modules={
            name: names.modules[name]
            for name in sorted([*(view.name for view in enums), *(view.name for view in models)])
        },
        enums={view.name: view for view in enums},
        models={view.name: view for view in models},
    )


def refuse_cycles(models: Iterable[ModelView]) -> None:
    """Refuse models that hold each other: their modules could not import each other. One may hold itself."""
    try:
        TopologicalSorter({model.name: model.nested for model in models}).prepare()
    except CycleError as error:
        raise GenerationFailed(f"models that hold each other: {' → '.join(error.args[1])}") from None


def enum_members(names: Names, class_name: str, values: list[str]) -> tuple[MemberView, ...]:
    """Members of an enum. A URI is named after its last segment, or its name would be the whole URI."""
    members = zip(names.members[class_name], values, strict=True)
    return tuple(
        MemberView(name=member_name(value) if "://" in value else name, value=repr(value)) for name, value in members
    )


def member_name(value: str) -> str:
    """The member of a value."""
    return snake_case(value.rstrip("/").rsplit("/", 1)[-1] if "://" in value else value).upper()


@attrs.frozen(kw_only=True)
class _Writer:
    """Makes the views of one contract's enums and models."""

    contract: Contract
    shapes: Shapes
    prose: Prose
    requests: frozenset[str]
    """Schemas that are only sent."""

    @property
    def names(self) -> Names:
        return self.shapes.names

    def enum(self, name: str, schema: Node) -> EnumView:
        class_name = self.names.classes[name]
        return EnumView(
            name=class_name,
            base="OpenStrEnum" if schema.get("x-open") else "StrEnum",
            docstring=docstring(self.prose.text(schema.get("description")), INDENT),
            members=enum_members(self.names, class_name, schema["enum"]),
        )

    def model(self, name: str) -> ModelView:
        schema = self.contract.schemas[name]
        class_name = self.names.classes[name]
        needed = required(self.contract.document, schema)
        request = name in self.requests
        found = properties(self.contract.document, schema)
        attributes = [
            self.attribute(self.names.attributes[class_name][wire], wire, node, wire in needed, request)
            for wire, node in found.items()
            if not (request and node.get("readOnly"))
        ]
        if not request:
            attributes.append(_EXTRA_FIELDS)
        held = {word for each in attributes for word in WORD.findall(each.annotation)}
        array = schema.get("x-bare-array")
        return ModelView(
            name=class_name,
            docstring=docstring(self.prose.text(schema.get("description")), INDENT),
            bare_array=None if array is None else self.names.attributes[class_name][array],
            attributes=tuple(attributes),
            nested=tuple(sorted(held & self.names.modules.keys() - {class_name})),
        )

    def attribute(self, name: str, wire: str, node: Node, needed: bool, request: bool) -> AttributeView:
        shape = self.shapes.of(node)
        needed = needed or bool(shape.schema.get("x-explicit"))
        text = self.prose.text(shape.schema.get("description") if _own_words(node) else None)
        deprecated = "Deprecated. " if shape.schema.get("deprecated") else ""
        default = None if needed and (request or not shape.nullable) else "UNSET" if request else "None"
        return AttributeView(
            name=name,
            annotation=_annotation(shape, needed, request),
            default=_field(default, shape, _metadata(name, wire, node)),
            docstring=docstring(deprecated + text, INDENT) if text else None,
        )


_EXTRA_FIELDS: Final = AttributeView(
    name="extra_fields",
    annotation="Mapping[str, JSON]",
    default=EXTRA,
    docstring=docstring("What the server sent and the contract does not know, by its name on the wire."),
)


def _own_words(node: Node) -> bool:
    """Whether an attribute has a description of its own; that of the type it refers to stands at the type."""
    return "description" in node or ("$ref" not in node and "oneOf" not in node)


def _annotation(shape: Shape, needed: bool, request: bool) -> str:
    if shape.kind is Kind.ANY:
        return "JSON" if needed else "JSON | Unset" if request else "JSON | None"
    nullable = shape.nullable or not (needed or request)
    absent = request and not needed
    return shape.expression + (" | None" if nullable else "") + (" | Unset" if absent else "")


def _metadata(name: str, wire: str, node: Node) -> dict[str, object]:
    aliases = tuple(node.get("x-aliases", ()))
    found = {"wire": wire if wire != name else None, "aliases": aliases, "lenient": bool(node.get("x-lenient"))}
    return {key: value for key, value in found.items() if value}


def _field(default: str | None, shape: Shape, metadata: dict[str, object]) -> str | None:
    """The plain default where it says everything, `attrs.field(...)` otherwise."""
    unhashable = not shape.hashable
    if not metadata and not unhashable:
        return default
    arguments = [] if default is None else [f"default={default}"]
    if unhashable:
        arguments.append("hash=False")
    if metadata:
        arguments.append(f"metadata={metadata!r}")
    return f"attrs.field({', '.join(arguments)})"
