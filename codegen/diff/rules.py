"""What it means for callers when a fact of a surface changes.

What a caller gives may be widened, and what a caller reads may be narrowed; the reverse breaks callers. All rules are
pure: old value and new value in, findings out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from codegen.diff.change import Finding, Step, Verdict, additive, breaking, neutral
from codegen.diff.python_types import NONE, Enums, Type, show, within

Rule: TypeAlias = Callable[[Any, Any, Enums], Iterator[Finding]]
"""Old value, new value, and the enums of both."""

EFFECTS: Final = {"read": 0, "compute": 0, "repeatable": 1, "keyed": 2, "once": 3}
"""How careful a caller has to be with a repeat."""
FOLLOW: Final = "the code written by hand must follow"


def classify(old: Mapping[str, Any], new: Mapping[str, Any], enums: Enums) -> Iterator[Finding]:
    """Findings over all facts that both have. Where the type changes so that callers break, limits are not compared."""
    for fact, rule in RULES.items():
        if fact in old and fact in new and old[fact] != new[fact]:
            found = list(rule(old[fact], new[fact], enums))
            yield from found
            if fact in ("takes", "reads") and any(each.verdict is Verdict.BREAKING for each in found):
                old = {key: value for key, value in old.items() if key not in ("limits", "unchecked")}


def taken(old: Type, new: Type, enums: Enums) -> Iterator[Finding]:
    """A type that callers give."""
    if within(old, new, enums.known):
        if not within(new, old, enums.known):
            yield additive("argument-widened", f"now takes `{show(new)}`, and no longer only `{show(old)}`")
    elif within(new, old, enums.known):
        gone = show(old - new)
        yield breaking("argument-narrowed", f"no longer takes `{gone}`, only `{show(new)}`")
    else:
        yield breaking("argument-type-changed", f"takes `{show(new)}` instead of `{show(old)}`")


def read(old: Type, new: Type, enums: Enums) -> Iterator[Finding]:
    """A type that callers read."""
    if within(new, old, enums.open):
        if not within(old, new, enums.open):
            yield additive("answer-narrowed", f"is always `{show(new)}` now, and no longer `{show(old)}`")
    elif new == old | {NONE}:
        yield breaking("answer-nullable", "can now be `None`")
    elif within(old, new, enums.known):
        yield breaking("answer-widened", f"can now be `{show(new)}`, and no longer only `{show(old)}`")
    else:
        yield breaking("answer-type-changed", f"is `{show(new)}` instead of `{show(old)}`")


def required(_: bool, new: bool, __: Enums) -> Iterator[Finding]:
    """Whether an argument must be given."""
    if new:
        yield breaking("argument-required", "must now be given; it could be left out")
    else:
        yield additive("argument-optional", "can now be left out")


def position(old: int | None, new: int | None, _: Enums) -> Iterator[Finding]:
    """At which place an argument may be given without its name."""
    if old is None:
        yield additive("argument-positional", "can now be given by position")
    elif new is None:
        yield breaking("argument-keyword-only", "can no longer be given by position; give it by name")
    else:
        yield breaking("argument-order-changed", f"is now positional argument {new + 1} instead of {old + 1}")


Bound: TypeAlias = tuple[float, int]


def _interval(limits: Mapping[str, int]) -> tuple[Bound, Bound, Bound, Bound]:
    """Lower and upper bound of a number and of a length, each so that a larger value is a tighter bound."""
    endless = float("-inf")
    lower = max((limits.get("minimum", endless), 0), (limits.get("above", endless), 1))
    upper = max((-limits.get("maximum", -endless), 0), (-limits.get("below", -endless), 1))
    return lower, upper, (limits.get("min_length", 0), 0), (-limits.get("max_length", -endless), 0)


def limits(old: Mapping[str, int], new: Mapping[str, int], _: Enums) -> Iterator[Finding]:
    """The interval in which an argument must lie."""
    pairs = list(zip(_interval(old), _interval(new), strict=True))
    text = f"takes {_range(new)}; took {_range(old)}"
    if any(after > before for before, after in pairs):
        yield breaking("argument-limits-narrowed", text)
    elif any(after < before for before, after in pairs):
        yield additive("argument-limits-widened", text)


_WORDS: Final = {
    "above": "more than {}",
    "minimum": "{} or more",
    "below": "less than {}",
    "maximum": "{} or less",
    "min_length": "{} characters or more",
    "max_length": "{} characters or fewer",
}


def _range(limits: Mapping[str, int]) -> str:
    return " and ".join(text.format(limits[word]) for word, text in _WORDS.items() if word in limits) or "any value"


Spellings: TypeAlias = tuple[str, frozenset[str]]


def spellings(old: Spellings, new: Spellings, _: Enums) -> Iterator[Finding]:
    """The contract's name on the wire, and the aliases that are read beside it."""
    if gone := sorted(old[1] - {new[0], *new[1]}):
        yield breaking("alias-removed", f"is no longer read from {_names(gone)}")
    elif added := sorted(new[1] - {old[0], *old[1]}):
        yield additive("alias-added", f"is now read from {_names(added)} too")


