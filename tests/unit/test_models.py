"""Every generated model and enum of both APIs, and every example of both contracts."""

from __future__ import annotations

import enum
import json
import pickle
import re
import typing
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import ModuleType, NoneType
from typing import Any

import attrs
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wren_async._generated.cnaught import operations as cnaught_operations
from wren_async._generated.wren import operations as wren_operations
from wren_async.core import codec, numbers
from wren_async.core.operation import Operation
from wren_async.core.values import JSON, UNSET, OpenStrEnum, Unset
from wren_async.models import cnaught, wren

WHOLE_SECOND = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)Z$")
OPENAPI = Path(__file__).parents[2] / "openapi"
APIS: dict[str, tuple[ModuleType, ModuleType]] = {
    "wren": (wren, wren_operations),
    "cnaught": (cnaught, cnaught_operations),
}


def generated(*, models: bool) -> list[Any]:
    kinds = [getattr(module, name) for module, _ in APIS.values() for name in module.__all__]
    return [
        pytest.param(kind, id=f"{kind.__module__.split('.')[-2]}.{kind.__name__}")
        for kind in kinds
        if attrs.has(kind) is models
    ]


every_model = pytest.mark.parametrize("model", generated(models=True))
every_enum = pytest.mark.parametrize("kind", generated(models=False))

# --- building values from type hints --------------------------------------------------------------------------------

whole_numbers = st.integers(numbers.SMALLEST_INT, numbers.LARGEST_INT)
decimals = st.decimals(-(10**18), 10**18, allow_nan=False, allow_infinity=False).filter(numbers.is_bounded)
json_values: st.SearchStrategy[JSON] = st.recursive(
    st.none() | st.booleans() | whole_numbers | decimals | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=3,
)
PLAIN: dict[object, st.SearchStrategy[Any]] = {
    str: st.text(max_size=12),
    int: whole_numbers,
    bool: st.booleans(),
    Decimal: decimals,
    datetime: st.datetimes(min_value=datetime(1, 1, 2), timezones=st.just(UTC)),
    NoneType: st.none(),
    Unset: st.just(UNSET),
    JSON: json_values,
}


def values(form: Any) -> st.SearchStrategy[Any]:
    """Values of an attribute with this type hint."""
    if form in PLAIN:
        return PLAIN[form]
    origin, arguments = typing.get_origin(form), typing.get_args(form)
    if origin is tuple:
        return st.lists(values(arguments[0]), max_size=2).map(tuple)
    if origin is Mapping:
        return st.dictionaries(st.text(max_size=5), values(arguments[1]), max_size=2)
    if arguments:
        return st.one_of([values(each) for each in arguments])
    if issubclass(form, OpenStrEnum):
        return st.sampled_from(list(form)) | st.text(max_size=8).map(form)
    if issubclass(form, enum.Enum):
        return st.sampled_from(list(form))
    assert attrs.has(form), f"no strategy for {form}"
    return instances(form)


def wire_names(model: type) -> set[str]:
    return {
        name
        for field in attrs.fields(model)
        for name in (field.metadata.get("wire", field.name), *field.metadata.get("aliases", ()))
    }


def instances(model: type) -> st.SearchStrategy[Any]:
    hints = typing.get_type_hints(model)
    known = wire_names(model)
    unknown = st.dictionaries(st.text(max_size=6).filter(lambda name: name not in known), json_values, max_size=1)
    return st.builds(
        model,
        **{
            field.name: unknown if "extra" in field.metadata else values(hints[field.name])
            for field in attrs.fields(model)
        },
    )


# --- models ---------------------------------------------------------------------------------------------------------


@every_model
def test_every_model_builds_its_hooks_in_both_directions(model: type) -> None:
    converter = codec.converter()
    assert callable(converter.get_structure_hook(model))
    assert callable(converter.get_unstructure_hook(model))


@pytest.mark.slow
@every_model
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_every_model_comes_back_from_the_wire_as_it_was(model: type, data: st.DataObject) -> None:
    value = data.draw(instances(model))
    assert codec.decode(codec.encode(value), model) == value
    assert pickle.loads(pickle.dumps(value)) == value
    assert hash(value) == hash(pickle.loads(pickle.dumps(value)))


