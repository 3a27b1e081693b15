"""With what batches, workers and outboxes are made: refused where it is wrong, before anything is opened or sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wren_async.batch.intents import Api
from wren_async.cnaught import CNaughtClient
from wren_async.core.client import BaseClient
from wren_async.errors import InvalidArgument
from wren_async.reconcile.rules import settle_seconds
from wren_async.wren import WrenClient


def clients_of(wren: WrenClient | None, cnaught: CNaughtClient | None) -> Mapping[Api, BaseClient]:
    """The clients that are there. Raises `InvalidArgument` for what is none, or is that of the other API."""
    _check_client("wren", wren, WrenClient)
    _check_client("cnaught", cnaught, CNaughtClient)
    clients: dict[Api, BaseClient | None] = {"wren": wren, "cnaught": cnaught}
    return {api: each for api, each in clients.items() if each is not None}


def check_settings(*, concurrency: int, settle_time: float, patience: float, lease: float | None = None) -> None:
    """Raise `InvalidArgument` for a setting that has no meaning."""
    if isinstance(concurrency, bool) or not isinstance(concurrency, int) or concurrency < 1:
        raise InvalidArgument("concurrency", f"takes an int of 1 or more, not {concurrency!r}")
    settle_seconds(settle_time)
    if not _is_number(patience) or not patience >= 0:
        raise InvalidArgument("patience", f"takes seconds, zero or more, not {patience!r}")
    if lease is not None and not (_is_number(lease) and 0 < lease < float("inf")):
        raise InvalidArgument("lease", f"takes seconds, more than zero, not {lease!r}")


def _is_number(given: Any) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool)


def _check_client(name: str, given: object, wanted: type[BaseClient]) -> None:
    if given is not None and not isinstance(given, wanted):
        # What was given instead may be a token, and is not shown.
        raise InvalidArgument(name, f"takes a {wanted.__name__}, not a {type(given).__name__}")
