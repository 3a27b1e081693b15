"""The address of a database, whose password no repr, log or error shows."""

from __future__ import annotations

import os
from typing import Any, Final, Self

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from wren_async.errors import InvalidConfiguration
from wren_async.http.secret import Secret

VARIABLE: Final = "WREN_ASYNC_DATABASE"
"""The variable of the environment that names the database."""
_SECRET: Final = ("password", "sslpassword", "passfile", "oauth_client_secret")


class Dsn:
    """Where a database is, and who connects to it. Made of an address such as `postgresql://app@db.example/orders`."""

    __slots__ = ("_given", "_shown")

    def __init__(self, address: str) -> None:
        """Raises `InvalidConfiguration`, which does not quote the address, because there may be a password in it."""
        self._given = Secret(address.strip())
        del address
        try:
            parts: dict[str, Any] = conninfo_to_dict(self._given.reveal())
        except (ProgrammingError, UnicodeError):
            parts = {}
        if not self._given.reveal().startswith(("postgresql://", "postgres://")) and "=" not in self._given.reveal():
            parts = {}
        if not parts:
            raise InvalidConfiguration(
                "the address of the database cannot be read: it looks like postgresql://user@host:5432/name, and a "
                "password may stand in it, in PGPASSWORD or in ~/.pgpass"
            )
        self._shown = {name: str(value) for name, value in parts.items() if name not in _SECRET and value is not None}

    @classmethod
    def from_environment(cls) -> Self:
        """The one that the environment names. Raises `InvalidConfiguration` where it names none."""
        address = os.environ.get(VARIABLE, "").strip()
        if not address:
            raise InvalidConfiguration(f"no database is named: give its address, or set {VARIABLE}")
        return cls(address)

    def reveal(self) -> str:
        """The whole address. Only for the moment of connecting."""
        return self._given.reveal()

    def scrub(self, text: str) -> str:
        """A text of the database or its driver, without the passwords of this address."""
        for name in _SECRET:
            value = conninfo_to_dict(self._given.reveal()).get(name)
            if value:
                text = text.replace(str(value), "***")
        return text

    def __str__(self) -> str:
        shown = self._shown
        user = f"{shown['user']}@" if "user" in shown else ""
        port = f":{shown['port']}" if "port" in shown else ""
        return f"postgresql://{user}{shown.get('host', '')}{port}/{shown.get('dbname', '')}"

    def __repr__(self) -> str:
        return f"<Dsn {self}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dsn) and other._given == self._given

    def __hash__(self) -> int:
        return hash(self._given)

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("the address of a database is not pickled; read it where it is used")
