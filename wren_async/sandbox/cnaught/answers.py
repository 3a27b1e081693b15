"""Changing a success as the behaviours say: attributes left out or added, and other statuses."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from wren_async.sandbox.cnaught.behaviours import CNaughtBehaviours
from wren_async.sandbox.exchange import JSON, SandboxAnswer


def finished(operation: str, answer: SandboxAnswer, behaviours: CNaughtBehaviours) -> SandboxAnswer:
    """A success, changed as the behaviours say."""
    body, status = answer.body, behaviours.success_status.get(operation, answer.status)
    if isinstance(body, dict) and behaviours.extra_members:
        body = _with_extra_members(body, behaviours.extra_members)
    if behaviours.leave_out_nulls and not isinstance(body, bytes):
        body = _without_nulls(body)
    if body is answer.body and status == answer.status:
        return answer
    return attrs.evolve(answer, status=status, body=body)


def _with_extra_members(body: dict[str, JSON], extra: Mapping[str, JSON]) -> dict[str, JSON]:
    items = body.get("data")
    if isinstance(items, list):
        return {**body, "data": [{**item, **extra} if isinstance(item, dict) else item for item in items]}
    return {**body, **extra}


def _without_nulls(value: JSON) -> JSON:
    if isinstance(value, dict):
        return {name: _without_nulls(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_without_nulls(inner) for inner in value]
    return value