@every_model
def test_every_model_is_frozen_and_slotted(model: type) -> None:
    bare = object.__new__(model)
    assert not hasattr(bare, "__dict__")
    assert all(field.kw_only for field in attrs.fields(model))
    name = attrs.fields(model)[0].name
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(bare, name, 1)


@every_model
def test_every_model_keeps_what_is_new_if_it_is_answered(model: type) -> None:
    asked = {field.name for field in attrs.fields(model) if field.default is UNSET}
    keeps = any("extra" in field.metadata for field in attrs.fields(model))
    assert not (asked and keeps), "a model is either sent or answered"


@every_enum
def test_every_enum_reads_its_values_and_pickles(kind: type[enum.StrEnum]) -> None:
    for member in kind:
        assert kind(str(member)) is member
        assert pickle.loads(pickle.dumps(member)) is member


@every_enum
def test_open_enums_keep_unknown_values_and_closed_ones_refuse_them(kind: type[enum.StrEnum]) -> None:
    if not issubclass(kind, OpenStrEnum):
        with pytest.raises(ValueError, match="warp_drive"):
            kind("warp_drive")
        return
    unknown = kind("warp_drive")
    assert unknown == "warp_drive"
    assert hash(unknown) == hash("warp_drive")
    assert str(unknown) == f"{unknown}" == "warp_drive"
    assert not unknown.known
    assert unknown not in list(kind)
    assert all(member.known for member in kind)
    copy = pickle.loads(pickle.dumps(unknown))
    assert type(copy) is kind
    assert copy == unknown


# --- examples of the contracts --------------------------------------------------------------------------------------


