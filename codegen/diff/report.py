"""The changes and their verdicts as text: for people, for a pull request, and for programs."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence
from typing import Final

import attrs

from codegen.diff.change import VERDICTS, Change, Verdict, largest, worst

WIDE: Final = 116
SUMMARY: Final = {
    Verdict.BREAKING: "breaks callers",
    Verdict.ADDITIVE: "adds, and breaks nothing",
    Verdict.NEUTRAL: "changes nothing for callers",
}


def as_json(changes: Sequence[Change]) -> str:
    """For programs: the verdict over all, and each change."""
    found = {
        "verdict": worst(changes),
        "semver": largest(changes),
        "changes": [attrs.asdict(each) for each in changes],
    }
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def as_table(changes: Sequence[Change]) -> str:
    """For people: one block for each verdict, the worst first."""
    lines = [_summary(changes)]
    for verdict, found in _grouped(changes):
        lines += ["", f"{verdict.upper()} ({len(found)})"]
        for each in found:
            head = f"  {each.api:<8} {each.semver:<6} "
            lines += textwrap.wrap(
                each.text, WIDE, initial_indent=head, subsequent_indent=" " * len(head), break_long_words=False
            )
            lines.append(" " * len(head) + each.location)
    return "\n".join(lines) + "\n"


def as_markdown(changes: Sequence[Change]) -> str:
    """For a pull request."""
    lines = ["## Change of the contract", "", _summary(changes)]
    for verdict, found in _grouped(changes):
        lines += ["", f"### {verdict.capitalize()}", "", "| API | what | where | step |", "|---|---|---|---|"]
        lines += [f"| {each.api} | {_cell(each.text)} | `{_cell(each.location)}` | {each.semver} |" for each in found]
    return "\n".join(lines) + "\n"


def _summary(changes: Sequence[Change]) -> str:
    if not changes:
        return "No change: verdict neutral, semver none."
    verdict = worst(changes)
    number = f"{len(changes)} change{'s' if len(changes) > 1 else ''}"
    return f"{number}: verdict {verdict} ({SUMMARY[verdict]}), semver {largest(changes)}."


def _grouped(changes: Sequence[Change]) -> Iterator[tuple[Verdict, list[Change]]]:
    for verdict in reversed(VERDICTS):
        if found := [each for each in changes if each.verdict is verdict]:
            yield verdict, found


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
