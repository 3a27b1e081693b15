"""Settings for vcrpy: cassettes that hold no token, and that match although keys and references are random."""

from __future__ import annotations

import base64
import binascii
import os
import re
from typing import Any

REDACTED = "REDACTED"
_LEAST_SECRET = 6
"""A shorter text is no token, and taking it out of everything would take words apart."""
_TOKEN_VARIABLES = ("WREN_API_TOKEN", "CNAUGHT_API_KEY")
_KEPT_HEADERS = frozenset({"content-type", "idempotency-key", "x-subaccount-id"})
"""What tells one request from another. The rest says who asks and by which program."""
_SECRET_HEADER = re.compile(r"auth|cookie|token|secret|api-?key", re.IGNORECASE)
_UUID = r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}"
_RANDOM_KEY = re.compile(_UUID)
_RANDOM_REFERENCE = re.compile(rf"\[ref:{_UUID}\]".encode())


class _Redaction:
    """Takes tokens out of requests, and out of whatever answers repeat of them."""

    def __init__(self) -> None:
        self._secrets: set[bytes] = set()

    def request(self, request: Any) -> Any:
        """A recorded request, and likewise one that is looked for: without tokens, and without what is random."""
        self._learn(request.headers)
        headers = {name.lower(): _text(value) for name, value in request.headers.items()}
        kept = {name: self._clean(value.encode()).decode() for name, value in headers.items() if name in _KEPT_HEADERS}
        if _RANDOM_KEY.fullmatch(kept.get("idempotency-key", "")):
            kept["idempotency-key"] = "random"
        request.headers = dict(sorted(kept.items()))
        request.uri = self._clean(request.uri.encode()).decode()
        if isinstance(request.body, bytes):
            request.body = _RANDOM_REFERENCE.sub(b"[ref:random]", self._clean(request.body))
        return request

    def answer(self, answer: dict[str, Any]) -> dict[str, Any]:
        """A recorded answer without tokens. Nothing of it changes its length."""
        headers = {name: self._header(name, values) for name, values in answer.get("headers", {}).items()}
        content = answer["body"]["string"]
        raw = content.encode() if isinstance(content, str) else content
        return {**answer, "headers": headers, "body": {**answer["body"], "string": self._clean(raw)}}

    def _header(self, name: str, values: Any) -> Any:
        if _SECRET_HEADER.search(name) and name.lower() not in _KEPT_HEADERS:
            return [REDACTED]
        return [
            self._clean(_text(value).encode()).decode() for value in ([values] if isinstance(values, str) else values)
        ]

    def _clean(self, content: bytes) -> bytes:
        for secret in [*self._secrets, *(os.environ.get(name, "").encode() for name in _TOKEN_VARIABLES)]:
            if len(secret) >= _LEAST_SECRET:
                content = content.replace(secret, REDACTED.encode().ljust(len(secret), b"*")[: len(secret)])
        return content

    def _learn(self, headers: Any) -> None:
        for name, value in headers.items():
            if _SECRET_HEADER.search(name):
                words = _text(value).split()
                self._secrets |= {word.encode() for word in words[-1:]}
                if len(words) > 1 and words[0].lower() == "basic":
                    self._secrets |= {part for part in _basic(words[1]).split(b":") if part}


def _basic(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except binascii.Error:
        return b""


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_text(each) for each in value)
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


_redaction = _Redaction()
vcr_options: dict[str, Any] = {
    "before_record_request": _redaction.request,
    "before_record_response": _redaction.answer,
    "decode_compressed_response": True,
    "match_on": ("method", "scheme", "host", "port", "path", "query", "headers", "body"),
}
"""For `vcr.VCR(**vcr_options)`, and as `vcr_config` of pytest-recording.

No token is recorded: not in a request, and not where an answer repeats it. An order is played back for the same order
alone: method, address, body, subaccount and a caller's own idempotency key have to agree, while the keys and references
that the library makes up are taken to be the same.
"""
