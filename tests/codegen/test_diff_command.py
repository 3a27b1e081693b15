"""The commands `diff` and `release-check`: on folders and revisions, for people and for programs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from codegen.__main__ import main
from codegen.diff.change import Change, Step, Verdict
from codegen.release import problems

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository with our contract, released as 0.1.0."""
    shutil.copytree(ROOT / "openapi", tmp_path / "openapi")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "add", "-A")
    git(tmp_path, "-c", "user.name=T", "-c", "user.email=t@example.com", "commit", "-qm", "Begin")
    return tmp_path


def git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(root), *arguments], check=True, capture_output=True)


def edit(root: Path, old: str, new: str, api: str = "wren") -> None:
    path = root / "openapi" / f"{api}.yaml"
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def diff(root: Path, *arguments: str) -> int:
    return main(["--root", str(root), "diff", *arguments])


def test_json_of_a_breaking_change(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(project, "operationId: getCreditBalance", "operationId: fetchCreditBalance")
    assert diff(project, "HEAD", str(project / "openapi"), "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert list(found) == ["verdict", "semver", "changes"]
    assert (found["verdict"], found["semver"]) == ("breaking", "major")
    assert found["changes"][0] == {
        "api": "wren",
        "location": "$.paths./api/credits/balance.get",
        "python": "operations.wallet.get_credit_balance",
        "kind": "operation-renamed",
        "verdict": "breaking",
        "semver": "major",
        "text": "`operations.wallet.get_credit_balance` is now called `operations.wallet.fetch_credit_balance`.",
    }


def test_the_exit_status_is_1_only_where_something_breaks(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert diff(project, "HEAD") == 0
    assert capsys.readouterr().out == "No change: verdict neutral, semver none.\n"
    edit(project, "operationId: getCreditBalance", "deprecated: true\n      operationId: getCreditBalance")
    assert diff(project, "HEAD") == 0
    assert "verdict additive (adds, and breaks nothing), semver minor" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "said"),
    [
        ("no-such-revision", "no-such-revision: no folder, and no revision that git knows here"),
        ("--output=x", "--output=x: no folder, and no revision"),
    ],
)
def test_a_revision_that_is_not_there(project: Path, capsys: pytest.CaptureFixture[str], old: str, said: str) -> None:
    assert diff(project, "--", old, "HEAD") == 2
    assert said in capsys.readouterr().err


def test_a_folder_that_holds_no_contract(project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    assert diff(project, str(tmp_path / "empty"), "HEAD") == 2
    assert "the folder must hold wren.yaml and cnaught.yaml" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("operationId: getCreditBalance", "operationId: getCreditBalance\n      operationId: x", "stands twice"),
        ("operationId: getCreditBalance", "operationId: [getCreditBalance", "close the bracket"),
        ("operationId: getCreditBalance", "operationId: createTreeOrder", "not unique"),
        ("title: Wren API", "titel: Wren API", "title"),
    ],
)
def test_a_contract_that_cannot_be_read(
    project: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, said: str
) -> None:
    edit(project, old, new)
    status = diff(project, "HEAD")
    captured = capsys.readouterr()
    assert (status, captured.out) == (2, "")
    assert said in captured.err
    assert "Traceback" not in captured.err


def test_markdown_for_a_pull_request(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(project, "operationId: getCreditBalance", "operationId: fetchCreditBalance")
    assert diff(project, "HEAD", "--markdown") == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["## Change of the contract", ""]
    assert "### Breaking" in lines
    assert (
        "| wren | `operations.wallet.get_credit_balance` is now called `operations.wallet.fetch_credit_balance`. "
        "| `$.paths./api/credits/balance.get` | major |"
    ) in lines


def test_the_last_tag_is_what_is_compared_with(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git(project, "tag", "v0.1.0")
    edit(project, "operationId: getCreditBalance", "operationId: fetchCreditBalance")
    git(project, "-c", "user.name=T", "-c", "user.email=t@example.com", "commit", "-qam", "Rename")
    assert diff(project) == 1
    assert "is now called" in capsys.readouterr().out


def test_a_diff_of_good_contracts_loads_no_validators(project: Path) -> None:
    """They take longer to load than the whole comparison does."""
    edit(project, "operationId: getCreditBalance", "operationId: fetchCreditBalance")
    edit(project, "operationId: getOrder\n", "operationId: fetchOrder\n", "cnaught")
    program = (
        "import sys; from codegen.__main__ import main; "
        f"status = main(['--root', {str(project)!r}, 'diff', 'HEAD', '--json']); "
        "sys.exit(status + 10 * ('openapi_spec_validator' in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr


def test_before_a_release_version_and_changelog_are_held_against_the_change(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check = ["--root", str(project), "release-check"]
    assert main(check) == 0
    assert "Nothing is released yet" in capsys.readouterr().out
    git(project, "tag", "v0.1.0")
    edit(project, "operationId: getCreditBalance", "operationId: fetchCreditBalance")
    assert main(check) == 1
    said = capsys.readouterr().out
    assert "Since v0.1.0: verdict breaking, semver major; pyproject.toml says 0.1.0." in said
    assert "There is no CHANGELOG.md yet" in said
    assert "the version must be 0.2.0 or later, not 0.1.0" in said
    pyproject = project / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace('version = "0.1.0"', 'version = "0.2.0"'))
    assert main(check) == 0
    (project / "CHANGELOG.md").write_text("# Changes\n\n## 0.2.0\n\nNews.\n\n## 0.1.0\n\nget_credit_balance\n")
    assert main(check) == 1
    assert (
        "does not tell what breaks; add to 0.2.0: `operations.wallet.get_credit_balance` is" in capsys.readouterr().out
    )
    (project / "CHANGELOG.md").write_text("# Changes\n\n## 0.2.0\n\n`get_credit_balance` is `fetch_credit_balance`.\n")
    assert main(check) == 0


def change(verdict: Verdict, semver: Step) -> Change:
    return Change(api="wren", location="$", python="models.A.b", kind="k", verdict=verdict, semver=semver, text="T.")


@pytest.mark.parametrize(
    ("tag", "project", "semver", "right"),
    [
        ("v1.2.3", "2.0.0", Step.MAJOR, True),
        ("v1.2.3", "1.3.0", Step.MAJOR, False),
        ("v1.2.3", "1.3.0", Step.MINOR, True),
        ("v1.2.3", "1.2.4", Step.MINOR, False),
        ("1.2.3", "1.2.4", Step.PATCH, True),
        ("1.2.3", "1.2.3", Step.PATCH, False),
        ("1.2.3", "1.2.3", Step.NONE, True),
        ("v0.1.0", "0.2.0", Step.MAJOR, True),
        ("v0.1.0", "0.1.1", Step.MAJOR, False),
        ("v0.1.0", "0.1.1", Step.MINOR, True),
        ("v2.0.0", "1.9.0", Step.PATCH, False),
        ("release-7", "1.0.0", Step.NONE, False),
    ],
)
def test_the_step_that_a_version_takes(tag: str, project: str, semver: Step, right: bool) -> None:
    verdict = Verdict.BREAKING if semver is Step.MAJOR else Verdict.NEUTRAL
    assert bool(list(problems(tag, project, None, [change(verdict, semver)]))) is not right