def contract(api: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((OPENAPI / f"{api}.yaml").read_text())
    return found


def follow(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        target: Any = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node


def contract_operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document["paths"].values():
        yield from (each for method, each in path.items() if method in ("get", "post", "put", "delete", "patch"))


def operations(module: ModuleType) -> dict[str, Operation[Any]]:
    """The generated operations by the contract's operationId."""
    from importlib import import_module
    from pkgutil import iter_modules

    modules = [import_module(f"{module.__name__}.{found.name}") for found in iter_modules(module.__path__)]
    return {each.id: each for part in modules for each in vars(part).values() if isinstance(each, Operation)}


def forms_of(schema: dict[str, Any], models: ModuleType) -> list[type]:
    """The models that a schema of a request body stands for."""
    return [getattr(models, each["$ref"].rpartition("/")[2]) for each in schema.get("oneOf", [schema])]


def response_examples() -> Iterator[Any]:
    for api, (models, module) in APIS.items():
        document, known = contract(api), operations(module)
        shared: set[str] = set()
        for operation in contract_operations(document):
            for status, given_response in operation["responses"].items():
                response = follow(document, given_response)
                if given_response.get("$ref") in shared:
                    continue
                shared.add(given_response.get("$ref", ""))
                shared.discard("")
                success = status.startswith("2")
                error = models.ErrorMessage if api == "wren" else models.Problem
                form = known[operation["operationId"]].answer if success else error
                for medium, content in response.get("content", {}).items():
                    for name, example in content.get("examples", {}).items():
                        if "json" in medium:
                            yield pytest.param(form, example["value"], id=f"{operation['operationId']}-{status}-{name}")


def request_examples() -> Iterator[Any]:
    for api, (models, _) in APIS.items():
        document = contract(api)
        for operation in contract_operations(document):
            for medium, content in operation.get("requestBody", {}).get("content", {}).items():
                for name, example in content.get("examples", {}).items():
                    if "json" in medium:
                        yield pytest.param(
                            forms_of(content["schema"], models),
                            example["value"],
                            id=f"{operation['operationId']}-{name}",
                        )


def plain(value: object) -> bytes:
    """An example of the contract as the bytes that a server would send."""
    return json.dumps(value, default=lambda moment: moment.isoformat()).encode()


def meaning(value: Any) -> Any:
    """A JSON value without its nulls, and with its times written alike."""
    if isinstance(value, dict):
        return {name: meaning(each) for name, each in value.items() if each is not None}
    if isinstance(value, list):
        return [meaning(each) for each in value]
    return WHOLE_SECOND.sub(r"\1.000000Z", value) if isinstance(value, str) else value


def exact(raw: bytes) -> Any:
    return json.loads(raw, parse_float=Decimal)


@pytest.mark.parametrize(("form", "example"), list(response_examples()))
def test_every_example_of_an_answer_is_read_and_written_without_loss(form: type[Any], example: object) -> None:
    raw = plain(example)
    value = codec.decode(raw, form)
    written = codec.encode(value)
    assert codec.decode(written, form) == value
    if b"homes_annual_energy usages" not in raw:
        assert meaning(exact(written)) == meaning(exact(raw))


@pytest.mark.parametrize(("form", "example"), list(response_examples()))
def test_no_example_of_an_answer_has_a_value_that_only_leniency_saves(form: type[Any], example: object) -> None:
    seen: list[object] = [codec.decode(plain(example), form)]
    while seen:
        value = seen.pop()
        if isinstance(value, tuple):
            seen.extend(value)
        elif attrs.has(type(value)):
            extra = getattr(value, "extra_fields", {})
            assert wire_names(type(value)).isdisjoint(extra)
            seen.extend(getattr(value, field.name) for field in attrs.fields(type(value)))


@pytest.mark.parametrize(("forms", "example"), list(request_examples()))
def test_every_example_of_a_request_fits_one_request_model_and_is_written_the_same(
    forms: list[type[Any]], example: dict[str, Any]
) -> None:
    fitting = [form for form in forms if set(example) <= wire_names(form)]
    readable = []
    for form in fitting:
        try:
            readable.append(codec.decode(plain(example), form))
        except codec.Unreadable:
            assert "paymentMethod" not in example, "only the explicit payment method may be missing"
            if "paymentMethod" in wire_names(form):
                readable.append(codec.decode(plain({**example, "paymentMethod": "stripe"}), form))
    assert len(readable) == 1
    assert exact(codec.encode(readable[0])) | {"paymentMethod": 0} == exact(plain(example)) | {"paymentMethod": 0}


def test_both_contracts_have_examples_of_every_operation_that_answers_json() -> None:
    for api, (_, module) in APIS.items():
        document, known = contract(api), operations(module)
        assert {each["operationId"] for each in contract_operations(document)} == set(known)
        for operation in contract_operations(document):
            if known[operation["operationId"]].answer not in (bytes, NoneType):
                assert any(
                    media.get("examples")
                    for status, response in operation["responses"].items()
                    if status.startswith("2")
                    for media in follow(document, response)["content"].values()
                ), operation["operationId"]


# --- bytes and values -----------------------------------------------------------------------------------------------

ODD: list[object] = [None, True, "12", 12, Decimal("20.0"), Decimal("0.5"), [], {}, "", "2024-01-01T00:00:00", [None]]


def with_one_odd_value(value: Any, data: st.DataObject) -> Any:
    """The same JSON with one value, anywhere in it, replaced or left out."""
    if isinstance(value, dict) and value and data.draw(st.integers(0, 5)):
        name = data.draw(st.sampled_from(sorted(value)))
        changed = {each: value[each] for each in value if each != name}
        return {**changed, name: with_one_odd_value(value[name], data)} if data.draw(st.integers(0, 3)) else changed
    if isinstance(value, list | tuple) and value and data.draw(st.integers(0, 5)):
        at = data.draw(st.integers(0, len(value) - 1))
        return [with_one_odd_value(each, data) if index == at else each for index, each in enumerate(value)]
    return data.draw(st.sampled_from(ODD))


def outcome(read: Callable[[], object]) -> object:
    try:
        value = read()
    except codec.Unreadable:
        return "unreadable"
    return repr(value), getattr(value, "extra_fields", None)


@pytest.mark.slow
@every_model
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_bytes_are_read_as_the_value_that_they_stand_for_is_read(model: type, data: st.DataObject) -> None:
    value = data.draw(instances(model))
    raw = codec.encode(with_one_odd_value(codec.parse(codec.encode(value)), data))
    whole = outcome(lambda: codec.structure(codec.parse(raw), model))
    assert outcome(lambda: codec.decode(raw, model)) == whole


@every_model
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_a_model_is_written_as_cattrs_writes_it(model: type, data: st.DataObject) -> None:
    value = data.draw(instances(model))
    by_cattrs = codec.converter().unstructure(value)
    assert codec.parse(codec.encode(value)) == codec.parse(codec.encode(by_cattrs))
