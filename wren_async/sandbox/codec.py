"""JSON and forms, between bytes and the plain values that the APIs work with."""

from __future__ import annotations

from decimal import Decimal
from urllib.parse import parse_qsl

import msgspec

from wren_async.sandbox.exchange import JSON

JSON_TYPE = "application/json"
FORM_TYPE = "application/x-www-form-urlencoded"
_MOST_FIELDS = 1000

_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")


class UnreadableError(Exception):
    """A body is not what its content type says."""


def encode(value: JSON) -> bytes:
    """A value as JSON, with exact numbers."""
    return _encoder.encode(value)


def decode(body: bytes) -> JSON:
    """JSON as a value, in which numbers with a fraction are `Decimal`."""
    try:
        value: JSON = _decoder.decode(body)
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        raise UnreadableError("is not valid JSON") from error
    return value


def decode_form(body: bytes) -> dict[str, str]:
    """The fields of a form; of a field that is there twice, the last."""
    try:
        return dict(
            parse_qsl(
                body.decode(),
                keep_blank_values=True,
                strict_parsing=bool(body),
                errors="strict",
                max_num_fields=_MOST_FIELDS,
            )
        )
    except (UnicodeDecodeError, ValueError) as error:
        raise UnreadableError("is not a valid form") from error


def decode_query(query: bytes) -> dict[str, str]:
    """The parameters of a query string; anything that is not UTF-8 is replaced."""
    text = query.decode("ascii", "replace")
    return dict(parse_qsl(text, keep_blank_values=True)) if text else {}
