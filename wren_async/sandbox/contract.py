"""The contract as the sandbox reads it: the operations of an OpenAPI document, found by method and path.

Everything that a request needs is worked out once, when the document is read: references are resolved, schemas are
compiled, and paths are taken apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import unquote_to_bytes, urlsplit

import attrs
import yaml

from wren_async.sandbox.schema import Schema

Node: TypeAlias = Any
"""A part of an OpenAPI document: what YAML gives."""

_METHODS = ("get", "put", "post", "delete", "patch")


class ContractError(Exception):
    """The OpenAPI document is not one that the sandbox can serve."""


class _Loader(yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader):  # type: ignore[misc]
    """YAML without time stamps, which stay text as in JSON, and with exact numbers."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in _Loader.yaml_implicit_resolvers.items()
}
_Loader.add_constructor("tag:yaml.org,2002:float", lambda loader, node: Decimal(loader.construct_scalar(node)))


@attrs.frozen
class Parameter:
    """A query or header parameter of an operation."""

    name: str
    required: bool
    schema: Schema
    presence_only: bool
    """Its mere presence counts (`allowEmptyValue`), whatever its value."""


@attrs.frozen
class Answer:
    """One documented answer of an operation: its schemas by media type, empty where there is no body."""

    schemas: Mapping[str, Schema]

    def schema(self, media_type: str) -> Schema | None:
        """The schema of a media type, if the contract knows it."""
        return find_media_type(self.schemas, media_type)


@attrs.frozen(kw_only=True)
class Operation:
    """One operation of an API."""

    api: str
    id: str
    method: str
    template: str
    """The path in the contract, such as `/orders/{id}`."""
    segments: tuple[str, ...]
    secured: bool
    """A request without credentials is refused."""
    public: bool
    """Credentials are not even looked at."""
    query: tuple[Parameter, ...]
    headers: tuple[Parameter, ...]
    bodies: Mapping[str, Schema]
    body_required: bool
    answers: Mapping[int, Answer]


@attrs.frozen
class Match:
    """An operation and the path parameters with which it was called."""

    operation: Operation
    path: Mapping[str, str]


class Contract:
    """The operations of one API, to be found by method and path."""

    def __init__(self, api: str, document: Node, prefix: str) -> None:
        self.api = api
        self.prefix = prefix
        self.operations: dict[str, Operation] = {}
        self._exact: dict[tuple[str, ...], dict[str, Match]] = {}
        self._patterns: dict[int, list[tuple[tuple[str, ...], dict[str, Operation]]]] = {}
        for operation in _read_operations(api, document):
            self._add(operation)

    def owns(self, path: str) -> bool:
        """Whether a path lies below the prefix of this API."""
        return path.startswith(self.prefix + "/")

    def find(self, path: str) -> Mapping[str, Match] | None:
        """What may be done at a path that is still percent-encoded: matches by method, or None for an unknown path."""
        if not self.owns(path):
            return None
        raw = path[len(self.prefix) + 1 :].split("/")
        try:
            segments = tuple(unquote_to_bytes(segment).decode() for segment in raw)
        except UnicodeDecodeError:
            return None
        exact = self._exact.get(segments)
        return exact if exact is not None else self._find_pattern(segments)

    def _find_pattern(self, segments: tuple[str, ...]) -> Mapping[str, Match] | None:
        for pattern, by_method in self._patterns.get(len(segments), ()):
            values = _match(pattern, segments)
            if values is not None:
                return {method: Match(operation, values) for method, operation in by_method.items()}
        return None

    def _add(self, operation: Operation) -> None:
        if operation.id in self.operations:
            raise ContractError(f"two operations of {self.api} are called {operation.id}")
        self.operations[operation.id] = operation
        if not any(_is_variable(segment) for segment in operation.segments):
            self._exact.setdefault(operation.segments, {})[operation.method] = Match(operation, {})
            return
        patterns = self._patterns.setdefault(len(operation.segments), [])
        for pattern, by_method in patterns:
            if pattern == operation.segments:
                by_method[operation.method] = operation
                return
        patterns.append((operation.segments, {operation.method: operation}))


