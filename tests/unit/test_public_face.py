"""What a user sees: names, documentation, and the promise that importing costs little."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
import types
import typing
from collections.abc import Iterator
from typing import Any, get_type_hints

import attrs
import pytest

import wren_async
from wren_async import errors
from wren_async.core.client import BaseClient, ClientOptions
from wren_async.core.resource import Resource, bound
from wren_async.models import cnaught as cnaught_models
from wren_async.models import wren as wren_models


def in_a_fresh_process(code: str) -> Any:
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


# --- names ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", wren_async.__all__)
def test_every_public_name_is_real_and_listed(name: str) -> None:
    assert getattr(wren_async, name) is not None
    assert name in dir(wren_async)


def test_every_public_name_is_there_without_the_extras() -> None:
    code = """
import json, sys
for extra in ("aiohttp", "yarl", "httpx2", "cyclopts", "rich", "jsonschema"):
    sys.modules[extra] = None  # as if it were not installed
from wren_async import *
try:
    AiohttpBackend()
except InvalidConfiguration as error:
    print(json.dumps(str(error)))
"""
    assert "pip install 'wren-async[aiohttp]'" in in_a_fresh_process(code)


def test_all_has_no_name_twice_and_star_imports_exactly_it() -> None:
    assert len(set(wren_async.__all__)) == len(wren_async.__all__)
    names = in_a_fresh_process(
        "import json\nscope = {}\nexec('from wren_async import *', scope)\nscope.pop('__builtins__')\n"
        "print(json.dumps(sorted(scope)))"
    )
    assert names == sorted(wren_async.__all__)


def test_an_unknown_name_is_an_attribute_error_that_names_it() -> None:
    with pytest.raises(AttributeError, match="module 'wren_async' has no attribute 'Banana'"):
        wren_async.Banana  # type: ignore[attr-defined]  # noqa: B018


def test_every_exception_is_public() -> None:
    assert {kind.__name__ for kind in exceptions()} <= set(wren_async.__all__)


def test_importing_the_package_loads_none_of_the_heavy_libraries() -> None:
    loaded = in_a_fresh_process("import json, sys, wren_async\nprint(json.dumps(sorted(sys.modules)))")
    heavy = {
        "httpx",
        "httpcore",
        "cattrs",
        "tenacity",
        "attrs",
        "attr",
        "msgspec",
        "asyncio",
        "ssl",
        "yaml",
        "starlette",
    }
    assert heavy.isdisjoint(loaded)


def test_making_a_client_loads_neither_tenacity_nor_the_sandbox() -> None:
    loaded = in_a_fresh_process(
        "import json, sys, wren_async\nwren_async.WrenClient('t'); wren_async.CNaughtClient('k')\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    assert not [name for name in loaded if name.startswith(("tenacity", "wren_async.sandbox", "starlette", "yaml"))]


def test_names_load_when_they_are_first_used_and_stay() -> None:
    assert in_a_fresh_process(
        "import json, wren_async\nfirst = 'Order' in vars(wren_async), 'CNaughtClient' in vars(wren_async)\n"
        "same = wren_async.CNaughtClient is wren_async.CNaughtClient\n"
        "print(json.dumps([first, same, 'CNaughtClient' in vars(wren_async)]))"
    ) == [[False, False], True, True]


# --- exceptions -----------------------------------------------------------------------------------------------------


def exceptions() -> list[type[BaseException]]:
    return [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, BaseException)]


def drawn() -> dict[str, str | None]:
    """Each exception of the drawing at the top of errors.py with the one that it hangs under."""
    parents: dict[str, str | None] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"^ {4}((?:│   |    )*)(?:├── |└── )?([A-Z]\w+)(?: {2,}.*)?$", line)
        if not found:
            continue
        depth = len(found[1]) // 4 + ("──" in line)
        path[depth:] = [found[2]]
        parents[found[2]] = path[depth - 1] if depth else None
    return parents


def test_the_tree_drawn_at_the_top_of_errors_is_the_real_one() -> None:
    real = {
        kind.__name__: next((base.__name__ for base in kind.__bases__ if base.__module__ == errors.__name__), None)
        for kind in exceptions()
    }
    assert drawn() == real


def test_every_problem_type_of_the_contract_has_a_class() -> None:
    known = {str(kind).rpartition("/")[2] for kind in cnaught_models.ProblemType}
    assert set(errors.BY_PROBLEM) == known


@pytest.mark.parametrize(
    ("status", "problem", "kind"),
    [
        (400, "invalid-parameters", errors.InvalidParameters),
        (400, "invalid-pagination", errors.InvalidPagination),
        (400, "invalid-subaccount", errors.InvalidSubaccount),
        (400, "idempotency-key-too-long", errors.IdempotencyKeyTooLong),
        (403, "forbidden", errors.Forbidden),
        (404, "not-found", errors.NotFound),
        (409, "idempotency-concurrent-requests", errors.IdempotencyConcurrentRequests),
        (422, "idempotency-changed-payload", errors.IdempotencyChangedPayload),
        (400, "something-new", errors.BadRequest),
        (418, "something-new", errors.APIError),
        (401, None, errors.Unauthorized),
        (402, None, errors.PaymentRequired),
        (429, None, errors.RateLimited),
        (302, None, errors.Redirected),
        (503, None, errors.ServerError),
    ],
)
def test_an_error_answer_is_told_by_its_problem_type_first_and_its_status_else(
    status: int, problem: str | None, kind: type[errors.APIError]
) -> None:
    uri = f"https://api.cnaught.com/v1/errors/{problem}" if problem else None
    assert errors.api_error_class(status, uri) is kind


# --- documentation --------------------------------------------------------------------------------------------------

CLIENTS = (wren_async.WrenClient, wren_async.CNaughtClient)


def resources(client: type[BaseClient]) -> Iterator[type[Resource]]:
    """The resource classes that a client offers, those inside resources included."""
    waiting = [client]
    while waiting:
        for value in vars(waiting.pop()).values():
            kind = get_type_hints(value.fget).get("return") if isinstance(value, property) else None
            if isinstance(kind, type) and issubclass(kind, Resource):
                yield kind
                waiting.append(kind)  # type: ignore[arg-type]


def methods() -> list[Any]:
    return [
        pytest.param(kind, name, id=f"{client.__name__}.{kind.__name__}.{name}")
        for client in CLIENTS
        for kind in (client, *resources(client))
        for name in dir(kind)
        if not name.startswith("_")
    ]


@pytest.mark.parametrize(
    "name", [name for name in wren_async.__all__ if name not in ("UNSET", "Verdict", "__version__")]
)
def test_every_exported_class_and_function_has_a_docstring(name: str) -> None:
    thing = getattr(wren_async, name)
    documented = vars(thing).get("__doc__") if isinstance(thing, type) else thing.__doc__
    assert documented
    assert "Method generated by attrs" not in documented


@pytest.mark.parametrize(("kind", "name"), methods())
def test_every_public_method_has_a_docstring_of_its_own(kind: type, name: str) -> None:
    assert inspect.getdoc(inspect.getattr_static(kind, name)) or inspect.getdoc(getattr(kind, name))


@pytest.mark.parametrize("name", wren_async.__all__)
def test_every_public_method_of_every_exported_class_has_a_docstring(name: str) -> None:
    thing = getattr(wren_async, name)
    if not isinstance(thing, type) or typing.is_typeddict(thing):
        return
    own = [each for each in vars(thing).values() if isinstance(each, types.FunctionType | property)]
    for each in own:
        function = each.fget if isinstance(each, property) else each
        assert function is not None
        if not function.__name__.startswith("_"):
            assert function.__doc__, f"{name}.{function.__name__}"


@pytest.mark.parametrize("module", [wren_models, cnaught_models])
def test_every_model_enum_and_module_is_documented(module: types.ModuleType) -> None:
    assert module.__doc__
    for name in module.__all__:
        assert vars(getattr(module, name)).get("__doc__"), name


def test_every_attribute_of_the_options_and_of_the_policy_is_explained() -> None:
    for kind in (wren_async.RetryPolicy, wren_async.CallOptions):
        source = inspect.getsource(kind)
        for name in get_type_hints(kind):
            assert re.search(rf"{name}: [^\n]+\n\s+(\"\"\"|\w+:)", source), name


# --- options --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_takes_the_same_options_as_its_copies(client: type[BaseClient]) -> None:
    signature = inspect.signature(client.__init__)
    own = set(signature.parameters) - {"self", "options"}
    assert {"base_url", "http_client", "insecure_hosts", "max_in_flight", "timing"} <= own
    assert own.isdisjoint(ClientOptions.__annotations__)
    copies = inspect.signature(client.with_options).parameters
    assert [each.kind for each in copies.values() if each.name != "self"] == [inspect.Parameter.VAR_KEYWORD]
    for function in (client.__init__, client.with_options):
        assert get_type_hints(function, include_extras=True)["options"] == typing.Unpack[ClientOptions]  # type: ignore[misc]


OPTIONS: dict[str, Any] = {
    "timeout": 3.0,
    "deadline": 9.0,
    "retries": 1,
    "headers": {"X-Trace": "t"},
    "max_answer_bytes": 1000,
}


@pytest.mark.parametrize("client", CLIENTS)
def test_options_of_a_client_and_of_its_copy_mean_the_same(client: Any) -> None:
    assert set(OPTIONS) == set(ClientOptions.__annotations__)
    made, copied = client("fake", **OPTIONS), client("fake").with_options(**OPTIONS)
    assert (made._limits, made._identity) == (copied._limits, copied._identity)


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(
    "wrong",
    [
        {"timeout": 0},
        {"timeout": -1},
        {"timeout": "3"},
        {"timeout": float("nan")},
        {"deadline": float("inf")},
        {"deadline": True},
        {"retries": -1},
        {"retries": "3"},
        {"retries": None},
        {"headers": {"X-Trace": "a\r\nb"}},
        {"headers": {"Accept-Encoding": "br"}},
        {"max_answer_bytes": 0},
        {"max_answer_bytes": 1.5},
        {"max_answer_bytes": None},
        {"headers": {"Authorization": "Bearer x"}},
        {"headers": "X-Trace: 1"},
    ],
    ids=str,
)
def test_an_option_that_cannot_be_right_is_refused_when_it_is_given(client: Any, wrong: dict[str, Any]) -> None:
    with pytest.raises(wren_async.UsageError):
        client("fake", **wrong)
    with pytest.raises(wren_async.UsageError):
        client("fake").with_options(**wrong)


@pytest.mark.parametrize("client", CLIENTS)
def test_a_misspelt_option_is_an_error_and_not_ignored(client: Any) -> None:
    with pytest.raises(TypeError, match="timeot"):
        client("fake", timeot=3)
    with pytest.raises(TypeError, match="timeot"):
        client("fake").with_options(timeot=3)


def test_every_bound_operation_shows_its_builders_signature_and_docstring() -> None:
    for client in CLIENTS:
        for kind in resources(client):
            for name, value in vars(kind).items():
                if isinstance(value, bound):
                    method = getattr(kind(client("fake")), name)
                    assert inspect.signature(method) == inspect.signature(value.build)
                    assert inspect.getdoc(method) == inspect.getdoc(value.build)
                    assert "Source:" in method.__doc__
                    assert method.__qualname__ == f"{kind.__name__}.{name}"


def test_no_public_value_class_can_be_changed() -> None:
    for name in ("Call", "Operation", "Reply", "Document", "Page", "OffsetPage", "RetryPolicy", "Timing"):
        kind = getattr(wren_async, name)
        assert attrs.has(kind)
        assert kind.__setattr__ is not object.__setattr__, name
