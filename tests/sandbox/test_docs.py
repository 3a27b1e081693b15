"""The pages of the sandbox and of testing tell what there is: routes, faults, options, tokens and fixtures."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from wren_async import testing
from wren_async.sandbox import FaultKind, Sandbox
from wren_async.sandbox.__main__ import _parser
from wren_async.sandbox.fault_kinds import OPTIONS, STATUSES, WHICH
from wren_async.sandbox.routes import ROUTES

DOCS = Path(__file__).parents[2] / "docs"

pytestmark = pytest.mark.skipif(not DOCS.is_dir(), reason="needs the source tree")


def page(name: str) -> str:
    return (DOCS / name).read_text()


def table(text: str, heading: str) -> list[list[str]]:
    """The rows of the table whose first column is headed so."""
    rows = re.search(rf"^\| {heading} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert rows, heading
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[1].splitlines()]


def code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_the_routes() -> None:
    told = [(method, *code(path)) for method, path, _ in table(page("sandbox.md"), "method")]
    assert told == [(route.method, route.path) for route in ROUTES]


def test_the_names_that_routes_take_are_told() -> None:
    means = {(method, *code(path)): text for method, path, text in table(page("sandbox.md"), "method")}
    for route in ROUTES:
        for name in (*route.query, *(route.takes or ())):
            assert name in means[route.method, route.path], f"{route.path} takes {name}"


def test_the_kinds_of_faults() -> None:
    rows = table(page("sandbox.md"), "kind")
    assert {code(kind)[0]: tuple(code(takes)) for kind, takes, _ in rows} == {
        kind.value: options for kind, options in OPTIONS.items()
    }
    assert [code(kind)[0] for kind, _, _ in rows] == [kind.value for kind in FaultKind]
    for kind, status in STATUSES.items():
        (means,) = (means for name, _, means in rows if code(name) == [kind.value])
        assert str(status) in means
    told = code(re.search(r"^Which requests: .*$", page("sandbox.md"), re.MULTILINE)[0])  # type: ignore[index]
    assert [name for name in told if name in WHICH] == list(WHICH)


def test_the_options_of_the_command() -> None:
    told = {code(option)[0].split()[0] for option, _ in table(page("sandbox.md"), "option")}
    known = {name for action in _parser()._actions for name in action.option_strings if name.startswith("--")}
    assert told == known - {"--help"}


def test_the_tokens() -> None:
    sandbox = Sandbox()
    wren, cnaught = sandbox.wren, sandbox.cnaught
    known = [wren.live_token, wren.personal_token, wren.test_token, cnaught.api_key, cnaught.test_key]
    assert [code(token)[0] for token, *_ in table(page("sandbox.md"), "token")] == known


def test_every_fixture_is_told_and_shown() -> None:
    text = page("test-your-app.md")
    told = {name for fixture, _ in table(text, "fixture") for name in code(fixture)}
    fixtures = {name for name in vars(testing) if type(getattr(testing, name)).__name__ == "FixtureFunctionDefinition"}
    assert told == fixtures
    blocks = "\n".join(re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    used = set(re.findall(r"\w+", " ".join(re.findall(r"^ *(?:async )?def (\w+\(.*?\))", blocks, re.MULTILINE))))
    assert fixtures - used == {"sandbox_in_process"}, "its example needs no pytest"
