"""Rules on `x-` extensions: one vocabulary, and each word only where it means something."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from codegen.contract import Node
from codegen.lint.problem import Problem
from codegen.lint.vocabulary import KNOWN
from codegen.walk import kind, maps_names, nodes


def known(document: Node) -> Iterator[Problem]:
    """Every extension is of the vocabulary and stands where it may. An unknown one would be read by nothing."""
    for path, node in nodes(document):
        words = [] if maps_names(path) else [str(key) for key in node if str(key).startswith("x-")]
        for word in words:
            if word not in KNOWN:
                near = difflib.get_close_matches(word, KNOWN, n=1)
                hint = f"did you mean {near[0]}?" if near else "openapi/EXTENSIONS.md lists all"
                yield Problem.at((*path, word), f"{word} is no known extension; {hint}")
            elif (places := KNOWN[word].places) and kind(path) not in places:
                allowed = " or ".join(sorted(places))
                yield Problem.at((*path, word), f"{word} may stand on {allowed}, not on {kind(path)}; move it there")


def values(document: Node) -> Iterator[Problem]:
    """The value of every extension makes sense by itself."""
    for path, node in nodes(document):
        for word, extension in KNOWN.items():
            if word in node and not maps_names(path) and (message := extension.check(node[word])):
                yield Problem.at((*path, word), f"{word} {message}")