def answers(old: Mapping[str, Any], new: Mapping[str, Any], _: Enums) -> Iterator[Finding]:
    """Bodies and headers of the answers that were there and still are."""
    if changed := sorted(status for status in old.keys() & new.keys() if old[status] != new[status]):
        yield neutral("answers-changed", f"answers {', '.join(changed)} with another body or other headers")


def effect(old: str, new: str, _: Enums) -> Iterator[Finding]:
    """Whether a caller, and the client, may repeat an operation."""
    text = f"has the effect `{new}` instead of `{old}`"
    if EFFECTS[new] > EFFECTS[old]:
        yield breaking("effect-stricter", f"{text}; repeat its calls with more care than before")
    elif EFFECTS[new] < EFFECTS[old]:
        yield additive("effect-milder", f"{text}, so its calls are repeated where they were not")
    else:
        yield neutral("effect-changed", text, Step.PATCH)


def spends(_: bool, new: bool, __: Enums) -> Iterator[Finding]:
    """Whether an operation spends money. Old callers work as before; its command asks first."""
    if new:
        yield additive("spends", "now spends money, so that its command asks first")
    else:
        yield additive("spends-no-more", "spends no money any more, so that its command does not ask")


def compute_when(old: str | None, new: str | None, _: Enums) -> Iterator[Finding]:
    """The dry run of a write."""
    if old is None:
        yield additive("dry-run-added", f"now has a dry run: `{new}`")
    elif new is None:
        yield breaking("dry-run-removed", "has no dry run any more: each call acts")
    else:
        yield breaking("dry-run-changed", f"has another dry run, `{new}`; with `{old}` a call acts")


def credentials(old: str, new: str, _: Enums) -> Iterator[Finding]:
    """Whether a token is needed."""
    if new == "required":
        yield breaking("credentials-required", "now needs a token")
    elif old == "required":
        yield additive("credentials-optional", "no longer needs a token")
    else:
        yield neutral("credentials-changed", f"takes a token as `{new}` instead of `{old}`", Step.PATCH)


def deprecated(_: bool, new: bool, __: Enums) -> Iterator[Finding]:
    """What the API advises against. Semantic versioning asks for a minor step."""
    if new:
        yield additive("deprecated", "is deprecated")
    else:
        yield neutral("deprecation-lifted", "is no longer deprecated", Step.PATCH)


def statuses(old: tuple[str, ...], new: tuple[str, ...], _: Enums) -> Iterator[Finding]:
    """Statuses of answers. Those of errors become exceptions by rules of their own."""
    if added := [each for each in new if each not in old]:
        yield neutral("status-added", f"may now answer {', '.join(added)}")
    if gone := [each for each in old if each not in new]:
        yield neutral("status-removed", f"no longer answers {', '.join(gone)}")


