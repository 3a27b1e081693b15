"""Reading the attributes of a request, and refusing what its schema cannot say about them.

Types, ranges and what must be there are the schema's, and were checked before any handler runs. Every further fault is
collected, so that one refusal names them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import urlsplit

from wren_async.sandbox.cnaught.problems import CNaughtRefusedError, invalid_parameters
from wren_async.sandbox.exchange import JSON

LARGEST_AMOUNT = Decimal(10) ** 15
"""Above this, cents and kilograms would no longer be exact in readers that take JSON numbers for doubles."""


class Fields:
    """The attributes of a request body, or of one object inside it."""

    def __init__(self, body: JSON, *, errors: dict[str, list[str]] | None = None, prefix: str = "") -> None:
        self._values: Mapping[str, JSON] = body if isinstance(body, dict) else {}
        self._errors = {} if errors is None else errors
        self._prefix = prefix

    def has(self, name: str) -> bool:
        """Whether the attribute is there and not null."""
        return self._values.get(name) is not None

    def text(self, name: str) -> str | None:
        """A string, or None where it is missing or null."""
        value = self._values.get(name)
        return value if isinstance(value, str) else None

    def required_text(self, name: str) -> str:
        """A string that the contract requires."""
        value = self._values[name]
        if not isinstance(value, str):
            raise TypeError(f"{name} did not pass the contract: {value!r} is no string")
        return value

    def amount(self, name: str) -> Decimal:
        """A mass, a distance or a sum of money, which the contract requires and wants above zero."""
        value = self._values[name]
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise TypeError(f"{name} did not pass the contract: {value!r} is no number")
        if value > LARGEST_AMOUNT:
            self.fault(name, f"must be at most {LARGEST_AMOUNT:f}")
        return Decimal(value)

    def web_url(self, name: str, *, secure: bool = False) -> str | None:
        """An absolute http or https URL (https only when `secure`), or None where it is missing or null."""
        value = self.text(name)
        if value is not None and not _is_web_url(value, secure=secure):
            self.fault(name, f"must be an absolute {'https' if secure else 'http or https'} URL")
        return value

    def required_web_url(self, name: str, *, secure: bool = False) -> str:
        """A URL that the contract requires."""
        value = self.required_text(name)
        self.web_url(name, secure=secure)
        return value

    def notification_url(self) -> str | None:
        """The URL in `notification_config`, if the request has one."""
        return self.part("notification_config").required_web_url("url") if self.has("notification_config") else None

    def part(self, name: str) -> Fields:
        """The object under `name`; an empty one where it is missing or null."""
        return Fields(self._values.get(name), errors=self._errors, prefix=f"{self._prefix}{name}.")

    def fault(self, name: str, message: str) -> None:
        """Note that an attribute is wrong."""
        self._errors.setdefault(self._prefix + name, []).append(message)

    def done(self) -> None:
        """End the reading: refuse the request if anything was wrong."""
        if self._errors:
            raise CNaughtRefusedError(invalid_parameters(self._errors))


def _is_web_url(value: str, *, secure: bool) -> bool:
    try:
        url = urlsplit(value)
        host = url.hostname
        _ = url.port
    except ValueError:
        return False
    if any(character.isspace() for character in value):
        return False
    return bool(host) and url.scheme in (("https",) if secure else ("http", "https"))


def moment(name: str, value: str | None) -> datetime | None:
    """A time of a query in ISO 8601: a bare date is its midnight, and no zone means UTC."""
    if not value:
        return None
    try:
        read = datetime.fromisoformat(value)
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        raise CNaughtRefusedError(invalid_parameters({name: ["must be a time in ISO 8601"]})) from None
