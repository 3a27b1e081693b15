"""Arguments of the builders: how they are declared, described, checked and put into the call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import attrs

from codegen.contract import BINARY, Contract, Node, OperationNode, properties, required, schema_name
from codegen.prose import Prose, literal
from codegen.shapes import Kind, Shape, Shapes, UnsupportedSchema

CHECKS: Final = {
    Kind.DECIMAL: ("decimal", {"exclusiveMinimum": "above", "minimum": "minimum"}),
    Kind.INTEGER: ("integer", {"exclusiveMinimum": "above", "minimum": "minimum", "maximum": "maximum"}),
    Kind.TEXT: ("text", {"minLength": "min_length", "maxLength": "max_length"}),
    Kind.BOOLEAN: ("boolean", {}),
    Kind.MOMENT: ("moment", {}),
    Kind.ENUM: ("choice", {}),
    Kind.MODEL: ("instance", {}),
}
"""The function of `core/arguments.py` for each kind, and its keyword for each limit of the contract."""
LIMITS: Final = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength"})
REFERENCE: Final = (
    "Your own mark on this order, sent within `{attribute}` so that the order can be found again; `None` sends none."
)
SUBACCOUNT: Final = "Id of the subaccount to act for. Left out, the client's; `None` acts for the parent account."


@attrs.frozen(kw_only=True)
class ArgumentView:
    """One argument of a builder."""

    name: str
    annotation: str
    required: bool
    text: str
    """For the docstring."""
    value: str
    """Code of the checked value."""
    wire: str = ""
    place: str
    """`path`, `query`, `body`, or the keyword of `Call` that takes it."""

    @property
    def positional(self) -> bool:
        """Whether it may be given by position, as ids of a path may."""
        return self.place == "path"

    @property
    def declaration(self) -> str:
        """The argument in the builder's signature."""
        return f"{self.name}: {self.annotation}" + ("" if self.required else " = UNSET")