def _gained_or_lost(kind: str, gained: str, lost: str) -> Rule:
    """The rule for a leniency in reading: gaining it is additive, losing it is breaking."""

    def rule(_: Any, new: Any, __: Enums) -> Iterator[Finding]:
        yield additive(f"{kind}-added", gained) if new else breaking(f"{kind}-removed", lost)

    return rule


def _told(kind: str, text: str, semver: Step = Step.NONE) -> Rule:
    """The rule for something that no caller sees."""

    def rule(old: Any, new: Any, _: Enums) -> Iterator[Finding]:
        yield neutral(kind, text.format(old=_show(old), new=_show(new)), semver)

    return rule


def _moved(kind: str, text: str) -> Rule:
    """The rule for something that no caller sees when it changes. Where it appears or goes, the argument for it has a
    finding of its own."""

    def rule(old: Any, new: Any, _: Enums) -> Iterator[Finding]:
        if old and new:
            yield neutral(kind, text.format(old=_show(old), new=_show(new)), Step.PATCH)

    return rule


def _bare_array(old: str | None, new: str | None, _: Enums) -> Iterator[Finding]:
    if new is None:
        yield breaking("bare-array-removed", "is no longer read from a bare array")
    elif old is None:
        yield additive("bare-array-added", "is now read from a bare array too")
    else:
        yield breaking("bare-array-changed", f"reads a bare array as `{new}` instead of `{old}`")


def _value(old: str, new: str, _: Enums) -> Iterator[Finding]:
    yield breaking("member-value-changed", f"equals {new} instead of {old}")


def _show(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _names(wires: list[str]) -> str:
    return " and ".join(f"`{wire}`" for wire in wires)


RULES: Final[Mapping[str, Rule]] = {
    # what callers write
    "takes": taken,
    "required": required,
    "position": position,
    "limits": limits,
    # what callers read
    "reads": read,
    "spellings": spellings,
    "lenient": _gained_or_lost(
        "leniency",
        "no longer fails an answer by a value that cannot be read",
        "fails an answer by a value that cannot be read",
    ),
    "bare_array": _bare_array,
    "open": _gained_or_lost(
        "open-enum", "keeps values that are not listed", "no longer keeps values that are not listed, and fails"
    ),
    "value": _value,
    # what a call does
    "effect": effect,
    "spends": spends,
    "compute_when": compute_when,
    "credentials": credentials,
    "deprecated": deprecated,
    # the wire
    "id": _told("operation-id-changed", "has the operationId {new} instead of {old}", Step.PATCH),
    "route": _told("route-changed", "is sent as {new} instead of {old}", Step.PATCH),
    "wire": _told("wire-name-changed", "is spelled {new} on the wire instead of {old}", Step.PATCH),
    "media_types": _moved("media-type-changed", "is sent as {new} instead of {old}"),
    "idempotency_header": _moved("header-changed", "sends the key as {new} instead of {old}"),
    "subaccount_header": _moved("header-changed", "sends the subaccount as {new} instead of {old}"),
    "reference": _moved("reference-moved", f"sends the reference as `{{new}}` instead of `{{old}}`; {FOLLOW}"),
    "statuses": statuses,
    "answers": answers,
    "paging": _told("paging-changed", f"is paged in another way; {FOLLOW}", Step.PATCH),
    "servers": _told("servers-changed", f"is served at {{new}} instead of {{old}}; {FOLLOW}", Step.PATCH),
    "security": _told("security-changed", f"has other security schemes; {FOLLOW}", Step.PATCH),
    # the documentation
    "unchecked": _told(
        "server-check-changed", "is checked or filled in otherwise by the server, which no code looks at"
    ),
    "sources": _told("source-changed", "has another source"),
    "text": _told("description-changed", "is described in other words"),
}
"""The rule for each fact, in the order of the findings."""
