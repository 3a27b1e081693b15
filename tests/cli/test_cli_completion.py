"""Completion, as bash, zsh and fish do it with the scripts that they are given."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import attrs
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

ALIKE = [
    ("wren-async cn", ["cnaught"]),
    ("wren-async cnaught quo", ["quotes"]),
    ("wren-async cnaught quotes tr", ["train"]),
    ("wren-async cnaught quotes train --dis", ["--distance-km"]),
    ("wren-async cnaught quotes train --source api --dis", ["--distance-km"]),
    ("wren-async --sandbox cnaught quotes tr", ["train"]),
    ("wren-async sandbox --fault late", ["latency", "late_commit"]),
]
"""Lines, and what bash and fish offer at their ends."""


def script_for(shell: str, folder: Path) -> Path:
    """The script that a shell is given."""
    path = folder / f"wren-async.{shell}"
    with path.open("w") as file, pytest.MonkeyPatch.context() as patched:
        patched.setattr("sys.stdout", file)
        assert main(["completion", shell]) == 0
    return path


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return script_for("bash", tmp_path_factory.mktemp("completion"))


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
        *ALIKE,
        ("wren-async cnaught quotes train --source ''", ["api", "checkout"]),
        ("wren-async cnaught quotes train --source ch", ["checkout"]),
        ("wren-async cnaught quotes train --source = ''", ["api", "checkout"]),
        ("wren-async cnaught quotes train --source =", ["api", "checkout"]),
        ("wren-async wren offset-orders create --payment-method cr", ["credits"]),
        ("wren-async wren offset-orders create --note ''", []),
        ("wren-async orders --api ''", ["wren", "cnaught"]),
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


# --- fish -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fish(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("fish") is None:
        pytest.skip("fish is not installed")
    return script_for("fish", tmp_path_factory.mktemp("fish"))


def completed_by_fish(script: Path, line: str, folder: Path | None = None) -> list[str]:
    """What fish offers at the end of a line."""
    asked = f"source {script}; complete -C {line!r}"
    done = subprocess.run(
        ["fish", "--no-config", "-c", asked], capture_output=True, text=True, check=False, cwd=folder or script.parent
    )
    assert done.stderr == ""
    return [offered.partition("\t")[0] for offered in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        *ALIKE,
        ("wren-async cnaught quotes train --source ", ["api", "checkout"]),
        ("wren-async cnaught quotes train --source=", ["--source=api", "--source=checkout"]),
        ("wren-async wren offset-orders create --note ", []),
        ("wren-async completion ", ["bash", "zsh", "fish"]),
        ("wren-async wren credits balance ord", []),
    ],
)
def test_fish_completes_commands_flags_and_values(fish: Path, line: str, offered: list[str]) -> None:
    assert sorted(completed_by_fish(fish, line)) == sorted(offered)


def test_fish_completes_files_where_a_file_is_wanted(fish: Path, tmp_path: Path) -> None:
    (tmp_path / "orders.csv").touch()
    assert completed_by_fish(fish, "wren-async batch run ord", tmp_path) == ["orders.csv"]
    assert completed_by_fish(fish, "wren-async batch run x --journal ord", tmp_path) == ["orders.csv"]


# --- zsh --------------------------------------------------------------------------------------------------------------

ZSH = """
autoload -U compinit && compinit -u -D
source {script}
tell() {{ zle -I; print -r -- "<<$BUFFER>>"; BUFFER="" }}
zle -N tell
bindkey '^T' tell
print RE""ADY
"""
"""Ctrl-T tells what stands on the line, and empties it."""


@attrs.frozen
class Zsh:
    """A zsh at a terminal of its own."""

    terminal: int

    def type(self, text: str, until: str) -> str:
        """What the terminal shows from the typing on, up to some text."""
        os.write(self.terminal, text.encode())
        shown, ends = "", time.monotonic() + 30
        while until not in shown:
            assert select.select([self.terminal], [], [], max(0.0, ends - time.monotonic()))[0], shown
            shown += os.read(self.terminal, 65536).decode()
        return shown

    def completed(self, line: str) -> tuple[str, list[str]]:
        """The line after Tab, and what is offered where more than one goes on with it."""
        shown = self.type(f"{line}\t\x14", until=">>")
        before, _, after = shown.partition("<<")
        offered = before.partition("\a")[2].replace(line.strip(), "").split()
        return after.partition(">>")[0], offered


@pytest.fixture(scope="module")
def zsh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zsh]:
    if shutil.which("zsh") is None:
        pytest.skip("zsh is not installed")
    folder = tmp_path_factory.mktemp("zsh")
    (folder / "begin.zsh").write_text(ZSH.format(script=script_for("zsh", folder)))
    (folder / "orders.csv").touch()
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "dumb", "PS1": "", "HOME": str(folder), "COLUMNS": "200"}
    with subprocess.Popen(
        ["zsh", "-f", "-i"],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=folder,
        env=environment,
        start_new_session=True,
    ) as shell:
        os.close(slave)
        made = Zsh(master)
        made.type("source begin.zsh\n", until="READY")
        yield made
        shell.kill()
    os.close(master)


@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("wren-async cn", "wren-async cnaught "),
        ("wren-async cnaught quotes tr", "wren-async cnaught quotes train "),
        ("wren-async cnaught quotes train --dis", "wren-async cnaught quotes train --distance-km "),
        ("wren-async cnaught quotes train --source ch", "wren-async cnaught quotes train --source checkout "),
        ("wren-async cnaught quotes train --source=ch", "wren-async cnaught quotes train --source=checkout "),
        ("wren-async --sandbox cnaught quotes tr", "wren-async --sandbox cnaught quotes train "),
        ("wren-async wren offset-orders create --note ", "wren-async wren offset-orders create --note "),
        ("wren-async batch run ord", "wren-async batch run orders.csv "),
    ],
)
def test_zsh_completes_commands_flags_values_and_files(zsh: Zsh, line: str, completed: str) -> None:
    assert zsh.completed(line) == (completed, [])


def test_zsh_offers_what_may_follow(zsh: Zsh) -> None:
    _, offered = zsh.completed("wren-async sandbox --fault late")
    assert sorted(offered) == ["late_commit", "latency"]
    _, offered = zsh.completed("wren-async completion ")
    assert sorted(offered) == ["--help", "--sandbox", "bash", "fish", "zsh"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_every_operation_stands_in_the_scripts_of_the_other_shells(shell: str, tmp_path: Path) -> None:
    """Shown where these shells are not installed, too."""
    text = script_for(shell, tmp_path).read_text()
    for command in COMMANDS:
        words = " ".join(words_of(command))
        assert (f"'{words}') echo" if shell == "zsh" else f'__wren_async_is "{words}"') in text


def test_a_shell_that_is_not_known_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "tcsh"]) == 1
    assert "bash" in capsys.readouterr().err
