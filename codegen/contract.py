"""Reading a contract: loading it, following its references, walking its operations, narrowing it for the generator."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import attrs

from codegen.reading import Fault, Mark, Source, UnreadableYAML, read

Node: TypeAlias = Mapping[str, Any]
"""An object of the document."""

METHODS: Final = ("get", "put", "post", "delete", "patch", "head", "options", "trace")
SCHEMAS: Final = "#/components/schemas/"
BINARY: Final = "application/octet-stream"


@attrs.frozen(kw_only=True)
class OperationNode:
    """An operation where the document has it."""

    method: str
    path: str
    node: Node
    shared_parameters: tuple[Node, ...] = ()
    """Parameters of the path item, which hold for each of its operations."""

    @property
    def id(self) -> str:
        """The operationId."""
        return str(self.node.get("operationId", f"{self.method} {self.path}"))

    @property
    def location(self) -> str:
        """JSON path of the operation."""
        return f"$.paths.{self.path}.{self.method}"


@attrs.frozen(kw_only=True)
class Contract:
    """One API as the files in `openapi/` state it."""

    api: str
    source: str
    """Path of the file below the project's root, for headers."""
    document: dict[str, Any]
    sha256: str

    origin: Source | None = attrs.field(default=None, eq=False, repr=False)
    """The file that was read, which knows the line of each part."""

    @classmethod
    def load(cls, path: Path) -> Contract:
        """Read one YAML file."""
        return cls.parse(path.stem, path.read_bytes())

    @classmethod
    def parse(cls, api: str, raw: bytes) -> Contract:
        """Read the text of a file; raises `UnreadableYAML`."""
        origin = read(raw)
        if not isinstance(origin.value, dict):
            what = "is empty" if origin.value is None else "holds no object"
            raise UnreadableYAML([Fault(Mark(1, 1), f"{what}; an OpenAPI document begins with `openapi: 3.1.0`")])
        source = f"openapi/{api}.yaml"
        return cls(api=api, source=source, document=origin.value, sha256=hashlib.sha256(raw).hexdigest(), origin=origin)

    @property
    def schemas(self) -> Node:
        """The named schemas."""
        schemas: Node = self.document.get("components", {}).get("schemas", {})
        return schemas

    def operations(self) -> Iterator[OperationNode]:
        """All operations, in the document's order."""
        return operations(self.document)

    def resolve(self, node: Node) -> Node:
        """The node that a reference leads to, with the siblings of the reference laid over it."""
        return resolve(self.document, node)

    def parameters(self, operation: OperationNode) -> tuple[Node, ...]:
        """Parameters of an operation and of its path, resolved; the operation's own come first."""
        return parameters(self.document, operation)

    def body(self, operation: OperationNode) -> Node | None:
        """The request body, resolved."""
        body = operation.node.get("requestBody")
        return None if body is None else self.resolve(body)

    def success(self, operation: OperationNode) -> Node:
        """The first success answer, resolved."""
        for status, response in operation.node["responses"].items():
            if str(status).startswith("2"):
                return self.resolve(response)
        raise ValueError(f"{operation.id} has no success answer")


def operations(document: Node) -> Iterator[OperationNode]:
    """All operations of a document, in its order."""
    for path, item in document.get("paths", {}).items():
        shared = tuple(item.get("parameters", ()))
        for method in item:
            if method in METHODS:
                yield OperationNode(method=method, path=path, node=item[method], shared_parameters=shared)


def parameters(document: Node, operation: OperationNode) -> tuple[Node, ...]:
    """Parameters of an operation and of its path, resolved. The operation's own take precedence."""
    found: dict[tuple[str, str], Node] = {}
    for raw in (*operation.node.get("parameters", ()), *operation.shared_parameters):
        parameter = resolve(document, raw)
        found.setdefault((str(parameter.get("name")), str(parameter.get("in"))), parameter)
    return tuple(found.values())


def resolve(document: Node, node: Node) -> Node:
    """Follow local references. Siblings of a `$ref`, such as a description, win over what the target says."""
    seen: set[str] = set()
    while "$ref" in node:
        reference = node["$ref"]
        if reference in seen:
            raise ValueError(f"{reference} refers to itself")
        seen.add(reference)
        siblings = {key: value for key, value in node.items() if key != "$ref"}
        node = {**target(document, reference), **siblings}
    return node


def target(document: Node, reference: str) -> Node:
    """What a local reference names."""
    if not reference.startswith("#/"):
        raise ValueError(f"{reference} is not in this document")
    found: Any = document
    for part in reference[2:].split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, Mapping) or key not in found:
            raise ValueError(f"{reference} names nothing")
        found = found[key]
    if not isinstance(found, Mapping):
        raise ValueError(f"{reference} names no object")
    return found


def schema_name(schema: Node) -> str | None:
    """The named schema that a schema stands for: a `$ref`, or an `allOf` around a single one."""
    parts = schema.get("allOf", ())
    if "$ref" not in schema and len(parts) == 1:
        return schema_name(parts[0])
    reference = schema.get("$ref", "")
    return reference.removeprefix(SCHEMAS) if reference.startswith(SCHEMAS) else None


def is_null(schema: Node) -> bool:
    """Whether a schema allows nothing but null."""
    return schema.get("type") in ("null", ["null"])


def alternatives(document: Node, schema: Node) -> tuple[Node, ...]:
    """The alternatives of a `oneOf`, without null; the schema itself where it is no `oneOf`."""
    choices = resolve(document, schema).get("oneOf")
    return (schema,) if choices is None else tuple(choice for choice in choices if not is_null(choice))


def properties(document: Node, schema: Node) -> dict[str, Node]:
    """Attributes of an object, those of its `allOf` parts included, in the order of the document."""
    node = resolve(document, schema)
    found: dict[str, Node] = {}
    for part in node.get("allOf", ()):
        found.update(properties(document, part))
    found.update(node.get("properties", {}))
    return found


def required(document: Node, schema: Node) -> frozenset[str]:
    """Names of the attributes that an object, or a part of its `allOf`, requires."""
    node = resolve(document, schema)
    inherited = (required(document, part) for part in node.get("allOf", ()))
    return frozenset(node.get("required", ())).union(*inherited)


def narrow(document: Node) -> dict[str, Any]:
    """The copy that the generator gets: one media type for each body, and none that it does not know.

    The generator drops an operation with an image body, warns of `*/*` and writes broken code for two media types.
    """
    narrowed = copy.deepcopy(dict(document))
    components = narrowed.get("components", {})
    carriers = [*components.get("requestBodies", {}).values(), *components.get("responses", {}).values()]
    for operation in operations(narrowed):
        carriers += [operation.node.get("requestBody", {}), *operation.node.get("responses", {}).values()]
    for carrier in carriers:
        if carrier.get("content"):
            carrier["content"] = _first_media_type(carrier["content"])
    return narrowed


def _first_media_type(content: Node) -> dict[str, Any]:
    media_type, value = next(iter(content.items()))
    known = media_type == BINARY or media_type.endswith("json")
    return {media_type if known else BINARY: value}
