"""The server: from an ASGI request to the API that answers it, by way of the contract, the log and the faults."""

from __future__ import annotations

import asyncio
from email.utils import format_datetime
from http import HTTPStatus

import attrs

from wren_async.sandbox.admission import Admission, Rejection, reject_foreign_page
from wren_async.sandbox.checking import (
    check_answer,
    check_body,
    check_headers,
    check_query,
)
from wren_async.sandbox.codec import JSON_TYPE, decode_query, encode
from wren_async.sandbox.connection import CONNECTION, Connection, InProcessConnection
from wren_async.sandbox.contract import Operation
from wren_async.sandbox.exchange import JSON, SandboxAnswer, SandboxRequest
from wren_async.sandbox.fault_injection import FaultInjection
from wren_async.sandbox.faults import Fault
from wren_async.sandbox.negotiation import accepts
from wren_async.sandbox.state import CONTROL_PREFIX, SandboxState
from wren_async.sandbox.visit import App, Message, Mount, Receive, Scope, Send, Visit
from wren_async.sandbox.wren.accounts import read_token

LARGEST_BODY = 16 * 1024 * 1024
"""Bytes of the largest body that is read."""


class DisconnectedError(Exception):
    """The client left before its request was complete."""


class TooLargeError(Exception):
    """A body is larger than the sandbox reads."""


