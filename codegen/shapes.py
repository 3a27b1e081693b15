"""Which Python type holds a schema.

The generator's own types do not serve: it ignores `format: decimal`, loses what stands beside a `$ref`, and keeps no
limits. So the raw schema is walked, and only class names come from the generator.
"""

from __future__ import annotations

import enum
from typing import Final

import attrs

from codegen.contract import Contract, Node, is_null, resolve, schema_name
from codegen.parsed import GenerationFailed, Names


class Kind(enum.Enum):
    """What a value is, apart from whether it may be null or absent."""

    DECIMAL = "Decimal"
    INTEGER = "int"
    TEXT = "str"
    BOOLEAN = "bool"
    MOMENT = "datetime"
    BYTES = "bytes"
    ANY = "JSON"
    ENUM = "enum"
    MODEL = "model"
    ARRAY = "array"
    MAP = "map"
    UNION = "union"


SCALARS: Final = {"integer": Kind.INTEGER, "number": Kind.DECIMAL, "boolean": Kind.BOOLEAN}
FORMATS: Final = {"date-time": Kind.MOMENT, "binary": Kind.BYTES}


class UnsupportedSchema(GenerationFailed):
    """A schema for which no Python type is known."""


@attrs.frozen(kw_only=True)
class Shape:
    """The Python type of a schema."""

    kind: Kind
    expression: str
    """The type as code, without `None`."""
    nullable: bool
    schema: Node
    """Resolved, with what stands beside a reference laid over its target."""

    @property
    def hashable(self) -> bool:
        """Whether every value of the type can be hashed."""
        return "Mapping[" not in self.expression and "JSON" not in self.expression


@attrs.frozen
class Shapes:
    """Finds the shapes of one contract's schemas."""

    contract: Contract
    names: Names
    prefix: str = ""
    """What stands before class names where they are used, such as `models.`."""

    def of(self, schema: Node) -> Shape:
        """The shape of a schema."""
        resolved = self._resolved(schema)
        if (name := schema_name(schema)) in self.names.classes:
            kind = Kind.ENUM if "enum" in resolved else Kind.MODEL
            return Shape(kind=kind, expression=self.class_name(str(name)), nullable=False, schema=resolved)
        if "oneOf" in resolved:
            return self._union(resolved)
        return self._plain(resolved)

    def class_name(self, schema: str) -> str:
        """The class of a named schema, as code."""
        return f"{self.prefix}{self.names.classes[schema]}"

    def _resolved(self, schema: Node) -> Node:
        document = self.contract.document
        parts = schema.get("allOf", ())
        if "$ref" not in schema and len(parts) == 1:
            return {**resolve(document, parts[0]), **{key: value for key, value in schema.items() if key != "allOf"}}
        return resolve(document, schema)

    def _union(self, schema: Node) -> Shape:
        choices = schema["oneOf"]
        shapes = [self.of(choice) for choice in choices if not is_null(choice)]
        nullable = len(shapes) < len(choices) or any(shape.nullable for shape in shapes)
        if len(shapes) == 1:
            beside = {key: value for key, value in schema.items() if key != "oneOf"}
            return attrs.evolve(shapes[0], nullable=nullable, schema={**shapes[0].schema, **beside})
        expression = " | ".join(dict.fromkeys(shape.expression for shape in shapes))
        return Shape(kind=Kind.UNION, expression=expression, nullable=nullable, schema=schema)

    def _plain(self, schema: Node) -> Shape:
        declared = schema.get("type")
        types = [declared] if isinstance(declared, str) else list(declared or ())
        nullable = "null" in types
        single = [self._single(each, schema) for each in types if each != "null"]
        if not types:
            single = [(Kind.ANY, Kind.ANY.value)]
        if not single:
            raise UnsupportedSchema(f"no Python type for {dict(schema)}")
        kind = single[0][0] if len(single) == 1 else Kind.UNION
        expression = " | ".join(dict.fromkeys(code for _, code in single))
        return Shape(kind=kind, expression=expression, nullable=nullable, schema=schema)

    def _single(self, declared: str, schema: Node) -> tuple[Kind, str]:
        if declared == "array":
            return Kind.ARRAY, f"tuple[{self._inner(schema.get('items', {}))}, ...]"
        if declared == "object":
            if "properties" in schema:
                raise UnsupportedSchema(f"an object without a name: {list(schema['properties'])}")
            extra = schema.get("additionalProperties", {})
            return Kind.MAP, f"Mapping[str, {self._inner(extra if isinstance(extra, dict) else {})}]"
        if declared == "string":
            kind = FORMATS.get(schema.get("format", ""), Kind.TEXT)
            return kind, kind.value
        if declared not in SCALARS:
            raise UnsupportedSchema(f"no Python type for {declared!r}")
        return SCALARS[declared], SCALARS[declared].value

    def _inner(self, schema: Node) -> str:
        shape = self.of(schema)
        return f"{shape.expression} | None" if shape.nullable and shape.kind is not Kind.ANY else shape.expression