@attrs.frozen(kw_only=True)
class Arguments:
    """The arguments of one builder."""

    contract: Contract
    shapes: Shapes
    prose: Prose
    operation: OperationNode
    body: Node | None
    """The schema of the body, or of one alternative of it."""

    def all(self) -> tuple[ArgumentView, ...]:
        """All arguments: those of the path, then the required ones, then the rest, with the call's own last."""
        parameters = list(self._parameters())
        values = [each for each in parameters if each.place in ("path", "query")] + list(self._body())
        special = [each for each in parameters if each.place not in ("path", "query")]
        ordered = sorted(values, key=lambda each: (not each.positional, not each.required))
        return (*ordered, *special, *self._reference())

    def call(self) -> Iterator[tuple[str, str]]:
        """Keywords and code of the `Call`, its operation left out."""
        found = self.all()
        for place in ("path", "query"):
            if entries := [f"{each.wire!r}: {each.value}" for each in found if each.place == place]:
                yield place, f"{{{', '.join(entries)}}}"
        if self.body is not None and not self._is_binary(self.body):
            attributes = ", ".join(f"{each.name}={each.value}" for each in found if each.place == "body")
            yield "body", f"{self.shapes.of(self.body).expression}({attributes})"
        for each in found:
            if each.place not in ("path", "query", "body"):
                yield "body" if each.place == "content" else each.place, each.value

    def _parameters(self) -> Iterator[ArgumentView]:
        names = self.shapes.names.parameters[self.operation.id]
        for parameter in self.contract.parameters(self.operation):
            name = names[parameter["name"]]
            if "x-role" in parameter:
                yield self._header(name, parameter)
            else:
                yield self._parameter(name, parameter)

    def _parameter(self, name: str, parameter: Node) -> ArgumentView:
        place = parameter["in"]
        shape = self.shapes.of(parameter["schema"])
        if place == "path":
            annotation, value = "str", f"arguments.identifier({name!r}, {name})"
        elif parameter.get("allowEmptyValue"):
            annotation, value = "bool | Unset", f"arguments.flag({name!r}, {name})"
        else:
            annotation, value = self._annotation(shape, bool(parameter.get("required"))), self.check(name, shape)
        return ArgumentView(
            name=name,
            annotation=annotation,
            required=bool(parameter.get("required")),
            text=self._text(parameter),
            value=value,
            wire=parameter["name"],
            place=place,
        )

    def _header(self, name: str, parameter: Node) -> ArgumentView:
        """A header with a role. The call carries it, because the pipeline decides over it."""
        shape = self.shapes.of(parameter["schema"])
        if parameter["x-role"] == "subaccount":
            return ArgumentView(
                name=name,
                annotation="str | None | Unset",
                required=False,
                text=SUBACCOUNT,
                value=name,
                place="subaccount_id",
            )
        shape = attrs.evolve(shape, nullable=False, schema={"minLength": 1, **shape.schema})
        return ArgumentView(
            name=name,
            annotation="str | Unset",
            required=False,
            text=f"{self._text(parameter)} Left out, each sending gets a key of its own.",
            value=self.check(name, shape),
            place="idempotency_key",
        )

    def _body(self) -> Iterator[ArgumentView]:
        if self.body is None:
            return
        if self._is_binary(self.body):
            yield from self._binary()
            return
        document = self.contract.document
        needed = required(document, self.body)
        names = self.shapes.names.attributes[self._class_name(self.body)]
        for wire, node in properties(document, self.body).items():
            shape = self.shapes.of(node)
            must = wire in needed or bool(shape.schema.get("x-explicit"))
            if not shape.schema.get("readOnly"):
                yield ArgumentView(
                    name=names[wire],
                    annotation=self._annotation(shape, must),
                    required=must,
                    text=self._text(shape.schema),
                    value=self.check(names[wire], shape),
                    wire=wire,
                    place="body",
                )

    def _class_name(self, schema: Node) -> str:
        name = schema_name(schema)
        if name is None:
            raise UnsupportedSchema(f"the body of {self.operation.id} has no name")
        return self.shapes.names.classes[name]

    def _binary(self) -> Iterator[ArgumentView]:
        body = self.contract.body(self.operation) or {}
        media_types = list(body["content"])
        yield ArgumentView(
            name="body",
            annotation="bytes | AsyncIterable[bytes]",
            required=True,
            text=self._text(body) or "The bytes to send, whole or as a stream.",
            value="body",
            place="content",
        )
        if media_types != [BINARY]:
            yield ArgumentView(
                name="content_type",
                annotation=f"Literal[{', '.join(map(literal, media_types))}]",
                required=True,
                text="Media type of the bytes.",
                value="content_type",
                place="content_type",
            )

    def _reference(self) -> Iterator[ArgumentView]:
        for node in properties(self.contract.document, self.body or {}).items():
            if node[1].get("x-role") == "reference":
                yield ArgumentView(
                    name="reference",
                    annotation="str | None | Unset",
                    required=False,
                    text=self.prose.text(REFERENCE.format(attribute=node[0])),
                    value="reference",
                    place="reference",
                )

    def _is_binary(self, schema: Node) -> bool:
        return self.shapes.of(schema).kind is Kind.BYTES

    def _text(self, node: Node) -> str:
        text = self.prose.text(node.get("description")).replace("\n", " ")
        return text if not text or text.endswith((".", "!", "?")) else f"{text}."

    def _annotation(self, shape: Shape, must: bool) -> str:
        kinds = {Kind.DECIMAL: "Decimal | int"}
        expression = kinds.get(shape.kind, shape.expression)
        if shape.kind is Kind.ENUM:
            expression += f" | Literal[{', '.join(map(literal, shape.schema['enum']))}]"
        return expression + (" | None" if shape.nullable else "") + ("" if must else " | Unset")

    def check(self, name: str, shape: Shape) -> str:
        """Code that checks an argument against the limits of the contract."""
        if shape.kind is Kind.ANY:
            return name
        if shape.kind not in CHECKS:
            raise UnsupportedSchema(f"no check for the argument {name} of {self.operation.id}: {shape.expression}")
        function, limits = CHECKS[shape.kind]
        if unknown := (LIMITS & set(shape.schema)) - set(limits):
            raise UnsupportedSchema(f"no check of {sorted(unknown)} for the argument {name} of {self.operation.id}")
        parts = [repr(name), name]
        if shape.kind in (Kind.ENUM, Kind.MODEL):
            parts.append(shape.expression)
        parts += [f"{keyword}={shape.schema[limit]}" for limit, keyword in limits.items() if limit in shape.schema]
        if shape.nullable:
            parts.append("nullable=True")
        return f"arguments.{function}({', '.join(parts)})"
