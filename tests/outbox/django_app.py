"""An app of Django, as a process of its own: orders in its transactions, by every kind of connection that it has."""

from __future__ import annotations

import sys
import threading
from contextlib import suppress

import django
import pytest
from django.conf import settings
from django.db import connections, transaction
from psycopg.conninfo import conninfo_to_dict

from wren_async import InvalidArgument, ReferenceReused
from wren_async.outbox import CNaughtMass, submit_within

RIDE = CNaughtMass(amount_kg=12)
KINDS = {
    "plain": {},
    "persistent": {"CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True},
    "pooled": {"OPTIONS": {"pool": {"min_size": 1, "max_size": 3}}},
    "server-side": {"OPTIONS": {"server_side_binding": True}},
}


class Stop(Exception):
    """Raised within a transaction, so that it rolls back."""


def take_rides(kind: str) -> None:
    """Orders that are committed, rolled back, and rolled back to a savepoint."""
    connection = connections[kind]
    for is_new in (True, False):
        with transaction.atomic(using=kind):
            assert submit_within(connection, RIDE, reference=f"{kind}-1").is_new is is_new
    for reference in (f"{kind}-rolled-back", f"{kind}-rolled-back-too"):
        with suppress(Stop), transaction.atomic(using=kind):  # raised for the rollback alone
            submit_within(connection, RIDE, reference=reference)
            raise Stop
    with transaction.atomic(using=kind):
        try:
            with transaction.atomic(using=kind):
                submit_within(connection, RIDE, reference=f"{kind}-savepoint")
                raise Stop
        except Stop:
            submit_within(connection, RIDE, reference=f"{kind}-2")
    with transaction.atomic(using=kind):
        try:
            submit_within(connection, CNaughtMass(amount_kg=13), reference=f"{kind}-1")
        except ReferenceReused:
            submit_within(connection, RIDE, reference=f"{kind}-3")
    with pytest.raises(InvalidArgument, match=r"transaction\.atomic\(\)"):
        submit_within(connection, RIDE, reference=f"{kind}-alone")


def take_one(kind: str) -> None:
    """An order in a thread of its own, which has a connection of its own."""
    with transaction.atomic(using=kind):
        submit_within(connections[kind], RIDE, reference=f"{kind}-thread")
    connections[kind].close()


def main(address: str) -> None:
    """Take rides by each kind of connection."""
    at = conninfo_to_dict(address)
    base = {"ENGINE": "django.db.backends.postgresql", "NAME": at["dbname"], "USER": at["user"], "HOST": at["host"]}
    settings.configure(DATABASES={"default": base, **{kind: {**base, **options} for kind, options in KINDS.items()}})
    django.setup()
    for kind in KINDS:
        take_rides(kind)
        thread = threading.Thread(target=take_one, args=[kind])
        thread.start()
        thread.join()
        connections[kind].close()
    connections["pooled"].close_pool()


if __name__ == "__main__":
    main(sys.argv[1])
