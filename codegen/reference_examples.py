"""An example of each operation for its page, in Python and on the command line.

What the contract's own examples give need not stand here.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

import attrs

from codegen.alternatives import bodies
from codegen.contract import Contract, Node, OperationNode, properties, required
from codegen.contract_examples import argument_name, argument_value, body_examples

LONGEST: Final = 92
ORDER: Final = "order = await cnaught.orders.create(amount_kg=10)"
SUBACCOUNT: Final = 'subaccount = await cnaught.subaccounts.create(name="Marketing")'
SESSION: Final = (
    "session = await cnaught.checkout_sessions.create(",
    "    amount_kg=100,",
    '    success_url="https://www.example.com/paid",',
    '    cancel_url="https://www.example.com/left",',
    ")",
)


@attrs.frozen(kw_only=True)
class Example:
    """What an operation is called with."""

    before: tuple[str, ...] = ()
    """Lines of Python that make what the call refers to."""
    ids: tuple[str, ...] = ()
    """Arguments by position, in Python."""
    words: tuple[str, ...] = ()
    """The same on the command line."""
    arguments: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    flags: tuple[str, ...] = ()
    """Further words of the command line."""


BY_ORDER: Final = Example(before=(ORDER,), ids=("order.id",), words=('"$ORDER_ID"',))
BY_SUBACCOUNT: Final = Example(before=(SUBACCOUNT,), ids=("subaccount.id",), words=('"$SUBACCOUNT_ID"',))
EXAMPLES: Final[Mapping[str, Example]] = {
    "wren.offset_orders.create": Example(
        arguments={"tons": Decimal("0.45"), "payment_method": "credits", "note": "Ride 1001"}
    ),
    "wren.offset_orders.certificate": Example(
        before=('order = await wren.offset_orders.create(tons=1, payment_method="credits")', "assert order.id"),
        ids=("order.id",),
        words=('"$ORDER_ID"',),
        arguments={"to": "certificate.pdf"},
        flags=("--output certificate.pdf",),
    ),
    "wren.project_orders.create": Example(
        arguments={"project_id": 18, "amount_in_usd_cents": 2500, "payment_method": "credits"}
    ),
    "wren.portfolios.list": Example(),
    "wren.credits.ledger": Example(),
    "cnaught.orders.create": Example(arguments={"amount_kg": 10, "description": "On behalf of Jane"}),
    "cnaught.orders.create_by_price": Example(arguments={"total_price_usd_cents": 3190}),
    "cnaught.orders.get": BY_ORDER,
    "cnaught.orders.cancel": BY_ORDER,
    "cnaught.orders.list": Example(),
    "cnaught.quotes.create": Example(arguments={"amount_kg": 10}),
    "cnaught.impact.data": Example(),
    "cnaught.subaccounts.get": BY_SUBACCOUNT,
    "cnaught.subaccounts.update": attrs.evolve(BY_SUBACCOUNT, arguments={"name": "Marketing", "email": None}),
    "cnaught.subaccounts.delete": BY_SUBACCOUNT,
    "cnaught.subaccounts.list": Example(),
    "cnaught.subaccounts.logo.set_from_url": attrs.evolve(
        BY_SUBACCOUNT, arguments={"logo_url": "https://www.example.com/logo.png"}
    ),
    "cnaught.subaccounts.logo.remove": BY_SUBACCOUNT,
    "cnaught.subaccounts.logo.upload": attrs.evolve(
        BY_SUBACCOUNT, ids=("subaccount.id", '"logo.png"'), flags=("--file logo.png",)
    ),
    "cnaught.checkout_sessions.create": Example(
        arguments={
            "amount_kg": 100,
            "success_url": "https://www.example.com/paid",
            "cancel_url": "https://www.example.com/left",
        }
    ),
    "cnaught.checkout_sessions.get": Example(before=SESSION, ids=("session.id",), words=('"$SESSION_ID"',)),
    "cnaught.projects.get": Example(ids=('"I0UbDH"',), words=("I0UbDH",)),
}


def example_of(name: str, contract: Contract, operation: OperationNode, body: Node | None) -> Example:
    """The example of a method such as `cnaught.orders.create`: by hand, or as the contract's own examples give it."""
    return EXAMPLES.get(name) or _from_contract(contract, operation, body)


