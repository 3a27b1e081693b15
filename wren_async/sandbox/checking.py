"""Holding requests, and in tests answers too, to the contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import attrs

from wren_async.sandbox.codec import FORM_TYPE, UnreadableError, decode, decode_form
from wren_async.sandbox.contract import Operation, Parameter, find_media_type
from wren_async.sandbox.exchange import CONTENT_TYPE, JSON, SandboxAnswer
from wren_async.sandbox.schema import Schema, is_reasonable

Errors: TypeAlias = dict[str, list[str]]
"""What is wrong with a request: messages by the name of the field."""

_BODY = "body"


@attrs.frozen
class BodyRules:
    """Rules for requests that an API's behaviours set, beyond the contract."""

    unchecked: frozenset[str] = frozenset()
    """Attributes whose range the API judges itself."""
    closed: bool = False
    """Whether attributes that the contract does not know are wrong."""
    strict_forms: bool = False
    """Whether forms hold nothing but texts, so that a number or a truth value is wrong."""


DOCUMENTED = BodyRules()
"""The contract, as it stands."""


class ContractViolation(AssertionError):
    """The sandbox itself answered something that the contract does not allow."""


def check_query(
    operation: Operation, query: Mapping[str, str], unchecked: frozenset[str]
) -> tuple[dict[str, str], Errors]:
    """The query with its values in their plainest form, and what is wrong with it."""
    plainest = dict(query)
    errors: Errors = {}
    for parameter in operation.query:
        text = query.get(parameter.name)
        if text is None:
            if parameter.required:
                errors[parameter.name] = ["is required"]
        elif not parameter.presence_only:
            plainest[parameter.name] = _check_value(parameter, text, errors, in_range=parameter.name not in unchecked)
    return plainest, errors


def check_headers(operation: Operation, headers: Mapping[str, str]) -> Errors:
    """What is wrong with the headers that the contract knows."""
    errors: Errors = {}
    for parameter in operation.headers:
        text = headers.get(parameter.name.lower())
        if text is not None:
            _check_value(parameter, text, errors, in_range=True)
        elif parameter.required:
            errors[parameter.name] = ["is required"]
    return errors


def check_body(
    operation: Operation, content_type: str, raw: bytes, rules: BodyRules = DOCUMENTED
) -> tuple[JSON, Errors]:
    """The body, decoded, and what is wrong with it."""
    if not operation.bodies:
        return None, {}
    if not raw:
        return None, {_BODY: ["is required"]} if operation.body_required else {}
    media_type = content_type.partition(";")[0].strip().lower()
    schema = find_media_type(operation.bodies, media_type)
    if schema is None:
        return None, {CONTENT_TYPE: ["must be " + " or ".join(operation.bodies)]}
    if schema.binary:
        return None, {}
    return _check_document(schema, media_type, raw, rules)


def check_answer(operation: Operation, answer: SandboxAnswer) -> None:
    """Raise `ContractViolation` when an answer, or a refusal, is not one that the contract documents."""
    documented = operation.answers.get(answer.status)
    if documented is None:
        raise ContractViolation(f"{operation.id} has no documented answer {answer.status}")
    if not documented.schemas:
        if answer.body is not None and answer.status < 300:
            raise ContractViolation(f"{operation.id} answers {answer.status} without a body")
        return
    schema = documented.schema(answer.media_type.partition(";")[0].strip())
    if schema is None:
        raise ContractViolation(f"{operation.id} does not answer {answer.status} with {answer.media_type}")
    if schema.binary or isinstance(answer.body, bytes):
        return
    errors = schema.check_answer(answer.body)
    if errors:
        raise ContractViolation(f"{operation.id} answered {answer.status} against its schema: {errors}")


def _check_value(parameter: Parameter, text: str, errors: Errors, *, in_range: bool) -> str:
    schema = parameter.schema
    value = schema.parse(text)
    wrong = schema.check(value) if in_range else schema.check_type(value)
    if not is_reasonable(value):
        wrong = {_BODY: ["is out of range"]}
    if wrong:
        errors[parameter.name] = [message for messages in wrong.values() for message in messages]
        return text
    plainest = schema.with_integers(value)
    return str(plainest) if isinstance(plainest, int) and not isinstance(plainest, bool) else text


def _check_document(schema: Schema, media_type: str, raw: bytes, rules: BodyRules) -> tuple[JSON, Errors]:
    try:
        body = _read_form(schema, raw, rules) if media_type == FORM_TYPE else decode(raw)
    except UnreadableError as unreadable:
        return None, {_BODY: [str(unreadable)]}
    known = {name: body[name] for name in schema.attributes if name in body} if isinstance(body, dict) else body
    if not is_reasonable(known):
        return body, {_BODY: ["has a number that is out of range"]}
    errors = schema.check(body, rules.unchecked)
    if rules.closed and isinstance(body, dict):
        errors |= {name: ["is not known"] for name in body if name not in schema.attributes}
    return (body if errors else schema.with_integers(body)), errors


def _read_form(schema: Schema, raw: bytes, rules: BodyRules) -> JSON:
    fields = decode_form(raw)
    return {**fields} if rules.strict_forms else schema.parse_form(fields)
