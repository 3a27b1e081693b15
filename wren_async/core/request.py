"""From a call to the request on the wire: pure, and the last place where bad input can be refused."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import AsyncIterable, Callable, Mapping
from datetime import datetime
from typing import Any, Final, Generic, TypeVar, cast
from urllib.parse import quote, urlencode

import attrs
import msgspec

from wren_async.core import codec
from wren_async.core.arguments import identifier, integer, moment
from wren_async.core.identity import Identity, check_headers, header_value
from wren_async.core.operation import Call, Effect, Operation, ReferenceField
from wren_async.core.reference import attach, check_reference
from wren_async.core.values import JSON, UNSET
from wren_async.errors import InvalidArgument
from wren_async.http.exchange import WireRequest

_RAW: Final = (bytes, bytearray, memoryview)
_JSON_OR_PROBLEM: Final = "application/json, application/problem+json"
"""What is read. CNaught's errors are problem details, which a server that negotiates sends only if they are named."""

T = TypeVar("T")


# A Struct, because one is made for every call, and this is made in a third of the time.
class Prepared(msgspec.Struct, Generic[T], kw_only=True):
    """A call that is ready to go: every attempt sends exactly this."""

    asked: Call[T]
    """The call as it was given."""
    request: WireRequest
    effect: Effect
    """What the bytes to be sent will do."""
    key: str | None
    """The idempotency key, if one is sent."""
    reference: str | None
    """The reference, if one is sent."""
    subaccount_id: str | None

    @property
    def call(self) -> Call[T]:
        """The call with its key, its reference and whom it acts for: any copy of the client can send it again."""
        asked = self.asked
        return attrs.evolve(
            asked,
            subaccount_id=self.subaccount_id,
            idempotency_key=asked.idempotency_key if self.key is None else self.key,
            reference=asked.reference if self.reference is None else self.reference,
        )

    @property
    def name(self) -> str | None:
        """What the call is known by: its reference, else its key."""
        return self.reference or self.key

    @property
    def can_repeat(self) -> bool:
        """Whether the body can be sent a second time. A stream cannot."""
        return self.request.content is None or isinstance(self.request.content, bytes)


def prepare(call: Call[T], identity: Identity, *, draw_key: Callable[[], str]) -> Prepared[T]:
    """Give `call` its key and reference and turn it into a request. Raises `InvalidArgument`."""
    operation = call.operation
    if call.idempotency_key is not UNSET or call.subaccount_id is not UNSET:
        _refuse_what_has_no_header(call)
    content, effect = _content(call)
    key, reference = _key(call, effect, draw_key), None
    if _wants_reference(call, effect):
        reference = (
            draw_key().replace("-", "") if call.reference is UNSET else check_reference(cast(str, call.reference))
        )
        content = _with_reference(operation, content, reference)
    subaccount_id = _subaccount(call, identity)
    return Prepared(
        asked=call,
        request=WireRequest(
            method=operation.method,
            url=_url(call, identity.base_url),
            headers=_headers(call, identity, content, key, subaccount_id),
            content=content,
            authorization=None if operation.credentials == "none" else identity.credentials.bearer,
        ),
        effect=effect,
        key=key,
        reference=reference,
        subaccount_id=subaccount_id,
    )


def fingerprint(prepared: Prepared[Any], identity: Identity) -> bytes:
    """What an idempotency key stands for: method, address, subaccount, credentials and body."""
    request = prepared.request
    digest = hashlib.sha256()
    for part in (request.method, request.url, prepared.subaccount_id or "", identity.credentials.token.reveal()):
        digest.update(hashlib.sha256(part.encode()).digest())
    digest.update(request.content if isinstance(request.content, bytes) else b"")
    return digest.digest()


def _key(call: Call[Any], effect: Effect, draw_key: Callable[[], str]) -> str | None:
    if call.idempotency_key is not UNSET:
        return header_value("idempotency_key", call.idempotency_key)
    return draw_key() if effect is Effect.KEYED else None


# --- body -----------------------------------------------------------------------------------------------------------


def _refuse_what_has_no_header(call: Call[Any]) -> None:
    operation = call.operation
    if operation.idempotency_header is None and call.idempotency_key is not UNSET:
        raise InvalidArgument("idempotency_key", f"{operation.id} takes none, so a repeat would act again")
    if operation.subaccount_header is None and call.subaccount_id not in (UNSET, None):
        raise InvalidArgument("subaccount_id", f"{operation.id} takes none")


def _content(call: Call[Any]) -> tuple[bytes | AsyncIterable[bytes] | None, Effect]:
    body, operation = call.body, call.operation
    if body is UNSET:
        return None, _plain_effect(operation)
    if isinstance(body, _RAW):
        content = bytes(body)
    elif attrs.has(type(body)) or not isinstance(body, AsyncIterable):
        content = _encode(body)
    else:
        return body, _plain_effect(operation)
    return content, _effect(operation, content)


