"""What the template of `operations/<tag>.py` prints: an `Operation` and its builders, with every decision made."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from typing import Final

import attrs

from codegen.alternatives import bodies
from codegen.argument_views import Arguments, ArgumentView
from codegen.contract import BINARY, Contract, Node, OperationNode, properties
from codegen.parsed import Names
from codegen.prose import Prose, docstring, escape, paragraphs, sentences
from codegen.shapes import Shapes

REPEATS: Final = {
    "read": "It changes nothing, so it is tried again after a failure.",
    "compute": "It calculates and keeps nothing, so it is tried again after a failure.",
    "repeatable": "A repeat leaves everything as the first left it, so it is tried again after a failure.",
    "keyed": (
        "Every attempt carries the same idempotency key, so it is tried again after a failure and acts once. If no "
        "attempt gets an answer it raises `OutcomeUnknown`; sending that error's call again is safe."
    ),
    "once": (
        "Sent twice it would act twice, so it is tried again only on proof that nothing was sent; when the answer is "
        "lost it raises `OutcomeUnknown`."
    ),
}
"""What may be repeated follows from the effect alone."""
WIDE: Final = 100


@attrs.frozen(kw_only=True)
class OperationView:
    """The constant of an operation."""

    constant: str
    answer: str
    arguments: tuple[tuple[str, str], ...]
    """Keyword and code."""


@attrs.frozen(kw_only=True)
class BuilderView:
    """A function that makes a call of an operation."""

    name: str
    answer: str
    positional: tuple[str, ...]
    """Declarations of the arguments that may be given by position."""
    keyword: tuple[str, ...]
    docstring: str
    call: tuple[tuple[str, str], ...]
    """Keyword and code of what the `Call` gets."""


@attrs.frozen(kw_only=True)
class OperationsModule:
    """The module of one tag."""

    docstring: str
    exports: tuple[str, ...]
    operations: tuple[tuple[OperationView, tuple[BuilderView, ...]], ...]


def operations_module(contract: Contract, names: Names, tag: str) -> OperationsModule:
    """The view of one tag's operations, in the order of the document."""
    writer = OperationWriter(contract=contract, shapes=Shapes(contract, names, "models."), prose=Prose(names))
    found = [
        (writer.operation(operation), tuple(writer.builders(operation)))
        for operation in contract.operations()
        if operation.node["tags"][0] == tag
    ]
    exports = [name for view, builders in found for name in (view.constant, *(each.name for each in builders))]
    described = {each["name"]: each.get("description", "") for each in contract.document.get("tags", ())}
    return OperationsModule(
        docstring=docstring(writer.prose.text(described.get(tag)) or tag),
        exports=tuple(sorted(exports)),
        operations=tuple(found),
    )


