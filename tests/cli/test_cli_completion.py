"""Completion, as bash does it with the script that it is given."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from wren_async._generated.commands import COMMANDS
from wren_async.cli import main
from wren_async.cli.app import words_of

ASK = """
source {script}
COMP_WORDS=({words})
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_wren_async
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("completion") / "wren-async.bash"
    with path.open("w") as file, pytest.MonkeyPatch.context() as patched:
        patched.setattr("sys.stdout", file)
        assert main(["completion", "bash"]) == 0
    return path


def completed(script: Path, line: str, folder: Path | None = None) -> list[str]:
    """What bash offers at the end of a line."""
    asked = ASK.format(script=script, words=line.replace('""', "''"))
    command = ["bash", "--norc", "--noprofile", "-u", "-c", asked]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("wren-async cn", ["cnaught"]),
        ("wren-async cnaught quo", ["quotes"]),
        ("wren-async cnaught quotes tr", ["train"]),
        ("wren-async cnaught quotes train --dis", ["--distance-km"]),
        ("wren-async cnaught quotes train --source ''", ["api", "checkout"]),
        ("wren-async cnaught quotes train --source ch", ["checkout"]),
        ("wren-async cnaught quotes train --source = ''", ["api", "checkout"]),
        ("wren-async cnaught quotes train --source =", ["api", "checkout"]),
        ("wren-async cnaught quotes train --source api --dis", ["--distance-km"]),
        ("wren-async --sandbox cnaught quotes tr", ["train"]),
        ("wren-async wren offset-orders create --payment-method cr", ["credits"]),
        ("wren-async wren offset-orders create --note ''", []),
        ("wren-async orders --api ''", ["wren", "cnaught"]),
        ("wren-async sandbox --fault late", ["latency", "late_commit"]),
        ("wren-async completion ''", ["bash", "zsh", "fish", "--sandbox", "--help"]),
        ("wren-async batch rep", ["report"]),
        ("wren-async batch run --max-u", ["--max-usd"]),
        ("wren-async no such thing", []),
    ],
)
def test_commands_flags_and_values_are_completed(script: Path, line: str, offered: list[str]) -> None:
    assert sorted(completed(script, line)) == sorted(offered)


def test_files_are_completed_where_a_file_is_wanted(script: Path, tmp_path: Path) -> None:
    (tmp_path / "orders.csv").touch()
    assert completed(script, "wren-async batch run ord", tmp_path) == ["orders.csv"]
    assert completed(script, "wren-async batch run x --journal ord", tmp_path) == ["orders.csv"]
    assert "orders.csv" not in completed(script, "wren-async batch run --", tmp_path)
    assert completed(script, "wren-async wren credits balance ord", tmp_path) == []


def test_every_operation_is_completed_by_each_of_its_words(script: Path) -> None:
    text = script.read_text()
    for command in COMMANDS:
        words = words_of(command)
        assert f"'{' '.join(words)}') echo" in text
    words = words_of(COMMANDS[-1])
    for length in range(1, len(words)):
        assert words[length] in completed(script, " ".join(["wren-async", *words[:length], "''"]))


def test_zsh_takes_the_script_of_bash_and_fish_has_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "zsh"]) == 0
    assert capsys.readouterr().out.startswith("autoload -U +X bashcompinit && bashcompinit\n")
    assert main(["completion", "fish"]) == 0
    shown = capsys.readouterr().out
    command = 'test (__wren_async_command) = "cnaught quotes train"'
    assert f"complete -c wren-async -n '{command}' -l source -x -a 'api checkout'" in shown
    assert f"complete -c wren-async -n '{command}' -l json\n" in shown
    assert main(["completion", "tcsh"]) == 1
