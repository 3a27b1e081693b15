"""From a call to the request on the wire: pure, and the last place where bad input can be refused."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import AsyncIterable, Callable, Collection, Mapping
from datetime import datetime
from typing import Any, Final, Generic, TypeVar, cast
from urllib.parse import quote, urlencode

import attrs

from wren_async.core import codec
from wren_async.core.arguments import identifier, moment
from wren_async.core.auth import Credentials
from wren_async.core.operation import Call, Effect, Operation, ReferenceField
from wren_async.core.reference import attach, check_reference
from wren_async.core.values import JSON, UNSET, given
from wren_async.errors import InvalidArgument
from wren_async.http.backend import WireRequest

T = TypeVar("T")

_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE: Final = re.compile(r"[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?")
_NOT_THE_CALLERS: Final = frozenset(
    {"authorization", "proxy-authorization", "cookie", "host", "content-length", "transfer-encoding", "connection"}
)


@attrs.frozen(kw_only=True)
class Identity:
    """Who calls, and where to."""

    base_url: str
    credentials: Credentials
    user_agent: str
    subaccount_id: str | None = None
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str], repr=False)


@attrs.frozen(kw_only=True)
class Prepared(Generic[T]):
    """A call that is ready to go: every attempt sends exactly this."""

    call: Call[T]
    """The call with its idempotency key and reference."""
    request: WireRequest
    effect: Effect
    """What the bytes to be sent will do."""
    name: str
    """What the call is known by: its reference, else its key, else a random name."""

    @property
    def key(self) -> str | None:
        """The idempotency key, if the operation takes one."""
        return given(self.call.idempotency_key)

    @property
    def can_repeat(self) -> bool:
        """Whether the body can be sent a second time. A stream cannot."""
        return not isinstance(self.request.content, AsyncIterable)


def prepare(call: Call[T], identity: Identity, *, draw_key: Callable[[], str]) -> Prepared[T]:
    """Give `call` its key and reference and turn it into a request. Raises `InvalidArgument`."""
    operation = call.operation
    _refuse_what_has_no_header(call)
    content, effect = _content(call)
    wants_key = effect is Effect.KEYED and call.idempotency_key is UNSET
    wants_reference = _wants_reference(call, effect)
    call = attrs.evolve(
        call,
        # From here on the call says whom it acts for: another copy of the client can send it again.
        subaccount_id=_subaccount(call, identity),
        idempotency_key=draw_key() if wants_key else call.idempotency_key,
        reference=draw_key().replace("-", "") if wants_reference and call.reference is UNSET else call.reference,
    )
    if wants_reference:
        content = _with_reference(call, content)
    return Prepared(
        call=call,
        request=WireRequest(
            method=operation.method,
            url=_url(call, identity.base_url),
            headers=tuple(_headers(call, identity, content).items()),
            content=content,
            authorization=None if operation.credentials == "none" else identity.credentials.bearer,
        ),
        effect=effect,
        name=given(call.reference) or given(call.idempotency_key) or draw_key(),
    )


def fingerprint(prepared: Prepared[Any], identity: Identity) -> bytes:
    """What an idempotency key stands for: method, address, subaccount, credentials and body."""
    request = prepared.request
    digest = hashlib.sha256()
    subaccount = _subaccount(prepared.call, identity)
    for part in (request.method, request.url, subaccount or "", identity.credentials.token.reveal()):
        digest.update(hashlib.sha256(part.encode()).digest())
    digest.update(request.content if isinstance(request.content, bytes) else b"")
    return digest.digest()


# --- body -----------------------------------------------------------------------------------------------------------


def _refuse_what_has_no_header(call: Call[Any]) -> None:
    operation = call.operation
    if call.idempotency_key is not UNSET and operation.idempotency_header is None:
        raise InvalidArgument("idempotency_key", f"{operation.id} takes none, so a repeat would act again")
    if call.subaccount_id not in (UNSET, None) and operation.subaccount_header is None:
        raise InvalidArgument("subaccount_id", f"{operation.id} takes none")


def _content(call: Call[Any]) -> tuple[bytes | AsyncIterable[bytes] | None, Effect]:
    body, operation = call.body, call.operation
    if body is UNSET:
        return None, _plain_effect(operation)
    if isinstance(body, AsyncIterable):
        return body, _plain_effect(operation)
    content = bytes(body) if isinstance(body, bytes | bytearray | memoryview) else _encode(body)
    return content, _effect(operation, content)


def _encode(body: object) -> bytes:
    try:
        return codec.encode(body)
    except codec.Unwritable as error:
        raise InvalidArgument("body", str(error)) from None


def _effect(operation: Operation[Any], content: bytes) -> Effect:
    """Judged by the bytes that are sent, because only they decide whether money moves."""
    when, effect = operation.compute_when, _plain_effect(operation)
    if when is None:
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


def _with_reference(call: Call[Any], content: object) -> bytes:
    reference = check_reference(cast(str, call.reference))
    field = cast(ReferenceField, call.operation.reference)
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
    for name, value in call.path.items():
        path = path.replace(f"{{{name}}}", quote(identifier(name, value), safe=""))
    if missing := re.search(r"{([^{}]*)}", path):
        raise InvalidArgument(missing[1], f"{call.operation.path} needs it")
    query = {name: _query_text(name, value) for name, value in call.query.items() if value not in (UNSET, None)}
    return f"{base_url}{path}?{urlencode(query, quote_via=quote)}" if query else base_url + path


def _query_text(name: str, value: object) -> str:
    if isinstance(value, datetime):
        return codec.instant(moment(name, value))
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | str):
        return str(value)
    raise InvalidArgument(name, f"takes text, a number or a time in a query, not {type(value).__name__}")


def _headers(call: Call[Any], identity: Identity, content: object) -> dict[str, str]:
    operation = call.operation
    ours = {"Accept": "*/*" if operation.answer is bytes else "application/json", "User-Agent": identity.user_agent}
    if content is not None:
        ours["Content-Type"] = call.content_type or operation.content_type or "application/json"
    taken = [name.lower() for name in (operation.idempotency_header, operation.subaccount_header) if name]
    headers = _merged(ours, check_headers(identity.headers, taken), check_headers(call.headers, taken))
    if operation.idempotency_header and call.idempotency_key is not UNSET:
        headers[operation.idempotency_header] = _header_value("idempotency_key", call.idempotency_key)
    if (subaccount := _subaccount(call, identity)) is not None:
        headers[cast(str, operation.subaccount_header)] = _header_value("subaccount_id", subaccount)
    return headers


def _merged(*layers: Mapping[str, str]) -> dict[str, str]:
    """Headers of which the later take the place of the earlier, whatever their casing."""
    found = {name.lower(): (name, value) for layer in layers for name, value in layer.items()}
    return dict(found.values())


def _subaccount(call: Call[Any], identity: Identity) -> str | None:
    if call.operation.subaccount_header is None:
        return None
    return identity.subaccount_id if call.subaccount_id is UNSET else call.subaccount_id


def check_headers(headers: Mapping[str, str], taken: Collection[str] = ()) -> Mapping[str, str]:
    """A caller's headers, none of which is the client's to set or `taken` by an argument, or `InvalidArgument`."""
    if not isinstance(headers, Mapping):
        raise InvalidArgument("headers", f"takes a mapping of names to values, not {type(headers).__name__}")
    for name, value in headers.items():
        if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
            raise InvalidArgument("headers", f"{name!r} is no header name")
        if name.lower() in _NOT_THE_CALLERS:
            raise InvalidArgument("headers", f"{name} is set by the client; credentials belong to its constructor")
        if name.lower() in taken:
            raise InvalidArgument("headers", f"{name} has an argument of its own")
        _header_value(f"headers[{name!r}]", value)
    return headers


def _header_value(name: str, value: str) -> str:
    if not isinstance(value, str) or not _HEADER_VALUE.fullmatch(value):
        # The value is not shown: people put secrets into headers.
        raise InvalidArgument(name, "takes printable ASCII text without outer white space")
    return value
