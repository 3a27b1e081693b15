"""The server: from an ASGI request to the API that answers it, by way of the contract, the log and the faults."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any, Protocol, TypeAlias

import attrs

from wren_async.sandbox.admission import Admission, Rejection, reject_foreign_page
from wren_async.sandbox.checking import (
    BodyRules,
    ContractViolation,
    check_answer,
    check_body,
    check_headers,
    check_query,
)
from wren_async.sandbox.codec import JSON_TYPE, decode_query, encode
from wren_async.sandbox.contract import Contract, Operation
from wren_async.sandbox.exchange import JSON, Handler, SandboxAnswer, SandboxRequest
from wren_async.sandbox.faults import Fault, Faults
from wren_async.sandbox.log import LoggedRequest, RequestLog
from wren_async.sandbox.negotiation import accepts
from wren_async.sandbox.sabotage import Sabotage
from wren_async.sandbox.wire import WIRE, InProcessWire, Wire
from wren_async.sandbox.world import World
from wren_async.sandbox.wren.accounts import read_token

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

CONTROL_PREFIX = "/_sandbox"
"""Below this path is the control API, and nothing of either API."""
LARGEST_BODY = 16 * 1024 * 1024
"""Bytes of the largest body that is read."""


class PlayedApi(Protocol):
    """An API that the sandbox plays."""

    @property
    def operations(self) -> Mapping[str, Handler]:
        """Handlers by `operationId`."""
        ...

    def authenticate(self, request: SandboxRequest, *, required: bool) -> SandboxAnswer | None:
        """None when the caller may go on, otherwise the refusal."""
        ...

    def refuse(self, status: int) -> SandboxAnswer:
        """A refusal as the API words it."""
        ...

    def invalid(self, operation: str, errors: Mapping[str, list[str]]) -> SandboxAnswer:
        """The refusal of a request that breaks the contract."""
        ...

    def begin(self, request: SandboxRequest) -> SandboxAnswer | None:
        """A request is going to take its time; the refusal when one with its key is already under way."""
        ...

    def end(self, request: SandboxRequest) -> None:
        """The time is over."""
        ...


@attrs.frozen
class Mount:
    """An API and the contract that it is served by."""

    contract: Contract
    api: PlayedApi
    unchecked: Callable[[], frozenset[str]] = frozenset
    """Query parameters and attributes whose range the API judges itself, by its settings."""
    closed: Callable[[], bool] = bool
    """Whether attributes that the contract does not know are refused."""
    strict_forms: Callable[[], bool] = bool
    """Whether forms hold nothing but texts."""

    def rules(self) -> BodyRules:
        """What holds for the next request."""
        return BodyRules(unchecked=self.unchecked(), closed=self.closed(), strict_forms=self.strict_forms())


@attrs.define
class Visit:
    """A request on its way through the server."""

    mount: Mount
    operation: Operation | None
    request: SandboxRequest
    entry: LoggedRequest
    refusal: SandboxAnswer | None = None
    """The answer of a request that does not get as far as its handler."""


class DisconnectedError(Exception):
    """The client left before its request was complete."""


class TooLargeError(Exception):
    """A body is larger than the sandbox cares to hold."""


class SandboxServer:
    """An ASGI application that serves both APIs, and the control API beside them."""

    def __init__(self, world: World, log: RequestLog, faults: Faults, *, check_answers: bool = False) -> None:
        self.admission = Admission.of("localhost")
        self.world = world
        self.log = log
        self.faults = faults
        self.check_answers = check_answers
        self.strict_accept = False
        self.control: App | None = None
        self.committed: Callable[[], None] = lambda: None
        """Called after each request that reached its handler."""
        self.keep: Callable[[str, SandboxRequest, int], None] = lambda api, request, position: None
        """Called with each request that may have changed something, and the position of the ids before it."""
        self.lock = threading.RLock()
        """Held while the world changes: tests may look at it from another thread."""
        self.stopping = False
        self.mounts: Sequence[Mount] = ()
        self._sabotage = Sabotage(self)

    def mount(self, *mounts: Mount) -> None:
        """Serve these APIs, each at the prefix of its contract. The last one also answers for unknown paths."""
        for mount in mounts:
            differing = set(mount.contract.operations) ^ set(mount.api.operations)
            if differing:
                raise ContractViolation(f"{mount.contract.api}: contract and sandbox differ in {sorted(differing)}")
        self.mounts = mounts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            raise RuntimeError(f"the sandbox serves HTTP, not {scope['type']}")
        path = (scope.get("raw_path") or scope["path"].encode()).decode("ascii", "replace")
        is_control = path.startswith(CONTROL_PREFIX)
        rejection = self.admission.reject(scope["headers"], (scope.get("server") or (None,))[0])
        if rejection is None and is_control:
            rejection = reject_foreign_page(scope["method"], scope["headers"])
        if rejection is not None:
            await self._reject(rejection, send)
            return
        if is_control and self.control is not None:
            await self._serve_control(self.control, scope, receive, send)
            return
        visit = self._welcome(scope, path)
        fault = self._fault(visit)
        try:
            if fault is None:
                await self.read(visit, receive)
                await self.reply(visit, self.commit(visit), send)
            else:
                wire: Wire = scope.get("state", {}).get(WIRE) or InProcessWire()
                await self._sabotage.serve(visit, fault, wire, receive, send)
        except DisconnectedError:
            return
        except TooLargeError:
            await self._reject(_TOO_LARGE, send)
        except asyncio.CancelledError:
            if not self.stopping:
                raise

    @property
    def late_commits(self) -> int:
        """Commits that are still to come, though their connections died."""
        return self._sabotage.late_commits

    def stop(self) -> None:
        """Let go of requests that are still being served, and of commits that are still to come."""
        self.stopping = True
        self._sabotage.stop()

    async def read(self, visit: Visit, receive: Receive) -> None:
        """Read the body, and hold the request to the rules: who may call, and what the contract allows."""
        raw = await _read_body(receive)
        self.log.keep_body(visit.entry, raw)
        if visit.operation is not None and visit.refusal is None:
            self._check(visit, visit.operation, raw)

    def commit(self, visit: Visit) -> SandboxAnswer:
        """Carry out the request, unless it was refused before."""
        if visit.operation is None:
            return visit.refusal or visit.mount.api.refuse(404)
        if visit.refusal is not None:
            return self._held(visit.operation, visit.refusal)
        with self.lock:
            self.world.changes.clear()
            position = self.world.ids.position
            answer = visit.mount.api.operations[visit.operation.id](visit.request)
            visit.entry.changes = tuple(self.world.changes)
            if visit.entry.changes or visit.operation.method != "GET":
                self.keep(visit.operation.api, visit.request, position)
        self.committed()
        return self._held(visit.operation, answer)

    async def reply(self, visit: Visit, answer: SandboxAnswer, send: Send) -> None:
        """Send an answer, if the client takes its content type."""
        accept = visit.request.headers.get("accept", "")
        if self.strict_accept and not _has_no_body(answer) and not accepts(accept, answer.media_type):
            await self._reject(Rejection(HTTPStatus.NOT_ACCEPTABLE, f"the answer is {answer.media_type}"), send)
            return
        await self.deliver(answer, self.record(visit, answer), send)

    async def deliver(self, answer: SandboxAnswer, body: bytes, send: Send) -> None:
        """Send an answer with a body that need not be its own."""
        await send(self.start(answer, body))
        await send({"type": "http.response.body", "body": body})

    def record(self, visit: Visit, answer: SandboxAnswer) -> bytes:
        """Write an answer into the log; returns its body as bytes."""
        visit.entry.status = answer.status
        visit.entry.answer = answer.body
        if _has_no_body(answer):
            return b""
        return answer.body if isinstance(answer.body, bytes) else encode(answer.body)

    def start(self, answer: SandboxAnswer, body: bytes) -> Message:
        """The status line and headers of an answer, dated by the sandbox's clock."""
        headers = [(b"date", format_datetime(self.world.clock.now(), usegmt=True).encode())]
        if not _has_no_body(answer):
            headers.append((b"content-type", answer.media_type.encode()))
            headers.append((b"content-length", b"%d" % len(body)))
        elif answer.status not in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
            headers.append((b"content-length", b"0"))
        headers += [(name.lower().encode(), value.encode("latin-1")) for name, value in answer.headers.items()]
        return {"type": "http.response.start", "status": answer.status, "headers": headers}

    def _held(self, operation: Operation, answer: SandboxAnswer) -> SandboxAnswer:
        if self.check_answers:
            check_answer(operation, answer)
        return answer

    async def _reject(self, rejection: Rejection, send: Send) -> None:
        said: JSON = {"message": rejection.message}
        await self.deliver(SandboxAnswer(status=rejection.status, body=said), encode(said), send)

    async def _serve_control(self, control: App, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await _read_body(receive)
        except TooLargeError:
            await self._reject(_TOO_LARGE, send)
            return

        async def receive_again() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        await control(scope, receive_again, send)

    def _welcome(self, scope: Scope, path: str) -> Visit:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        method, query = scope["method"], scope["query_string"]
        mount = self._mount_of(path)
        matches = mount.contract.find(path)
        match = None if matches is None else matches.get(method)
        operation = None if match is None else match.operation
        name = None if operation is None else operation.id
        target = f"{path}?{query.decode('latin-1')}" if query else path
        entry = self.log.add(self.world.clock.now(), mount.contract.api, name, method, target, headers)
        request = SandboxRequest(
            operation=name or "", path=match.path if match else {}, query=decode_query(query), headers=headers
        )
        visit = Visit(mount=mount, operation=operation, request=request, entry=entry)
        if matches is None:
            visit.refusal = mount.api.refuse(404)
        elif match is None:
            visit.refusal = attrs.evolve(mount.api.refuse(405), headers={"Allow": ", ".join(sorted(matches))})
        return visit

    def _mount_of(self, path: str) -> Mount:
        for mount in self.mounts:
            if mount.contract.owns(path):
                return mount
        return self.mounts[-1]

    def _fault(self, visit: Visit) -> Fault | None:
        if visit.operation is None or not len(self.faults):
            return None
        token = read_token(visit.request.headers.get("authorization", ""))
        fault = self.faults.pick(visit.mount.contract.api, visit.operation.id, token)
        visit.entry.fault = None if fault is None else fault.kind.value
        return fault

    def _check(self, visit: Visit, operation: Operation, raw: bytes) -> None:
        api, request = visit.mount.api, visit.request
        if not operation.public:
            visit.refusal = api.authenticate(request, required=operation.secured)
        if visit.refusal is not None:
            return
        rules = visit.mount.rules()
        query, errors = check_query(operation, request.query, rules.unchecked)
        errors |= check_headers(operation, request.headers)
        content_type = request.headers.get("content-type", "")
        body, wrong = check_body(operation, content_type, raw, rules)
        errors |= wrong
        visit.entry.body = body
        visit.request = SandboxRequest(
            operation=request.operation, path=request.path, query=query, headers=request.headers, body=body, raw=raw
        )
        if errors:
            visit.refusal = api.invalid(operation.id, errors)


_TOO_LARGE = Rejection(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the sandbox reads bodies of at most {LARGEST_BODY} bytes")


def _has_no_body(answer: SandboxAnswer) -> bool:
    if answer.status in (HTTPStatus.NO_CONTENT, HTTPStatus.RESET_CONTENT, HTTPStatus.NOT_MODIFIED):
        return True
    return answer.body is None and answer.media_type == JSON_TYPE


async def _read_body(receive: Receive) -> bytes:
    pieces, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise DisconnectedError
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > LARGEST_BODY:
            raise TooLargeError
        if not message.get("more_body", False):
            return b"".join(pieces)
