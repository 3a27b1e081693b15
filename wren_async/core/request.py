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
from wren_async.core.arguments import identifier, integer, moment, text
from wren_async.core.identity import Identity, check_headers, header_value
from wren_async.core.operation import Call, Effect, Operation, ReferenceField
from wren_async.core.reference import attach, check_reference, check_text
from wren_async.core.values import UNSET
from wren_async.errors import InvalidArgument
from wren_async.http.exchange import WireRequest

_RAW: Final = (bytes, bytearray, memoryview)
_LONGEST_URL: Final = 16_000
_JSON_OR_PROBLEM: Final = "application/json, application/problem+json"
"""What is read. CNaught's errors are problem details, which a server that negotiates sends only if they are named."""

T = TypeVar("T")


# A Struct, because one is made for every call, and a Struct is made in a third of the time of an attrs class.
class Prepared(msgspec.Struct, Generic[T], kw_only=True):
    """A call that is ready to go: every attempt sends exactly this."""

    asked: Call[T]
    """The call as it was given."""
    request: WireRequest
    effect: Effect
    """What the bytes to be sent will do."""
    writes: bool
    """Whether that changes something on the server."""
    key: str | None
    """The idempotency key, if one is sent."""
    reference: str | None
    """The reference, if one is sent."""
    answer: type[T]
    """What a success is decoded into."""
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
    content, effect, reference = _content(call, draw_key)
    key = _key(call, effect, draw_key)
    writes, form = effect.writes, operation.answer
    if identity.ceilings is not None and writes:
        identity.ceilings.check(content)
    subaccount_id = _subaccount(call, identity)
    accept = "*/*" if form is bytes else _JSON_OR_PROBLEM
    return Prepared(
        asked=call,
        request=WireRequest(
            method=operation.method,
            url=_url(call, identity.base_url),
            headers=_headers(call, identity, accept, content, key, subaccount_id),
            content=content,
            authorization=None if operation.credentials == "none" else identity.credentials.bearer,
        ),
        effect=effect,
        writes=writes,
        key=key,
        reference=reference,
        answer=form,
        subaccount_id=subaccount_id,
    )


def body_of(call: Call[Any]) -> Mapping[str, object]:
    """What a call sends, by its names on the wire; nothing where that is no JSON object."""
    try:
        raw = call.body if isinstance(call.body, bytes) else codec.encode(call.body)
        sent = codec.parse(raw)
    except (codec.Unreadable, codec.Unwritable):
        return {}
    return sent if isinstance(sent, Mapping) else {}


def fingerprint(prepared: Prepared[Any], identity: Identity) -> bytes:
    """What an idempotency key stands for: method, address, subaccount, credentials and body."""
    request = prepared.request
    parts = (request.method, request.url, prepared.subaccount_id or "", identity.credentials.token.reveal())
    # With their lengths, so that no two calls run together to the same text.
    told = "".join([f"{len(part)}:{part}" for part in parts]).encode()
    content = request.content if isinstance(request.content, bytes) else b""
    return hashlib.sha256(b"%b%b" % (told, content)).digest()


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


def _content(
    call: Call[Any], draw_key: Callable[[], str]
) -> tuple[bytes | AsyncIterable[bytes] | None, Effect, str | None]:
    """The body as it is sent, what its bytes will do, and the reference that they carry."""
    body, operation = call.body, call.operation
    reference = _reference(call, draw_key)
    if _is_stream(body):
        if reference is not None:
            raise _no_room_for_a_reference(operation)
        return cast("AsyncIterable[bytes]", body), _plain_effect(operation), None
    if reference is not None:
        # Encoded with the reference first, since nearly all such calls are orders. A dry run is encoded again without.
        content = _encode(_with_reference(operation, body, reference))
        if (effect := _effect(operation, content)).writes:
            return content, effect, reference
    if body is UNSET:
        return None, _plain_effect(operation), None
    content = bytes(body) if isinstance(body, _RAW) else _encode(body)
    effect = _effect(operation, content)
    if operation.reference is not None:
        _check_text(operation.reference, content)
    return content, effect, None


def _is_stream(body: object) -> bool:
    return isinstance(body, AsyncIterable) and not attrs.has(type(body))


def _encode(body: object) -> bytes:
    try:
        return codec.encode(body)
    except codec.Unwritable as error:
        raise InvalidArgument("body", str(error)) from None