def _from_contract(contract: Contract, operation: OperationNode, body: Node | None) -> Example:
    ids: list[str] = []
    given: dict[str, Any] = {}
    for parameter in contract.parameters(operation):
        schema = contract.resolve(parameter["schema"])
        if parameter["in"] == "path":
            ids.append(str(schema.get("examples", ["id"])[0]))
        elif parameter.get("required") and "examples" in schema:
            given[argument_name(parameter["name"], parameter)] = argument_value(schema, schema["examples"][0])
    if body is not None:
        needs = required(contract.document, body)
        told = body_examples(contract, operation)
        for wire, node in properties(contract.document, body).items():
            schema = contract.resolve(node)
            if (wire in needs or schema.get("x-explicit")) and wire in told:
                given[argument_name(wire, node)] = argument_value(schema, told[wire])
    return Example(ids=tuple(f'"{each}"' for each in ids), words=tuple(map(shlex.quote, ids)), arguments=given)


# --- as text --------------------------------------------------------------------------------------------------------


def in_python(name: str, example: Example, *, pager: bool, answers: bool, deprecated: bool) -> str:
    """A program that calls the operation."""
    api = name.partition(".")[0]
    client = "WrenClient" if api == "wren" else "CNaughtClient"
    call = _call(name, [*example.ids, *_keywords(example)])
    lines = [*example.before]
    if pager:
        lines += [f"async for each in {call}:", "    print(each)"]
    elif answers:
        lines += [*f"answer = await {call}".splitlines(), "print(answer)"]
    else:
        lines += [f"await {call}"]
    text = "\n".join(lines)
    return "\n".join(
        [
            *_imports(text, deprecated=deprecated),
            "",
            f"from wren_async import {client}",
            "",
            *_silenced(deprecated),
            "",
            "async def main() -> None:",
            f"    async with {client}() as {api}:",
            *(f"        {line}" for line in text.splitlines()),
            "",
            "",
            "asyncio.run(main())",
        ]
    )


def on_command_line(name: str, example: Example) -> str:
    """The command that does the same."""
    words = ["wren-async", *name.replace("_", "-").split("."), *example.words]
    for argument, value in example.arguments.items():
        if argument == "to":
            continue
        flag = f"--{argument.rstrip('_').replace('_', '-')}"
        words.append(f"--null {flag[2:]}" if value is None else f"{flag} {shlex.quote(str(value))}")
    return " ".join([*words, *example.flags])


def _call(name: str, arguments: list[str]) -> str:
    """The call on one line, or, where that is long, with a line for each argument."""
    line = f"{name}({', '.join(arguments)})"
    return line if len(line) <= LONGEST else "\n".join([f"{name}(", *(f"    {each}," for each in arguments), ")"])


def _silenced(deprecated: bool) -> list[str]:
    return ['warnings.simplefilter("ignore", DeprecationWarning)', ""] if deprecated else []


def _imports(text: str, *, deprecated: bool) -> Iterator[str]:
    yield "import asyncio"
    if deprecated:
        yield "import warnings"
    if "Decimal(" in text:
        yield "from decimal import Decimal"


def _keywords(example: Example) -> Iterator[str]:
    for name, value in example.arguments.items():
        yield f"{name}={_code(value)}"


def _code(value: Any) -> str:
    if isinstance(value, Decimal):
        return str(value) if re.fullmatch(r"\d+", str(value)) else f'Decimal("{value}")'
    return f'"{value}"' if isinstance(value, str) else repr(value)


def body_of(contract: Contract, operation: OperationNode, builder: str, builders: tuple[str, ...]) -> Node | None:
    """The alternative of a body that a builder makes."""
    return bodies(contract, operation)[builders.index(builder)]
