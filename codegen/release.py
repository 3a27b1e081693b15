"""`python -m codegen release-check`: do version and changelog say what the change since the last tag asks for?"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from codegen.diff.change import STEPS, Change, Step, Verdict, largest, worst
from codegen.diff.command import between
from codegen.revisions import FOLDER, UnreadableContract, last_release

_VERSION: Final = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")


class Version(NamedTuple):
    """A released or coming version."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> Version | None:
        """The version that a tag or a project names."""
        found = _VERSION.match(text)
        return None if found is None else cls(*map(int, found.groups()))

    def __str__(self) -> str:
        return ".".join(map(str, self))

    def step(self, later: Version) -> Step:
        """The step from this version to a later one."""
        for step, before, after in zip((Step.MAJOR, Step.MINOR, Step.PATCH), self, later, strict=True):
            if after != before:
                return step if after > before else Step.NONE
        return Step.NONE

    def after(self, step: Step) -> Version:
        """The least version that is a step later."""
        return {
            Step.MAJOR: Version(self.major + 1, 0, 0),
            Step.MINOR: Version(self.major, self.minor + 1, 0),
            Step.PATCH: Version(self.major, self.minor, self.patch + 1),
            Step.NONE: self,
        }[step]

    def asked(self, step: Step) -> Step:
        """The step that a change asks of this version: before 1.0.0, a minor step for what breaks, else a patch."""
        smaller = {Step.MAJOR: Step.MINOR, Step.MINOR: Step.PATCH}
        return step if self.major else smaller.get(step, step)


def options(_: argparse.ArgumentParser) -> None:
    """What the command takes: nothing of its own."""


def run(chosen: argparse.Namespace) -> int:
    """Print what is missing; the exit status is 1 where something is, and 2 where a contract cannot be read."""
    root: Path = chosen.root
    try:
        tag = last_release(root)
        if tag is None:
            sys.stdout.write("Nothing is released yet: there is no tag to compare with.\n")
            return 0
        changes = between(tag, str(root / FOLDER), root)
    except UnreadableContract as error:
        sys.stderr.write(f"{error}\n")
        return 2
    with (root / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]["version"]
    sys.stdout.write(
        f"Since {tag}: verdict {worst(changes)}, semver {largest(changes)}; pyproject.toml says {project}.\n"
    )
    path = root / "CHANGELOG.md"
    changelog = path.read_text(encoding="utf-8") if path.exists() else None
    if changelog is None:
        sys.stdout.write("There is no CHANGELOG.md yet, so only the version is checked.\n")
    found = list(problems(tag, project, changelog, changes))
    sys.stdout.write("\n".join(found or ["The release says what the contract asks for."]) + "\n")
    return int(bool(found))


def problems(tag: str, project: str, changelog: str | None, changes: Sequence[Change]) -> Iterator[str]:
    """What is missing in version and changelog for a release with these changes."""
    before, now = Version.parse(tag), Version.parse(project)
    if before is None or now is None:
        yield f"the tag {tag} or the version {project} is no version of three numbers"
        return
    needed = before.asked(largest(changes))
    if STEPS.index(before.step(now)) < STEPS.index(needed):
        yield f"the version must be {before.after(needed)} or later, not {project}"
    if changelog is None or not changes:
        return
    section = _section(changelog, str(now))
    if section is None:
        yield f"CHANGELOG.md has no section for {now}"
        return
    for change in changes:
        if change.verdict is Verdict.BREAKING and not any(name in section for name in _short(change.python)):
            yield f"CHANGELOG.md does not tell what breaks; add to {now}: {change.text}"


def _section(changelog: str, version: str) -> str | None:
    """What stands below the heading of a version, to the next heading of its kind."""
    lines = changelog.splitlines()
    for index, line in enumerate(lines):
        if line.startswith("#") and re.search(rf"(?<![\d.]){re.escape(version)}(?![\d.])", line):
            mark = line.split(" ")[0]
            end = next((n for n in range(index + 1, len(lines)) if lines[n].split(" ")[0] == mark), len(lines))
            return "\n".join(lines[index + 1 : end])
    return None


def _short(python: str) -> list[str]:
    """The last part of each name, by which a sentence may call it."""
    return [re.split(r"[.(]", name.rstrip(")"))[-1] for name in python.split(", ")]