def _encode(body: object) -> bytes:
    try:
        return codec.encode(body)
    except codec.Unwritable as error:
        raise InvalidArgument("body", str(error)) from None


def _effect(operation: Operation[Any], content: bytes) -> Effect:
    """Judged by the bytes that are sent, because only they decide whether money moves."""
    when, effect = operation.compute_when, _plain_effect(operation)
    if when is None or (when.attribute.encode() not in content and b"\\" not in content):
        return effect
    try:
        body = codec.parse(content)
    except codec.Unreadable:
        return effect
    seen = body.get(when.attribute) if isinstance(body, Mapping) else None
    plain = type(seen) is type(when.value) and seen == when.value and _stands_once(when.attribute, content)
    return Effect.COMPUTE if plain else effect


def _stands_once(name: str, content: bytes) -> bool:
    """Of a name that stands twice, one parser takes the first value and another the last."""
    pairs = json.loads(content, object_pairs_hook=list)
    return [each for each, _ in pairs].count(name) == 1


def _plain_effect(operation: Operation[Any]) -> Effect:
    """A keyed operation whose key has no header to travel in is one that must not be repeated."""
    if operation.effect is Effect.KEYED and operation.idempotency_header is None:
        return Effect.ONCE
    return operation.effect


def _wants_reference(call: Call[Any], effect: Effect) -> bool:
    if call.reference is None:
        return False
    if call.operation.reference is None:
        if call.reference is not UNSET:
            raise InvalidArgument("reference", f"{call.operation.id} has no field that could carry one")
        return False
    return effect.writes and (effect is Effect.ONCE or call.reference is not UNSET)


def _with_reference(operation: Operation[Any], content: object, reference: str) -> bytes:
    field = cast(ReferenceField, operation.reference)
    body = _json_object(content)
    text = body.get(field.attribute) if body is not None else None
    if body is None or not (text is None or isinstance(text, str)):
        raise InvalidArgument(
            "reference", f"the body has no text {field.attribute!r} that could carry one; pass reference=None"
        )
    body[field.attribute] = attach(text, reference, attribute=field.attribute, max_length=field.max_length)
    return _encode(body)


def _json_object(content: object) -> dict[str, JSON] | None:
    try:
        body = codec.parse(content) if isinstance(content, bytes) else None
    except codec.Unreadable:
        return None
    return body if isinstance(body, dict) else None


# --- address and headers --------------------------------------------------------------------------------------------


def _url(call: Call[Any], base_url: str) -> str:
    path = call.operation.path
    if "{" in path:
        path = _filled(path, call.path)
    if not call.query:
        return base_url + path
    query = {name: _query_text(name, value) for name, value in call.query.items() if value not in (UNSET, None)}
    return f"{base_url}{path}?{urlencode(query, quote_via=quote)}" if query else base_url + path


def _filled(path: str, values: Mapping[str, str]) -> str:
    template = path
    for name, value in values.items():
        path = path.replace(f"{{{name}}}", quote(identifier(name, value), safe=""))
    if missing := re.search(r"{([^{}]*)}", path):
        raise InvalidArgument(missing[1], f"{template} needs it")
    return path


def _query_text(name: str, value: object) -> str:
    if isinstance(value, datetime):
        return codec.instant(moment(name, value))
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(integer(name, value))
    if isinstance(value, str):
        return value
    raise InvalidArgument(name, f"takes text, a number or a time in a query, not {type(value).__name__}")


def _headers(
    call: Call[Any], identity: Identity, content: object, key: str | None, subaccount_id: str | None
) -> tuple[tuple[str, str], ...]:
    operation = call.operation
    headers = [
        ("Accept", "*/*" if operation.answer is bytes else _JSON_OR_PROBLEM),
        ("User-Agent", identity.user_agent),
    ]
    if content is not None:
        headers.append(("Content-Type", call.content_type or operation.content_type or "application/json"))
    if identity.headers or call.headers:
        taken = [name.lower() for name in (operation.idempotency_header, operation.subaccount_header) if name]
        headers = _merged(headers, check_headers(identity.headers, taken), check_headers(call.headers, taken))
    if key is not None:
        headers.append((cast(str, operation.idempotency_header), key))
    if subaccount_id is not None:
        headers.append((cast(str, operation.subaccount_header), header_value("subaccount_id", subaccount_id)))
    return tuple(headers)


def _merged(ours: list[tuple[str, str]], *layers: Mapping[str, str]) -> list[tuple[str, str]]:
    """Headers of which the later take the place of the earlier, whatever their casing."""
    found = {name.lower(): (name, value) for name, value in ours}
    for layer in layers:
        found |= {name.lower(): (name, value) for name, value in layer.items()}
    return list(found.values())


def _subaccount(call: Call[Any], identity: Identity) -> str | None:
    if call.operation.subaccount_header is None:
        return None
    return identity.subaccount_id if call.subaccount_id is UNSET else call.subaccount_id