@cache
def load(api: str, prefix: str = "") -> Contract:
    """The contract of `wren` or `cnaught`, as packaged, or as it lies in the source tree. Read once in a process."""
    # The YAML scanner takes most of the time that a sandbox needs to start.
    return Contract(api, yaml.load(_text(api), Loader=_Loader), prefix)  # noqa: S506 -- a SafeLoader


def find_media_type(by_type: Mapping[str, Schema], media_type: str) -> Schema | None:
    """The entry for a media type: exact, of its family (`image/*`), or of any (`*/*`)."""
    family = media_type.partition("/")[0]
    for candidate in (media_type, f"{family}/*", "*/*"):
        if candidate in by_type:
            return by_type[candidate]
    return None


def _text(api: str) -> str:
    packaged = resources.files("wren_async") / "openapi" / f"{api}.yaml"
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    in_tree = Path(__file__).parents[2] / "openapi" / f"{api}.yaml"
    if in_tree.is_file():
        return in_tree.read_text(encoding="utf-8")
    raise ContractError(f"the contract {api}.yaml is neither packaged nor in the source tree")


def _is_variable(segment: str) -> bool:
    return segment.startswith("{")


def _match(pattern: Sequence[str], segments: Sequence[str]) -> dict[str, str] | None:
    values = {}
    for part, segment in zip(pattern, segments, strict=True):
        if _is_variable(part):
            if not segment:
                return None
            values[part[1:-1]] = segment
        elif part != segment:
            return None
    return values


def _read_operations(api: str, document: Node) -> Iterator[Operation]:
    for template, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield _read_operation(api, document, template, method, item)


def _read_operation(api: str, document: Node, template: str, method: str, item: Node) -> Operation:
    node = item[method]
    parameters = [resolve(document, p) for p in (*item.get("parameters", ()), *node.get("parameters", ()))]
    body = resolve(document, node.get("requestBody", {}))
    security = node.get("security", document.get("security", []))
    return Operation(
        api=api,
        id=node["operationId"],
        method=method.upper(),
        template=template,
        segments=tuple(template[1:].split("/")),
        secured=bool(security) and {} not in security,
        public=not security,
        query=tuple(_parameter(p) for p in parameters if p["in"] == "query"),
        headers=tuple(_parameter(p) for p in parameters if p["in"] == "header" and _is_checked(p)),
        bodies=_schemas(body),
        body_required=body.get("required", False),
        answers={int(status): Answer(_schemas(resolve(document, a))) for status, a in node["responses"].items()},
    )


def _is_checked(header: Node) -> bool:
    # CNaught refuses a bad idempotency key or subaccount with problem types of its own.
    return header.get("x-role") not in ("idempotency-key", "subaccount")


def _parameter(node: Node) -> Parameter:
    return Parameter(
        name=node["name"],
        required=node.get("required", False),
        schema=Schema(node["schema"]),
        presence_only=node.get("allowEmptyValue", False),
    )


def _schemas(node: Node) -> dict[str, Schema]:
    return {name: Schema(media.get("schema", {})) for name, media in node.get("content", {}).items()}


def resolve(document: Node, node: Node, inside: tuple[str, ...] = ()) -> Node:
    """A node with each `$ref` replaced by what it names; what stands beside the `$ref` wins."""
    if isinstance(node, list):
        return [resolve(document, child, inside) for child in node]
    if not isinstance(node, dict):
        return node
    name = node.get("$ref")
    if not isinstance(name, str):
        return {key: resolve(document, child, inside) for key, child in node.items()}
    if name in inside:
        raise ContractError(f"{name} contains itself")
    target = resolve(document, _named(document, name), (*inside, name))
    beside = {key: resolve(document, child, inside) for key, child in node.items() if key != "$ref"}
    return {**target, **beside} if beside else target


def _named(document: Node, reference: str) -> Node:
    node = document
    for part in urlsplit(reference).fragment[1:].split("/"):
        try:
            node = node[part.replace("~1", "/").replace("~0", "~")]
        except KeyError:
            raise ContractError(f"{reference} names nothing in the contract") from None
    return node
