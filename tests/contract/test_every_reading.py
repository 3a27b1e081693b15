"""Where the documents leave open how an API behaves, the clients work with each reading that the sandbox can take."""

from __future__ import annotations

import operator
import typing
from collections.abc import Iterator
from typing import Any, Literal

import attrs
import pytest
from test_every_operation import TABLES, Bench, Recorder, filled, furnish

from wren_async import APIError, CNaughtClient, WrenClient
from wren_async.sandbox import CNaughtBehaviours, Sandbox, WrenBehaviours

KINDS: dict[str, type[Any]] = {"wren": WrenBehaviours, "cnaught": CNaughtBehaviours}

SUBACCOUNTS = {name for name in TABLES["cnaught"] if "Subaccount" in name}
RIDES = {"createRideOrder", "createRideQuote"}
REFUSES: dict[tuple[str, object], set[str]] = {
    ("billing_set_up", False): {"createOrder", "createRideOrder"},
    ("subaccounts_enabled", False): SUBACCOUNTS,
    ("ride_operations", 404): RIDES,
    ("ride_operations", 410): RIDES,
}
"""The operations that a reading refuses. Under every other, all of them answer."""


def readings() -> Iterator[Any]:
    """Every value that a behaviour may take other than its default, where the values can be counted."""
    for api, kind in KINDS.items():
        hints = typing.get_type_hints(kind)
        for field in attrs.fields(kind):
            values = typing.get_args(hints[field.name]) if typing.get_origin(hints[field.name]) is Literal else ()
            for value in (True, False) if hints[field.name] is bool else values:
                if value != field.default:
                    yield pytest.param(api, field.name, value, id=f"{api}, {field.name} {value}")


async def call_all(bench: Bench, api: str) -> set[str]:
    """Call every operation of an API; returns those that were refused."""
    refused: set[str] = set()
    for operation, ways in TABLES[api].items():
        for use in ways:
            arguments = {name: filled(value, bench.held) for name, value in use.required.items()}
            ids = [bench.held.get(name, name) for name in use.ids]
            try:
                await operator.attrgetter(use.method)(bench.clients[api])(*ids, **arguments)
            except APIError:
                refused.add(operation)
    return refused


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")
@pytest.mark.parametrize(("api", "behaviour", "value"), list(readings()))
async def test_every_operation_answers_unless_the_reading_refuses_it(api: str, behaviour: str, value: object) -> None:
    async with Sandbox() as sandbox:
        clients = {
            "wren": WrenClient(sandbox.wren.live_token, base_url=sandbox.wren.base_url, retries=0),
            "cnaught": CNaughtClient(sandbox.cnaught.api_key, base_url=sandbox.cnaught.base_url, retries=0),
        }
        async with clients["wren"], clients["cnaught"]:
            bench = Bench(sandbox, Recorder(), clients)
            await furnish(bench, whole=False)
            setattr(getattr(sandbox, f"{api}_api").behaviours, behaviour, value)
            assert await call_all(bench, api) == REFUSES.get((behaviour, value), set())
