"""Each mistake that an author makes is told by file, line and column, with its remedy, on a screen, all at once."""

# ruff: noqa: E501  what is printed stands here as it is printed

from __future__ import annotations

import copy
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.__main__ import main
from codegen.lint import lint
from codegen.reading import Mark, UnreadableYAML, read

ROOT = Path(__file__).resolve().parents[2]
SHOP = read((Path(__file__).parent / "shop.yaml").read_bytes()).value


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "openapi", tmp_path / "openapi")
    return tmp_path


def edit(root: Path, old: str, new: str, api: str = "wren", count: int = 1) -> int:
    """Put a mistake into a contract; returns its line."""
    path = root / "openapi" / f"{api}.yaml"
    text = path.read_text()
    assert text.count(old) >= 1, old
    path.write_text(text.replace(old, new, count))
    return text[: text.index(old)].count("\n") + 1


def said(root: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    assert main(["--root", str(root), "--check"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err.splitlines()


MISTAKES: list[tuple[str, str, str, int, str]] = [
    (
        "a missing effect",
        "      x-effect: once\n",
        "",
        -12,
        ":5: needs x-effect: read, compute, repeatable, keyed, once; where unsure, once ($.paths./api/offset-orders.post)",
    ),
    (
        "an unknown extension",
        "x-effect: once",
        "x-effekt: once",
        0,
        ":7: x-effekt is no known extension; did you mean x-effect? ($.paths./api/offset-orders.post.x-effekt)",
    ),
    (
        "a wrong reference",
        "$ref: '#/components/schemas/OffsetOrderReceipt'",
        "$ref: '#/components/schemas/OffsetOrderRecept'",
        0,
        (
            ":17: #/components/schemas/OffsetOrderRecept names nothing; did you mean #/components/schemas/OffsetOrderReceipt? "
            "($.paths./api/offset-orders.post.responses.200.content.application/json.schema.$ref)"
        ),
    ),
    (
        "a wrong type",
        "type: boolean",
        "type: bolean",
        0,
        ":11: 'bolean' is no type; did you mean boolean? ($.components.schemas.OffsetOrderRequest.properties.dryRun.type)",
    ),
    (
        "an operationId that is there twice",
        "operationId: listOffsetOrders",
        "operationId: createOffsetOrder",
        0,
        ":7: createOffsetOrder is not unique in snake_case; choose another ($.paths./api/offset-orders.get.operationId)",
    ),
    (
        "a key that is there twice",
        "      operationId: createOffsetOrder\n",
        "      operationId: createOffsetOrder\n      operationId: createOrder\n",
        1,
        ":7: operationId stands twice, first in line {first}; keep one of the two",
    ),
    (
        "a colon in a text",
        "summary: List the caller's own offset orders.",
        "summary: List: the caller's own offset orders.",
        0,
        (
            ":20: is no YAML (mapping values are not allowed in this context): put quotes around a text that holds a colon, "
            "or mend the indent"
        ),
    ),
    (
        "a wrong indent",
        "      operationId: createOffsetOrder\n",
        "     operationId: createOffsetOrder\n",
        1,
        ":11: is no YAML (mapping values are not allowed in this context): put quotes around a text that holds a colon, or mend the indent",
    ),
    (
        "a tab",
        "      operationId: createOffsetOrder\n",
        "\toperationId: createOffsetOrder\n",
        0,
        (
            ":1: is no YAML (while scanning for the next token found character that cannot start any token): indent with "
            "blanks and not tabs; quote a text that begins with ` @ or %"
        ),
    ),
]


@pytest.mark.parametrize(
    ("old", "new", "below", "message"), [each[1:] for each in MISTAKES], ids=[each[0] for each in MISTAKES]
)
def test_a_mistake_is_explained(
    project: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, below: int, message: str
) -> None:
    line = edit(project, old, new)
    lines = said(project, capsys)
    expected = f"openapi/wren.yaml:{line + below}{message}".replace("{first}", str(line))
    assert expected[:240] in lines, "\n".join(lines)
    assert len(lines) <= 4


def test_an_empty_file_and_a_missing_one(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "openapi" / "wren.yaml").write_text("# nothing\n")
    (project / "openapi" / "cnaught.yaml").unlink()
    assert said(project, capsys) == [
        (
            "openapi/cnaught.yaml:1:1: cannot be read (No such file or directory); restore it, such as by "
            "`git restore openapi/cnaught.yaml`"
        ),
        "openapi/wren.yaml:1:1: is empty; an OpenAPI document begins with `openapi: 3.1.0`",
    ]


def test_all_mistakes_of_both_files_are_told_at_once(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(project, "$ref: '#/components/schemas/OffsetOrderReceipt'", "$ref: '#/components/schemas/OffsetOrderRecept'")
    edit(project, "      x-effect: once\n", "")
    edit(project, "type: boolean", "type: bolean")
    edit(project, "operationId: getOrder\n", "operationId: getOrder\n      operationId: get\n", "cnaught")
    lines = said(project, capsys)
    for message in ("names nothing", "needs x-effect", "'bolean' is no type; did you mean boolean?", "stands twice"):
        assert sum(message in line for line in lines) == 1, "\n".join(lines)
    assert len(lines) == 4


def test_many_mistakes_fit_on_a_screen(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(project, "x-effect:", "x-efect:", count=40)
    lines = said(project, capsys)
    assert len(lines) == 21
    assert lines[-1] == "… and 8 more: mend these, and run it again."
    assert all(len(line) <= 240 for line in lines)


@pytest.mark.parametrize(
    ("text", "mark", "message"),
    [
        ("a: [1\nb: 2\n", Mark(2, 2), "close the bracket"),
        ('a: "x\n', Mark(2, 1), "close the quotes"),
        ("a: *b\n", Mark(1, 4), "must stand above its alias"),
        ("&a [*a]\n", Mark(1, 1), "must not hold its own alias"),
        ("a: 1\nb: {c: 1, c: 2}\na: 2\n", Mark(2, 11), "c stands twice, first in line 2"),
        ("? [a]\n: b\n", Mark(1, 3), "a key must be a text"),
        ("a: !!python/name:os.system x\n", Mark(1, 4), "could not determine a constructor"),
        ("a: x\x00\n", Mark(1, 1), "control characters"),
    ],
)
def test_what_is_no_yaml(text: str, mark: Mark, message: str) -> None:
    with pytest.raises(UnreadableYAML) as caught:
        read(text)
    assert caught.value.faults[0].mark == mark
    assert message in caught.value.faults[0].message


def test_yaml_is_read_as_of_today() -> None:
    assert read("{a: no, b: 2026-07-01, c: 1.5, d: null, e: true, f: 012, g: 1e3, h: -7}").value == {
        "a": "no",
        "b": "2026-07-01",
        "c": 1.5,
        "d": None,
        "e": True,
        "f": "012",
        "g": 1000.0,
        "h": -7,
    }


@settings(max_examples=40)
@given(st.data())
def test_no_mistake_is_met_with_a_traceback(data: st.DataObject) -> None:
    document: Any = copy.deepcopy(SHOP)
    node, path = document, []
    for _ in range(data.draw(st.integers(1, 7))):
        keys = list(node) if isinstance(node, dict) else list(range(len(node))) if isinstance(node, list) else []
        if not keys:
            break
        path.append((node, data.draw(st.sampled_from(keys))))
        node = path[-1][0][path[-1][1]]
    holder, key = path[-1]
    holder[key] = data.draw(st.sampled_from([None, True, 3, "x", [], {}, ["x"], {"x": 1}, [3], {"$ref": "#/x"}]))
    for problem in lint(document):
        assert problem.message
        assert "cannot be read" not in problem.message, problem