def _effect(operation: Operation[Any], content: bytes) -> Effect:
    """The effect of the bytes that are sent, because only they decide whether money moves."""
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
    """Whether a body has an attribute once. Of one that stands twice, some parsers take the first and some the last."""
    pairs = json.loads(content, object_pairs_hook=list)
    return [each for each, _ in pairs].count(name) == 1


def _plain_effect(operation: Operation[Any]) -> Effect:
    """The operation's effect, apart from its body. A keyed one without a header for the key must not be repeated."""
    if operation.effect is Effect.KEYED and operation.idempotency_header is None:
        return Effect.ONCE
    return operation.effect


def _reference(call: Call[Any], draw_key: Callable[[], str]) -> str | None:
    """The reference that the call carries if it writes: the caller's own, or one that is drawn for a `once` write."""
    effect = _plain_effect(call.operation)
    if call.reference is None:
        return None
    if call.operation.reference is None:
        if call.reference is not UNSET:
            raise InvalidArgument("reference", f"{call.operation.id} has no field that could carry one")
        return None
    if call.reference is not UNSET:
        return check_reference(call.reference)
    return draw_key().replace("-", "") if effect is Effect.ONCE else None


def _with_reference(operation: Operation[Any], body: object, reference: str) -> object:
    """The body with the reference at the beginning of its text."""
    field = cast(ReferenceField, operation.reference)
    name = field.attribute
    model = attrs.has(type(body))
    parts = {name: getattr(body, name, b"")} if model else _json_object(body)
    text = parts.get(name) if parts is not None else b""
    if text is UNSET:
        text = None
    if not (text is None or isinstance(text, str)):
        raise _no_room_for_a_reference(operation)
    whole = attach(text, reference, attribute=name, max_length=field.max_length)
    return attrs.evolve(cast(Any, body), **{name: whole}) if model else {**cast(Any, parts), name: whole}


def _no_room_for_a_reference(operation: Operation[Any]) -> InvalidArgument:
    name = cast(ReferenceField, operation.reference).attribute
    return InvalidArgument("reference", f"the body has no text {name!r} that could carry one; pass reference=None")


def _check_text(field: ReferenceField, content: bytes) -> None:
    """Refuse a user's text that carries a reference: the order would be taken for the one of that reference."""
    if b"ref:" not in content and b"\\" not in content:
        return
    text = (_json_object(content) or {}).get(field.attribute)
    check_text(text if isinstance(text, str) else None, attribute=field.attribute)


def _json_object(body: object) -> dict[str, Any] | None:
    """The attributes of a body that is a JSON object, or the bytes of one."""
    if isinstance(body, Mapping):
        return dict(body)
    try:
        parsed = codec.parse(bytes(body)) if isinstance(body, _RAW) else None
    except codec.Unreadable:
        return None
    return parsed if isinstance(parsed, dict) else None


# --- address and headers --------------------------------------------------------------------------------------------


def _url(call: Call[Any], base_url: str) -> str:
    path = call.operation.path
    if "{" in path:
        path = _filled(path, call.path)
    url = base_url + path
    if call.query:
        query = {name: _query_text(name, value) for name, value in call.query.items() if value not in (UNSET, None)}
        url = f"{url}?{urlencode(query, quote_via=quote)}" if query else url
    if len(url) > _LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        # An HTTP library would refuse it with an error of its own, or send something else.
        raise InvalidArgument("path", f"makes no address of at most {_LONGEST_URL} characters that can be sent")
    return url


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
    if isinstance(value, str):
        return text(name, value)
    if isinstance(value, int):
        return str(integer(name, value))
    raise InvalidArgument(name, f"takes text, a number or a time in a query, not {type(value).__name__}")


def _headers(
    call: Call[Any], identity: Identity, accept: str, content: object, key: str | None, subaccount_id: str | None
) -> tuple[tuple[str, str], ...]:
    operation = call.operation
    headers = [
        ("Accept", accept),
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
    """Our headers and those of each layer. Of two with one name, in whatever casing, the later one stays."""
    found = {name.lower(): (name, value) for name, value in ours}
    for layer in layers:
        found |= {name.lower(): (name, value) for name, value in layer.items()}
    return list(found.values())


def _subaccount(call: Call[Any], identity: Identity) -> str | None:
    if call.operation.subaccount_header is None:
        return None
    return identity.subaccount_id if call.subaccount_id is UNSET else call.subaccount_id
