"""The names of a new operation, derived from its method and path."""

from __future__ import annotations

import re
from typing import Final

import attrs
from openapi_python_client.strings import snake_case

PREFIX: Final = re.compile(r"^/(api/)?")
VERBS: Final = {"get": "get", "post": "create", "put": "replace", "patch": "update", "delete": "delete"}
EFFECTS: Final = {"get": "read", "post": "once", "put": "repeatable", "patch": "repeatable", "delete": "repeatable"}
PAGING: Final = {"wren": "offset", "cnaught": "cursor"}
"""How each API pages its lists."""


@attrs.frozen(kw_only=True)
class Stub:
    """A new operation, by its names."""

    api: str
    method: str
    path: str
    paged: bool = False
    effect: str
    source: str | None = None
    """The page that states it."""

    @property
    def one(self) -> str:
        """What it is about, in words, such as `impact report`."""
        return singular(self.segments[-1]).replace("-", " ")

    @property
    def many(self) -> str:
        """The plural of it."""
        return self.segments[-1].replace("-", " ")

    @property
    def summary(self) -> str:
        """What it does, in a line."""
        verbs = {"get": "Fetch", "post": "Create", "put": "Replace", "patch": "Update", "delete": "Delete"}
        return f"List {self.many}." if self.lists else f"{verbs[self.method]} {article(self.one)}."

    @property
    def identifiers(self) -> list[str]:
        """Parameters of the path."""
        return re.findall(r"{([^}]*)}", self.path)

    @property
    def segments(self) -> list[str]:
        """Parts of the path that are no parameters."""
        return [each for each in PREFIX.sub("", self.path).split("/") if each and not each.startswith("{")]

    @property
    def tag(self) -> str:
        """The module of its builders."""
        return str(snake_case(self.segments[0]))

    @property
    def model(self) -> str:
        """The class of what it answers, such as `ImpactReport`."""
        return "".join(word.capitalize() for word in singular(self.segments[-1]).split("-"))

    @property
    def lists(self) -> bool:
        """Whether it answers many things."""
        return self.method == "get" and not self.path.endswith("}")

    @property
    def operation(self) -> str:
        """The operationId."""
        plural = "".join(word.capitalize() for word in self.segments[-1].split("-"))
        return f"list{plural}" if self.lists else f"{VERBS[self.method]}{self.model}"

    @property
    def builder(self) -> str:
        """The generated function."""
        return str(snake_case(self.operation))

    @property
    def verb(self) -> str:
        """The method of the facade."""
        return "list" if self.lists else VERBS[self.method]

    @property
    def resource(self) -> str:
        """The facade's class, such as `ImpactReports`."""
        return "".join(word.capitalize() for word in self.tag.split("_"))

    def python_name(self, identifier: str) -> str:
        """A path parameter in Python. `id` alone would say nothing, so it is called after what stands before it."""
        if identifier != "id":
            return str(snake_case(identifier))
        owner = PREFIX.sub("", self.path).partition("/{id}")[0].rpartition("/")[2]
        return f"{snake_case(singular(owner))}_id"


def singular(word: str) -> str:
    """A plural's singular, well enough for a stub."""
    return f"{word[:-3]}y" if word.endswith("ies") else word.removesuffix("s")


def article(word: str) -> str:
    """A noun with its article."""
    return f"an {word}" if word[:1] in "aeiou" else f"a {word}"
