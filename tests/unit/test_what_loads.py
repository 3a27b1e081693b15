"""Importing costs little because little loads. These tests look at what does, and need no clock."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import get_type_hints

import attrs
import pytest

from wren_async._generated.cnaught import models as cnaught_generated
from wren_async.models import cnaught, wren

CLIENTS = "import wren_async\nwren_async.CNaughtClient('k'), wren_async.WrenClient('t')\n"
REPORT = "import json, sys\nprint(json.dumps(sorted(sys.modules)))\n"


def loaded(code: str) -> list[str]:
    """Modules that a process of its own has loaded after running `code`."""
    done = subprocess.run([sys.executable, "-c", code + REPORT], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "late",
    [
        "asyncio",
        "cattrs",
        "msgspec",
        "tenacity",
        "wren_async.core.display",
        "wren_async.core.document",
        "wren_async.core.paging",
        "wren_async.reconcile.cnaught",
        "wren_async.reconcile.ledger",
        "wren_async.reconcile.listing",
        "wren_async.reconcile.order_rows",
        "wren_async.reconcile.find_or_place",
        "wren_async.reconcile.rules",
        "wren_async.reconcile.verdict",
        "wren_async.reconcile.wren",
        "wren_async.sync",
        "aiohttp",
    ],
)
def test_making_both_clients_does_not_load(late: str, after_both: list[str]) -> None:
    assert [name for name in after_both if name == late or name.startswith(f"{late}.")] == []


@pytest.fixture(scope="module")
def after_both() -> list[str]:
    return loaded(CLIENTS)


def test_making_both_clients_loads_no_model(after_both: list[str]) -> None:
    assert [name for name in after_both if ".models." in name] == []


def test_a_call_loads_the_models_that_it_sends() -> None:
    code = "from wren_async.cnaught import Quotes\nQuotes.create(amount_kg=1)\n"
    models = [name.rpartition(".")[2] for name in loaded(code) if ".cnaught.models." in name]
    assert models == ["mass_quote_request", "quote_source"]


def test_a_model_loads_alone() -> None:
    code = "from wren_async.models.cnaught import Subaccount\n"
    models = [name.rpartition(".")[2] for name in loaded(code) if ".models." in name and "_generated" in name]
    assert models == ["subaccount"]


@pytest.mark.parametrize("package", [wren, cnaught, cnaught_generated])
def test_a_package_of_models_lists_what_it_offers(package: object) -> None:
    names = package.__all__  # type: ignore[attr-defined]
    assert sorted(names) == names
    assert set(names) <= set(dir(package))
    assert all(getattr(package, name).__name__ == name for name in names)


def test_a_name_that_no_model_has_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"module 'wren_async\.models\.cnaught' has no attribute 'Banana'"):
        cnaught.Banana  # type: ignore[attr-defined]  # noqa: B018


def test_both_ways_to_a_model_lead_to_the_same_class() -> None:
    assert cnaught.Order is cnaught_generated.Order


@pytest.mark.slow
@pytest.mark.parametrize("package", [wren, cnaught])
def test_each_model_can_be_the_first_to_load(package: object) -> None:
    """Alone in a process: whatever its annotations name is there."""
    name = package.__name__  # type: ignore[attr-defined]
    code = (
        "import attrs, importlib, sys, typing\n"
        f"names = importlib.import_module({name!r}).__all__\n"
        "for each in names:\n"
        "    for module in [each for each in sys.modules if each.startswith('wren_async')]: del sys.modules[module]\n"
        f"    found = getattr(importlib.import_module({name!r}), each)\n"
        "    assert not attrs.has(found) or typing.get_type_hints(found), each\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_annotations_of_models_are_resolved_where_they_stand() -> None:
    hints = get_type_hints(cnaught.Order)
    assert hints["state"] == cnaught.OrderState | None
    assert set(hints) == {each.name for each in attrs.fields(cnaught.Order)}


@pytest.mark.parametrize(
    ("package", "name", "missing", "extra"),
    [
        ("batch", "PostgresJournal", "psycopg", "postgres"),
        ("batch", "WorkerService", "psycopg", "postgres"),
        ("jobs", "add_jobs", "procrastinate", "postgres"),
        ("telemetry", "OpenTelemetry", "opentelemetry", "otel"),
        ("sandbox", "Sandbox", "starlette", "sandbox"),
        ("sandbox", "Sandbox", "jsonschema", "sandbox"),
    ],
)
def test_what_needs_an_extra_names_it(package: str, name: str, missing: str, extra: str) -> None:
    code = f"import sys\nsys.modules['{missing}'] = None\nfrom wren_async.{package} import {name}\n"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    last = done.stderr.splitlines()[-1]
    assert last == f"ModuleNotFoundError: {name} needs an extra: pip install 'wren-async[{extra}]'"


_EXTRAS_OF_OTHERS = ["psycopg", "procrastinate", "opentelemetry", "aiohttp", "pyarrow", "jinja2", "python_calamine"]
_NOT_THERE = f"import sys\nsys.modules.update(dict.fromkeys({_EXTRAS_OF_OTHERS}))\n"
_FORBIDDEN = f"""
import sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {_EXTRAS_OF_OTHERS}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Finder())
"""


@pytest.mark.parametrize("absent", [_NOT_THERE, _FORBIDDEN], ids=["not there", "forbidden"])
def test_everything_of_a_package_is_imported_without_the_extras_that_its_user_does_not_need(absent: str) -> None:
    packages = ("wren_async", *(f"wren_async.{name}" for name in ("batch", "outbox", "sync", "tables", "telemetry")))
    code = "".join(f"from {package} import *\n" for package in packages)
    names = "Batch, Caps, MemoryJournal, Outbox, PrometheusMetrics, SqliteJournal, submit_within\n"
    done = subprocess.run([sys.executable, "-c", absent + code + names], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_everything_of_a_package_has_what_the_installed_extras_bring() -> None:
    code = "from wren_async.batch import *\nfrom wren_async.telemetry import *\n"
    names = "PostgresJournal, WorkerService, OpenTelemetry\n"
    done = subprocess.run([sys.executable, "-c", code + names], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
