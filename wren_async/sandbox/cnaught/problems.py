"""The problem types of the API, and the exception by which any part of the sandbox refuses a request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus

import attrs

from wren_async.sandbox.exchange import JSON, SandboxAnswer

TYPE_PREFIX = "https://api.cnaught.com/v1/errors/"
"""What every problem type begins with."""

TITLES: Mapping[str, str] = {
    "invalid-parameters": "Your request parameters didn't validate",
    "invalid-pagination": "Invalid pagination cursor",
    "invalid-subaccount": "Invalid subaccount",
    "idempotency-key-too-long": "Idempotency key is too long",
    "forbidden": "Forbidden",
    "not-found": "Not found",
    "idempotency-concurrent-requests": "A request with this idempotency key is in progress",
    "idempotency-changed-payload": "This idempotency key was used with another payload",
}
"""The eight documented problem types, by the end of their URI, with the title of each."""

_TYPE_OF_STATUS: Mapping[int, str] = {
    400: "invalid-parameters",
    403: "forbidden",
    404: "not-found",
    409: "idempotency-concurrent-requests",
    422: "idempotency-changed-payload",
}


@attrs.frozen(kw_only=True)
class Problem:
    """An error body by RFC 9457, with its status."""

    status: int
    title: str
    type: str | None = None
    """The end of the type's URI; None where no document names a type."""
    detail: str | None = None
    errors: Mapping[str, Sequence[str]] | None = None

    def body(self) -> dict[str, JSON]:
        """The problem as the API writes it, without the members that it does not have."""
        body: dict[str, JSON] = {} if self.type is None else {"type": TYPE_PREFIX + self.type}
        body |= {"title": self.title, "status": self.status}
        if self.detail is not None:
            body["detail"] = self.detail
        if self.errors is not None:
            body["errors"] = {field: list(messages) for field, messages in self.errors.items()}
        return body

    def answer(self, media_type: str) -> SandboxAnswer:
        """The problem as an answer of the given content type."""
        headers = {"WWW-Authenticate": "Bearer"} if self.status == HTTPStatus.UNAUTHORIZED else {}
        return SandboxAnswer(status=self.status, body=self.body(), media_type=media_type, headers=headers)


class CNaughtRefusedError(Exception):
    """A request, or a step asked for by a test, that the API refuses."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.title)
        self.problem = problem


def of_status(status: int) -> Problem:
    """The problem that a status stands for: with its type where one is documented for that status."""
    suffix = _TYPE_OF_STATUS.get(status)
    if suffix is not None:
        return Problem(status=status, title=TITLES[suffix], type=suffix)
    try:
        return Problem(status=status, title=HTTPStatus(status).phrase)
    except ValueError:
        return Problem(status=status, title=f"Status {status}")


def unauthorized(*, typed: bool = False) -> Problem:
    """The API key is missing or is not one of the sandbox's two."""
    return Problem(status=401, title="Unauthorized", type="unauthorized" if typed else None)


def invalid_parameters(errors: Mapping[str, Sequence[str]]) -> Problem:
    """The body or the query did not validate. `errors` has the messages by the name of the field."""
    return Problem(status=400, title=TITLES["invalid-parameters"], type="invalid-parameters", errors=errors)


def invalid_pagination(detail: str) -> Problem:
    """The request for a page names two cursors, or one that is no item of the list."""
    return Problem(status=400, title=TITLES["invalid-pagination"], type="invalid-pagination", detail=detail)


def invalid_subaccount() -> Problem:
    """`X-Subaccount-Id` names no subaccount that can be used."""
    return Problem(status=400, title=TITLES["invalid-subaccount"], type="invalid-subaccount")


def forbidden(title: str) -> Problem:
    """The account may not do this, or the order's state does not allow it."""
    return Problem(status=403, title=title, type="forbidden")


def not_found(what: str) -> Problem:
    """There is no such object, or none that the caller may see."""
    return Problem(status=404, title=f"Could not find {what}", type="not-found")


def key_too_long() -> Problem:
    """The idempotency key has more than 512 characters."""
    return Problem(status=400, title=TITLES["idempotency-key-too-long"], type="idempotency-key-too-long")


def concurrent_requests() -> Problem:
    """The first request with this idempotency key has not been answered yet."""
    return of_status(409)


def changed_payload() -> Problem:
    """The idempotency key was used for another request."""
    return of_status(422)


def conflict(title: str) -> Problem:
    """The state of an object does not allow this; no document gives such a refusal a type."""
    return Problem(status=409, title=title)
