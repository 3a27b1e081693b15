"""Buy carbon credits from asyncio: typed clients for the Wren and CNaught APIs that never order twice.

    from wren_async import CNaughtClient

    async with CNaughtClient() as cnaught:
        order = await cnaught.orders.create(amount_kg=10)

The names below load when they are first used, so that importing the package costs little.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wren_async._lazy import lazy

if TYPE_CHECKING:
    from wren_async.cnaught import CNaughtClient
    from wren_async.core.ceilings import Ceilings
    from wren_async.core.client import __version__
    from wren_async.core.convert import from_dict, from_json, to_dict, to_json
    from wren_async.core.document import Document
    from wren_async.core.operation import Call, CallOptions, Effect, Operation
    from wren_async.core.paging import CursorPager, OffsetPage, OffsetPager, Page, WholeList
    from wren_async.core.policy import RetryPolicy
    from wren_async.core.reply import Reply
    from wren_async.core.sending.session import Outcome, outcome_of
    from wren_async.core.timing import Timing
    from wren_async.core.values import UNSET, OpenStrEnum, Unset
    from wren_async.errors import (
        AccessRefused,
        APIError,
        AttemptTimedOut,
        BadRequest,
        CallError,
        CeilingExceeded,
        ClientClosed,
        Conflict,
        ConnectionLost,
        DecodeError,
        Forbidden,
        IdempotencyChangedPayload,
        IdempotencyConcurrentRequests,
        IdempotencyKeyReused,
        IdempotencyKeyTooLong,
        InvalidArgument,
        InvalidConfiguration,
        InvalidPagination,
        InvalidParameters,
        InvalidSubaccount,
        JournalError,
        NoAnswer,
        NotFindable,
        NotFound,
        NotSent,
        OutcomeUnknown,
        PagingError,
        PaymentRequired,
        RateLimited,
        Redirected,
        ReferenceReused,
        ServerError,
        StateNotReached,
        Unauthorized,
        UnprocessableContent,
        UsageError,
        WrenAsyncError,
        WrongEventLoop,
    )
    from wren_async.http.over_aiohttp import AiohttpBackend
    from wren_async.notifications import parse_order_notification
    from wren_async.reconcile import CannotTell, Checkpoint, NotPlaced, Placed, Unsettled, Verdict
    from wren_async.wren import WrenClient

_ERRORS = (
    "APIError AccessRefused AttemptTimedOut BadRequest CallError CeilingExceeded ClientClosed Conflict "
    "ConnectionLost DecodeError Forbidden IdempotencyChangedPayload IdempotencyConcurrentRequests "
    "IdempotencyKeyReused IdempotencyKeyTooLong InvalidArgument InvalidConfiguration InvalidPagination "
    "InvalidParameters InvalidSubaccount JournalError NoAnswer NotFindable NotFound NotSent OutcomeUnknown "
    "PagingError PaymentRequired RateLimited Redirected ReferenceReused ServerError StateNotReached "
    "Unauthorized UnprocessableContent UsageError WrenAsyncError WrongEventLoop"
)

_HOMES = {
    "wren_async.cnaught": "CNaughtClient",
    "wren_async.notifications": "parse_order_notification",
    "wren_async.core.ceilings": "Ceilings",
    "wren_async.core.client": "__version__",
    "wren_async.core.convert": "from_dict from_json to_dict to_json",
    "wren_async.core.document": "Document",
    "wren_async.core.operation": "Call CallOptions Effect Operation",
    "wren_async.core.paging": "CursorPager OffsetPage OffsetPager Page WholeList",
    "wren_async.core.policy": "RetryPolicy",
    "wren_async.core.reply": "Reply",
    "wren_async.core.sending.session": "Outcome outcome_of",
    "wren_async.core.timing": "Timing",
    "wren_async.core.values": "UNSET OpenStrEnum Unset",
    "wren_async.errors": _ERRORS,
    "wren_async.http.over_aiohttp": "AiohttpBackend",
    "wren_async.reconcile": "CannotTell Checkpoint NotPlaced Placed Unsettled Verdict",
    "wren_async.wren": "WrenClient",
}
__all__ = [  # noqa: RUF022 - the clients first
    "CNaughtClient",
    "WrenClient",
    "APIError",
    "AccessRefused",
    "AiohttpBackend",
    "AttemptTimedOut",
    "BadRequest",
    "Call",
    "CallError",
    "CallOptions",
    "CannotTell",
    "CeilingExceeded",
    "Ceilings",
    "Checkpoint",
    "ClientClosed",
    "Conflict",
    "ConnectionLost",
    "CursorPager",
    "DecodeError",
    "Document",
    "Effect",
    "Forbidden",
    "IdempotencyChangedPayload",
    "IdempotencyConcurrentRequests",
    "IdempotencyKeyReused",
    "IdempotencyKeyTooLong",
    "InvalidArgument",
    "InvalidConfiguration",
    "InvalidPagination",
    "InvalidParameters",
    "InvalidSubaccount",
    "JournalError",
    "NoAnswer",
    "NotFindable",
    "NotFound",
    "NotPlaced",
    "NotSent",
    "OffsetPage",
    "OffsetPager",
    "OpenStrEnum",
    "Operation",
    "Outcome",
    "OutcomeUnknown",
    "Page",
    "PagingError",
    "PaymentRequired",
    "Placed",
    "RateLimited",
    "Redirected",
    "ReferenceReused",
    "Reply",
    "RetryPolicy",
    "ServerError",
    "StateNotReached",
    "Timing",
    "UNSET",
    "Unauthorized",
    "UnprocessableContent",
    "Unset",
    "Unsettled",
    "UsageError",
    "Verdict",
    "WholeList",
    "WrenAsyncError",
    "WrongEventLoop",
    "__version__",
    "from_dict",
    "from_json",
    "outcome_of",
    "parse_order_notification",
    "to_dict",
    "to_json",
]


__getattr__ = lazy(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
