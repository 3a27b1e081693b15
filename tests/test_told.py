"""No reader needs the source to find a name: what can be set, given or caught stands on a page."""

from __future__ import annotations

import ast
import inspect
import re
import tomllib
from pathlib import Path

import attrs
import pytest

from wren_async import Ceilings, CNaughtClient, RetryPolicy, WrenClient, errors, testing
from wren_async.core.client import ClientOptions
from wren_async.core.operation import CallOptions

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
VARIABLE = re.compile(r"(?:WREN|CNAUGHT|SSL|OTEL)_[A-Z_]+|(?:HTTPS|ALL|NO)_PROXY")


def page(name: str) -> str:
    path = DOCS / f"{name}.md"
    if not path.exists():
        pytest.skip(f"{path.name} is not written yet")
    return path.read_text()


def rows(text: str) -> set[str]:
    """What stands in code in the first column of the tables."""
    cells = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def test_the_readme_lists_every_extra() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(extras) <= rows((ROOT / "README.md").read_text())


def test_every_variable_of_the_environment_is_told() -> None:
    read = {
        node.value
        for path in (ROOT / "wren_async").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and VARIABLE.fullmatch(node.value)
    }
    told = "\n".join(path.read_text() for path in DOCS.glob("*.md"))
    assert {"WREN_API_TOKEN", "CNAUGHT_BASE_URL", "SSL_CERT_FILE"} <= read
    assert [name for name in sorted(read) if f"`{name}`" not in told] == []


def test_every_option_of_a_client_and_of_a_call_is_told() -> None:
    told = rows(page("run-in-production"))
    constructors = [inspect.signature(kind.__init__).parameters for kind in (WrenClient, CNaughtClient)]
    options = {name for each in constructors for name in each} - {"self", "options"}
    options |= {*ClientOptions.__annotations__, *CallOptions.__annotations__}
    options |= {each.name for each in attrs.fields(RetryPolicy)}
    assert options - told == set()
    assert all(f"{each.name}=" in page("run-in-production") for each in attrs.fields(Ceilings))


def test_the_defaults_are_those_of_the_code() -> None:
    text = page("run-in-production")
    for each in attrs.fields(RetryPolicy):
        default = "false" if each.default is False else f"{each.default:g}"
        assert f"| `{each.name}` | {default} |" in text
    told = inspect.getdoc(WrenClient.__init__) or ""
    assert "(30 unless set)" in told
    assert "| `timeout` | 30 |" in text
    assert "| `deadline` | 100 |" in text


def test_every_exception_has_a_section() -> None:
    classes = [
        name for name, kind in vars(errors).items() if inspect.isclass(kind) and issubclass(kind, errors.WrenAsyncError)
    ]
    titles = re.findall(r"^### `(\w+)`$", page("errors"), re.MULTILINE)
    assert sorted(titles) == sorted(classes)


def test_every_fixture_is_told() -> None:
    tree = ast.parse(inspect.getsource(testing))
    fixtures = {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and any("fixture" in ast.unparse(each) for each in node.decorator_list)
    }
    assert "wren_client" in fixtures
    text = page("test-your-app")
    assert [name for name in sorted(fixtures) if f"`{name}`" not in text] == []


def test_every_column_of_a_batch_is_told() -> None:
    from wren_async.batch import intents

    kinds = [kind for kind in vars(intents).values() if inspect.isclass(kind) and hasattr(kind, "kind")]
    columns = {each.name for kind in kinds if attrs.has(kind) for each in attrs.fields(kind)}
    types = {kind.kind for kind in kinds if attrs.has(kind)}
    assert {"tons", "amount_kg", "payment_method"} <= columns
    text = page("batches")
    assert [name for name in sorted(columns | types) if f"`{name}`" not in text] == []
