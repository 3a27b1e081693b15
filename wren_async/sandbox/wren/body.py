"""Reading the attributes of a request body that has passed the contract."""

from __future__ import annotations

from decimal import Decimal

from wren_async.sandbox.exchange import JSON, SandboxRequest


def number(request: SandboxRequest, name: str) -> Decimal:
    """A number as an exact `Decimal`."""
    return Decimal(_expect(_attribute(request, name), name))


def integer(request: SandboxRequest, name: str, default: int | None = None) -> int:
    """A whole number, however it was written."""
    value = _attribute(request, name)
    if value is None and default is not None:
        return default
    return int(_expect(value, name))


def text(request: SandboxRequest, name: str) -> str | None:
    """A text, or None when it was not sent."""
    value = _attribute(request, name)
    return value if isinstance(value, str) else None


def boolean(request: SandboxRequest, name: str) -> bool:
    """A truth value; false when it was not sent."""
    return _attribute(request, name) is True


def _attribute(request: SandboxRequest, name: str) -> JSON:
    return request.body.get(name) if isinstance(request.body, dict) else None


def _expect(value: JSON, name: str) -> int | Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise TypeError(f"{name} did not pass the contract: {value!r} is no number")
    return value