class SandboxServer:
    """An ASGI application that serves both APIs, and the control API beside them."""

    def __init__(
        self,
        state: SandboxState,
        control: App,
        admission: Admission,
        *,
        check_answers: bool = False,
        strict_accept: bool = False,
    ) -> None:
        self._state = state
        self._control = control
        self._admission = admission
        self.check_answers = check_answers
        self.strict_accept = strict_accept
        self._stopping = False
        self._fault_injection = FaultInjection(self, state.world.clock)
        state.when_reset(self._fault_injection.stop)

    def begin(self) -> None:
        """Serve from now on."""
        self._stopping = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            raise RuntimeError(f"the sandbox serves HTTP, not {scope['type']}")
        path = (scope.get("raw_path") or scope["path"].encode()).decode("ascii", "replace")
        is_control = path == "/" or path.startswith(CONTROL_PREFIX)
        rejection = self._admission.reject(scope["headers"], (scope.get("server") or (None,))[0])
        if rejection is None and is_control:
            rejection = reject_foreign_page(scope["method"], scope["headers"])
        if rejection is not None:
            await self._reject(rejection, send)
            return
        if is_control:
            await self._serve_control(scope, receive, send)
            return
        visit = self._welcome(scope, path)
        fault = self._fault(visit)
        try:
            if fault is None:
                await self.read(visit, receive)
                await self.reply(visit, self.commit(visit), send)
            else:
                connection: Connection = scope.get("state", {}).get(CONNECTION) or InProcessConnection()
                await self._fault_injection.serve(visit, fault, connection, receive, send)
        except DisconnectedError:
            return
        except TooLargeError:
            self._state.requests.note_answer(visit.entry, _TOO_LARGE.status)
            await self._reject(_TOO_LARGE, send)
        except asyncio.CancelledError:
            if not self._stopping:
                raise
        finally:
            self._state.requests.end(visit.entry)

    @property
    def late_commits(self) -> int:
        """Commits that are still to come, though their connections died."""
        return self._fault_injection.late_commits

    def stop(self) -> None:
        """Let requests end that are still being served, and give up commits that are still to come."""
        self._stopping = True
        self._fault_injection.stop()

    async def read(self, visit: Visit, receive: Receive) -> None:
        """Read the body, and hold the request to the rules: who may call, and what the contract allows."""
        raw = await _read_body(receive)
        self._state.requests.keep_body(visit.entry, raw)
        if visit.operation is not None and visit.refusal is None:
            self._check(visit, visit.operation, raw)

    def commit(self, visit: Visit) -> SandboxAnswer:
        """Carry out the request, unless it was refused before."""
        if visit.operation is None:
            return visit.refusal or visit.mount.api.refuse(404)
        if visit.refusal is not None:
            return self._held(visit.operation, visit.refusal)
        handler = visit.mount.api.operations.get(visit.operation.id)
        if handler is None:
            return _without_handler(visit.operation)
        with self._state.lock:
            world = self._state.world
            world.changes.clear()
            position = world.ids.position
            answer = handler(visit.request)
            self._state.requests.note_changes(visit.entry, world.changes)
            outlived = visit.mount not in self._state.mounts  # a reset came while a fault delayed the request
            if not outlived and (visit.entry.changes or visit.operation.method != "GET"):
                self._state.keep_request(visit.operation.api, visit.request, position)
        self._state.announce()
        return self._held(visit.operation, answer)

    async def reply(self, visit: Visit, answer: SandboxAnswer, send: Send) -> None:
        """Send an answer, if the client takes its content type."""
        accept = visit.request.headers.get("accept", "")
        if self.strict_accept and not _has_no_body(answer) and not accepts(accept, answer.media_type):
            self.record(visit, attrs.evolve(answer, status=HTTPStatus.NOT_ACCEPTABLE))
            await self._reject(Rejection(HTTPStatus.NOT_ACCEPTABLE, f"the answer is {answer.media_type}"), send)
            return
        await self.deliver(answer, self.record(visit, answer), send)

    async def deliver(self, answer: SandboxAnswer, body: bytes, send: Send) -> None:
        """Send an answer with a body that need not be its own."""
        await send(self.start(answer, body))
        await send({"type": "http.response.body", "body": body})

    def record(self, visit: Visit, answer: SandboxAnswer) -> bytes:
        """Write an answer into the log; returns its body as bytes."""
        self._state.requests.note_answer(visit.entry, answer.status, answer.body)
        if _has_no_body(answer):
            return b""
        return answer.body if isinstance(answer.body, bytes) else encode(answer.body)

    def start(self, answer: SandboxAnswer, body: bytes) -> Message:
        """The status line and headers of an answer, dated by the sandbox's clock."""
        headers = [(b"date", format_datetime(self._state.world.clock.now(), usegmt=True).encode())]
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

    async def _serve_control(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await _read_body(receive)
        except DisconnectedError:
            return
        except TooLargeError:
            await self._reject(_TOO_LARGE, send)
            return

        async def receive_again() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        await self._control(scope, receive_again, send)

    def _welcome(self, scope: Scope, path: str) -> Visit:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        method, query = scope["method"], scope["query_string"]
        mount = self._mount_of(path)
        matches = mount.contract.find(path)
        match = None if matches is None else matches.get(method)
        operation = None if match is None else match.operation
        name = None if operation is None else operation.id
        target = f"{path}?{query.decode('latin-1')}" if query else path
        now = self._state.world.clock.now()
        entry = self._state.requests.add(now, mount.contract.api, name, method, target, headers)
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
        for mount in self._state.mounts:
            if mount.contract.owns(path):
                return mount
        return self._state.mounts[-1]

    def _fault(self, visit: Visit) -> Fault | None:
        if visit.operation is None or not len(self._state.faults):
            return None
        token = read_token(visit.request.headers.get("authorization", ""))
        fault = self._state.faults.pick(visit.mount.contract.api, visit.operation.id, token)
        if fault is not None:
            self._state.requests.note_fault(visit.entry, fault.kind.value)
        return fault

    def _check(self, visit: Visit, operation: Operation, raw: bytes) -> None:
        api, request = visit.mount.api, visit.request
        if not operation.public:
            known = api.authenticate(request, required=operation.secured)
            if isinstance(known, SandboxAnswer):
                visit.refusal = known
                return
            request = known
        rules = api.rules()
        query, errors = check_query(operation, request.query, rules.unchecked)
        errors |= check_headers(operation, request.headers)
        content_type = request.headers.get("content-type", "")
        body, wrong = check_body(operation, content_type, raw, rules)
        errors |= wrong
        visit.entry.body = body
        visit.request = attrs.evolve(request, query=query, body=body, raw=raw)
        if errors:
            visit.refusal = api.invalid(operation.id, errors)


_TOO_LARGE = Rejection(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the sandbox reads bodies of at most {LARGEST_BODY} bytes")


def _without_handler(operation: Operation) -> SandboxAnswer:
    said = f"the sandbox has no handler for {operation.id} ({operation.method} {operation.template})"
    return SandboxAnswer(status=HTTPStatus.NOT_IMPLEMENTED, body={"message": said})


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