@attrs.frozen(kw_only=True)
class OperationWriter:
    """Makes the views of one contract's operations."""

    contract: Contract
    shapes: Shapes
    prose: Prose

    def operation(self, operation: OperationNode) -> OperationView:
        """The constant with all that the contract states."""
        answer = self.answer(operation)
        code = {
            "id": repr(operation.id),
            "method": repr(operation.method.upper()),
            "path": repr(operation.path),
            "answer": _answer_code(answer),
            "effect": f"Effect.{operation.node['x-effect'].upper()}",
            "compute_when": self._compute_when(operation),
            "spends": "True" if operation.node.get("x-spends") else None,
            "content_type": self._content_type(operation),
            "credentials": self._credentials(operation),
            "idempotency_header": self._header(operation, "idempotency-key"),
            "subaccount_header": self._header(operation, "subaccount"),
            "reference": self._reference(operation),
            "deprecated": _code(self._deprecated(operation)),
        }
        arguments = tuple((key, value) for key, value in code.items() if value is not None)
        return OperationView(constant=self._constant(operation), answer=answer, arguments=arguments)

    def builders(self, operation: OperationNode) -> Iterator[BuilderView]:
        """One builder for each alternative of the body, so that each has a signature of its own."""
        names = self.shapes.names.builders[operation.id]
        for name, body in zip(names, bodies(self.contract, operation), strict=True):
            yield self._builder(operation, name, body)

    def answer(self, operation: OperationNode) -> str:
        """The type of a success, as code."""
        content = self.contract.success(operation).get("content", {})
        if not content:
            return "None"
        media_type, node = next(iter(content.items()))
        return self.shapes.of(node["schema"]).expression if media_type.endswith("json") else "bytes"

    def _builder(self, operation: OperationNode, name: str, body: Node | None) -> BuilderView:
        arguments = Arguments(
            contract=self.contract, shapes=self.shapes, prose=self.prose, operation=operation, body=body
        )
        found = arguments.all()
        return BuilderView(
            name=name,
            answer=self.answer(operation),
            positional=tuple(each.declaration for each in found if each.positional),
            keyword=tuple(each.declaration for each in found if not each.positional),
            docstring=self._docstring(operation, found),
            call=(("operation", self._constant(operation)), *arguments.call()),
        )

    def _docstring(self, operation: OperationNode, arguments: tuple[ArgumentView, ...]) -> str:
        node = operation.node
        notice = self._deprecated(operation)
        described = [f"{each.name}: {each.text}" for each in arguments]
        described.append("options: Time limits, retries and further headers of this call; see `CallOptions`.")
        lines = "\n".join(paragraphs(line, 8, hanging=4) for line in described)
        blocks = [
            paragraphs(self.prose.text(node["summary"]), 4 + len('"""')),
            f"    .. deprecated:: 0.1\n{paragraphs(notice, 8)}" if notice else None,
            paragraphs(self.prose.text(self._description(operation)), 4),
            f"    Args:\n{lines}",
            paragraphs(self._repeats(operation), 4),
            paragraphs("Source: " + "; ".join(node["x-source"]["pages"]), 4),
        ]
        return _quoted([block for block in blocks if block])

    def _repeats(self, operation: OperationNode) -> str:
        text = REPEATS[operation.node["x-effect"]]
        when = operation.node.get("x-effect-when")
        if when is None:
            return text
        condition = self.prose.text(f"With `{when['attribute']}`")
        return f"{text} {condition} it keeps nothing and is tried again freely."

    def _constant(self, operation: OperationNode) -> str:
        return self.shapes.names.functions[operation.id].upper()

    def _content_type(self, operation: OperationNode) -> str | None:
        body = self.contract.body(operation)
        first = None if body is None else next(iter(body["content"]))
        return repr(first) if first is not None and (first.endswith("json") or first == BINARY) else None

    def _credentials(self, operation: OperationNode) -> str | None:
        security = operation.node.get("security", self.contract.document.get("security", []))
        if not security:
            return '"none"'
        return '"optional"' if {} in security else None

    def _compute_when(self, operation: OperationNode) -> str | None:
        when = operation.node.get("x-effect-when")
        return None if when is None else f"When(attribute={when['attribute']!r}, value={when['value']!r})"

    def _header(self, operation: OperationNode, role: str) -> str | None:
        for parameter in self.contract.parameters(operation):
            if parameter.get("x-role") == role:
                return repr(parameter["name"])
        return None

    def _reference(self, operation: OperationNode) -> str | None:
        for body in bodies(self.contract, operation):
            for wire, node in properties(self.contract.document, body or {}).items():
                if node.get("x-role") == "reference":
                    limit = self.contract.resolve(node).get("maxLength")
                    longest = "" if limit is None else f", max_length={limit}"
                    return f"ReferenceField(attribute={wire!r}{longest})"
        return None

    def _deprecated(self, operation: OperationNode) -> str | None:
        text = _deprecation(operation.node)
        return None if text is None else self.prose.text(_capital(_NOTICE.sub("", text)))

    def _description(self, operation: OperationNode) -> str:
        """The description without the sentence that the notice of deprecation says already."""
        told = _deprecation(operation.node)
        found = str(operation.node["description"])
        return found if told is None else " ".join(each for each in sentences(found) if each != told)


def _answer_code(answer: str) -> str:
    """The type of a success as the operation is given it: models load when they are first needed."""
    if answer == "None":
        return "NoneType"
    return f"Lazy(lambda: {answer})" if "models." in answer else answer


_NOTICE: Final = re.compile(r"^(this operation is )?deprecated\s*[:;,.-]\s*", re.IGNORECASE)


def _deprecation(node: Node) -> str | None:
    """The sentence of the description that says what to use instead."""
    if not node.get("deprecated"):
        return None
    for word in ("deprecated", "instead", "replaced", "use "):
        for sentence in sentences(node["description"]):
            if word in sentence.lower():
                return sentence
    return "The API has deprecated this operation."


def _code(text: str | None) -> str | None:
    """Text as a literal, in several pieces where it is long."""
    if text is None or len(text) < WIDE:
        return None if text is None else repr(text)
    pieces = textwrap.wrap(text, WIDE, break_long_words=False, drop_whitespace=False)
    return "(" + " ".join(map(repr, pieces)) + ")"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _quoted(blocks: list[str]) -> str:
    """A docstring of blocks that are wrapped already."""
    return '"""' + escape("\n\n".join(blocks).lstrip()) + '\n    """'
