"""Every operation as a command: its help, and a call of it against the sandbox with all of its arguments."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from cli_shell import tokens
from test_every_operation import PNG, TABLES, Use, filled

from wren_async import CNaughtClient, WrenClient
from wren_async._generated.commands import COMMANDS, Command
from wren_async.cli import main
from wren_async.cli.app import words_of
from wren_async.models.cnaught import NotificationConfig
from wren_async.sandbox import Sandbox

NAMES = [" ".join(words_of(each)) for each in COMMANDS]


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with Sandbox(check_answers=True) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(server: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    server.reset()
    for name, value in tokens(server).items():
        monkeypatch.setenv(name, value)
    return server


@pytest.mark.parametrize("command", COMMANDS, ids=NAMES)
def test_the_help_of_an_operation_names_each_of_its_arguments_as_a_flag(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words_of(command), "--help"]) == 0
    shown = capsys.readouterr().out
    assert command["summary"] in " ".join(shown.split())
    for use in uses_of(command):
        for name in [*use.required, *use.optional]:
            assert kebab(name) in shown
    for python in ("`None`", "OutcomeUnknown", "client.send", "CallOptions", "Args:"):
        assert python not in shown
    assert ("--yes" in shown) == command["spends"]


@pytest.mark.parametrize(
    ("command", "use"),
    [
        pytest.param(command, use, id=f"{' '.join(words_of(command))}-{index}")
        for command in COMMANDS
        for index, use in enumerate(
            each for table in [TABLES[command["api"]]] for ways in table.values() for each in ways
        )
        if use.method == command["method"]
    ],
)
def test_an_operation_is_called_with_all_of_its_arguments(
    sandbox: Sandbox, command: Command, use: Use, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    held = asyncio.run(furnished(sandbox))
    before = len(list(sandbox.requests))
    assert main([*words_of(command), *given(use, held, tmp_path, command)]) == 0, capsys.readouterr().err
    shown = capsys.readouterr().out
    sent = list(sandbox.requests)[before:]
    assert len(sent) == 1 or command["paged"]
    assert {(each.api, each.operation) for each in sent} == {(command["api"], operation_of(use))}
    wire = plainly(f"{unquote(sent[0].target)} {sent[0].raw.decode(errors='replace')}")
    for name, plain in {**use.required, **use.optional}.items():
        assert name == "content_type" or plainly(name) in wire
        if isinstance(plain, Decimal | int) and not isinstance(plain, bool):
            assert str(plain) in wire
    if command["method"].rpartition(".")[2] == "certificate":
        assert (tmp_path / "certificate").read_bytes()
    elif command["method"] not in ("subaccounts.delete", "subaccounts.logo.remove"):
        assert isinstance(json.loads(shown), dict | list)


def uses_of(command: Command) -> list[Use]:
    return [each for ways in TABLES[command["api"]].values() for each in ways if each.method == command["method"]]


def operation_of(use: Use) -> str:
    return next(name for table in TABLES.values() for name, ways in table.items() if use in ways)


def plainly(text: str) -> str:
    """A name as it is in Python, on the wire, and in a URL."""
    return text.replace("_", "").lower()


def kebab(name: str) -> str:
    return f"--{name.rstrip('_').replace('_', '-')}"


def given(use: Use, held: dict[str, Any], folder: Path, command: Command) -> list[str]:
    """What a use of the facade is as words of a command line."""
    words = [str(held.get(name, name)) for name in use.ids if name != "image"]
    for name, plain in {**use.required, **use.optional}.items():
        words += word(kebab(name), filled(plain, held))
    if use.raw is not None:
        (folder / "logo.png").write_bytes(use.raw)
        words += ["--file", str(folder / "logo.png")]
    if command["method"].rpartition(".")[2] == "certificate":
        return [*words, "--output", str(folder / "certificate")]
    return [*words, "--json"]


def word(flag: str, value: Any) -> list[str]:
    if value is None:
        return ["--null", flag[2:]]
    if isinstance(value, bool):
        return [flag if value else f"--no-{flag[2:]}"]
    if isinstance(value, NotificationConfig):
        return [f"{flag}.url={value.url}"]
    return [f"{flag}={value.isoformat() if isinstance(value, datetime) else value}"]


async def furnished(sandbox: Sandbox) -> dict[str, Any]:
    """Things in the sandbox that the calls refer to."""
    at, by = sandbox.wren, sandbox.cnaught
    async with (
        WrenClient(at.live_token, base_url=at.base_url) as wren,
        CNaughtClient(by.api_key, base_url=by.base_url) as buyer,
    ):
        session = await buyer.checkout_sessions.create(
            amount_kg=100, success_url="https://a.example", cancel_url="https://a.example"
        )
        return {
            "subaccount": (await buyer.subaccounts.create(name="Marketing")).id,
            "order": (await buyer.orders.create(amount_kg=10)).id,
            "session": session.id,
            "unused": (await buyer.subaccounts.create(name="Unused")).id,
            "group": (await wren.offset_orders.create(tons=1, payment_method="credits")).id,
            "portfolio": "oH5hlq",
            "project": "I0UbDH",
            "category": "hkgyn3",
            "image": PNG,
        }
