"""The result of a comparison: one change with its verdict, and the verdict over all."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Final

import attrs


class Verdict(enum.StrEnum):
    """What a change does to a Python caller."""

    NEUTRAL = "neutral"
    ADDITIVE = "additive"
    BREAKING = "breaking"


class Step(enum.StrEnum):
    """The step of the version that a change asks for: `patch` where only the generated code behaves otherwise."""

    NONE = "none"
    PATCH = "patch"
    MINOR = "minor"
    MAJOR = "major"


VERDICTS: Final = tuple(Verdict)
STEPS: Final = tuple(Step)


@attrs.frozen
class Finding:
    """A verdict and its reason, not yet attached to a place and a name."""

    kind: str
    verdict: Verdict
    semver: Step
    text: str
    """What is to be said after the names."""


@attrs.frozen(kw_only=True)
class Change:
    """One change of a contract, with its verdict."""

    api: str
    location: str
    """JSON path of its place: in the new contract, or in the old one where the new has it no more."""
    python: str
    """The names in Python that it touches, with commas between them."""
    kind: str
    verdict: Verdict
    semver: Step
    text: str
    """A sentence for the changelog."""


def breaking(kind: str, text: str) -> Finding:
    """A caller of the old code has to change."""
    return Finding(kind, Verdict.BREAKING, Step.MAJOR, text)


def additive(kind: str, text: str) -> Finding:
    """A caller can do more, and has to do nothing."""
    return Finding(kind, Verdict.ADDITIVE, Step.MINOR, text)


def neutral(kind: str, text: str, semver: Step = Step.NONE) -> Finding:
    """A caller sees no difference."""
    return Finding(kind, Verdict.NEUTRAL, semver, text)


def worst(changes: Iterable[Change]) -> Verdict:
    """The verdict over all changes."""
    return max((each.verdict for each in changes), key=VERDICTS.index, default=Verdict.NEUTRAL)


def largest(changes: Iterable[Change]) -> Step:
    """The step of the version that all changes together ask for."""
    return max((each.semver for each in changes), key=STEPS.index, default=Step.NONE)
