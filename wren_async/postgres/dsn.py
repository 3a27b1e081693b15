"""The address of a database, whose password no repr, log or error shows."""

from __future__ import annotations

import os
from collections.abc import Mapping
from itertools import zip_longest
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

    __slots__ = ("_given", "parts")

    def __init__(self, address: str) -> None:
        """Raises `InvalidConfiguration`, which does not quote the address, because there may be a password in it."""
        self._given = Secret(address.strip())
        del address
        try:
            parts: dict[str, Any] = conninfo_to_dict(self._given.reveal())
        except (ProgrammingError, UnicodeError):
            parts = {}
        if not (parts and _is_plain(self._given.reveal(), parts)):
            raise InvalidConfiguration(
                "the address of the database cannot be read: it looks like postgresql://user@host:5432/name, or "
                "postgresql://user@host1:5432,host2:5432/name for several servers. A password may stand in it before "
                "the first @, with %40, %3A and %2F for @ : and /; or in PGPASSWORD or ~/.pgpass"
            )
        self.parts = {name: str(value) for name, value in parts.items() if name not in _SECRET and value is not None}
        """What stands in the address, without what is secret."""

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

    @property
    def hosts(self) -> tuple[str, ...]:
        """The servers, of which one takes writes."""
        hosts = self.parts.get("host", self.parts.get("hostaddr", "")).split(",")
        ports = self.parts.get("port", "").split(",")
        ports = ports * len(hosts) if len(ports) == 1 else ports
        return tuple(f"{host}:{port}" if port else host for host, port in zip_longest(hosts, ports, fillvalue=""))

    def __str__(self) -> str:
        user = f"{self.parts['user']}@" if "user" in self.parts else ""
        return f"postgresql://{user}{','.join(self.hosts)}/{self.parts.get('dbname', '')}"

    def __repr__(self) -> str:
        return f"<Dsn {self}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dsn) and other._given == self._given

    def __hash__(self) -> int:
        return hash(self._given)

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("the address of a database is not pickled; read it where it is used")


def _is_plain(given: str, parts: Mapping[str, Any]) -> bool:
    """Whether no part of a password stands where it would be shown: an `@` or a `/` of it that is not written as `%40`
    or `%2F` ends it for the driver, and what follows is taken for a host, a port or a name."""
    if not given.startswith(("postgresql://", "postgres://")):
        return "=" in given
    ports = str(parts.get("port") or "").split(",")
    names = f"{parts.get('host') or ''}{parts.get('dbname') or ''}"
    return all(port.isdigit() or not port for port in ports) and "@" not in names
