"""The command line as a process of its own: signals, death, and terminals."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

import pytest
from cli_shell import Shell, wait_until

from wren_async.batch.journal.contract import State
from wren_async.cli.exits import Exit

Children = list[subprocess.Popen[str]]


def start_and_hold(shell: Shell, children: Children, orders: str, *, after: int) -> subprocess.Popen[str]:
    """Start a run, and return when so many orders are placed and the next are on the wire, where they stay."""
    shell.hold(after)
    process = shell.start("run", orders, "--yes")
    children.append(process)
    wait_until(lambda: len(shell.placed()) == after and len(shell.sandbox.requests.of("createOrder")) > after)
    return process


def read_until(process: subprocess.Popen[str], text: str, within: float = 20.0) -> str:
    """Read what a process says beside its output until `text` stands there; the rest is left to `communicate`."""
    assert process.stderr is not None
    ends, told = time.monotonic() + within, ""
    while text not in told:
        assert select.select([process.stderr], [], [], max(0.0, ends - time.monotonic()))[0], f"no {text!r} in {told!r}"
        data = os.read(process.stderr.fileno(), 65536)
        assert data, f"it ended without {text!r}: {told!r}"
        told += data.decode()
    return told


def test_ctrl_c_finishes_what_flies_and_the_same_command_goes_on(shell: Shell, children: Children) -> None:
    orders = shell.orders(60)
    process = start_and_hold(shell, children, orders, after=5)
    process.send_signal(signal.SIGINT)
    told = read_until(process, "finishing the orders on the wire")
    shell.answer()
    told += process.communicate(timeout=20)[1]
    assert process.returncode == Exit.INTERRUPTED, told
    assert "Traceback" not in told
    states = shell.states()
    assert set(states) == {State.PLACED, State.PENDING}
    assert 5 < states[State.PLACED] == len(shell.placed()) < 60
    assert shell.run("run", orders, "--yes") == 0
    assert len(shell.placed()) == len(set(shell.placed())) == 60


def test_ctrl_c_twice_leaves_at_once_and_loses_nothing(shell: Shell, children: Children) -> None:
    orders = shell.orders(40)
    shell.run("plan", orders)
    process = start_and_hold(shell, children, orders, after=6)
    process.send_signal(signal.SIGINT)
    told = read_until(process, "finishing the orders on the wire")
    assert process.poll() is None, "an order that is never answered holds it"
    process.send_signal(signal.SIGINT)
    told += process.communicate(timeout=10)[1]
    assert process.returncode == Exit.INTERRUPTED, told
    assert "Traceback" not in told
    shell.answer()
    assert shell.run("run", orders, "--yes") == 0
    assert len(shell.placed()) == len(set(shell.placed())) == 40


def test_ctrl_c_while_planning_buys_nothing(shell: Shell, children: Children) -> None:
    shell.hold(operation="createQuote")
    process = shell.start("run", shell.orders(5), "--yes")
    children.append(process)
    wait_until(lambda: bool(shell.sandbox.requests.of("createQuote")))
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=20)
    assert process.returncode == Exit.INTERRUPTED, told
    assert "Traceback" not in told
    shell.answer()
    assert shell.run("run", shell.orders(5), "--yes") == 0
    assert len(shell.placed()) == 5


def test_sigterm_is_as_ctrl_c(shell: Shell, children: Children) -> None:
    process = start_and_hold(shell, children, shell.orders(60), after=1)
    process.terminate()
    read_until(process, "finishing the orders on the wire")
    shell.answer()
    process.communicate(timeout=20)
    assert process.returncode == Exit.INTERRUPTED
    assert set(shell.states()) == {State.PLACED, State.PENDING}


@pytest.mark.parametrize("placed", [1, 12])
def test_a_killed_process_is_resumed_and_places_nothing_twice(shell: Shell, children: Children, placed: int) -> None:
    orders = shell.orders(40)
    process = start_and_hold(shell, children, orders, after=placed)
    process.kill()
    process.communicate(timeout=20)
    shell.answer()
    assert shell.run("resume", str(shell.journal), "--yes") == 0
    assert len(shell.placed()) == len(set(shell.placed())) == 40
    assert shell.states() == {State.PLACED: 40}
    assert shell.run("report", str(shell.journal), "--books") == 0


def test_a_second_process_is_told_who_holds_the_journal(shell: Shell, children: Children) -> None:
    process = start_and_hold(shell, children, shell.orders(40), after=1)
    assert shell.run("resume", str(shell.journal), "--yes") == Exit.USAGE
    assert f"in use by process {process.pid}" in shell.told
    process.kill()


def test_a_report_shows_a_batch_while_a_run_is_on(shell: Shell, children: Children) -> None:
    process = start_and_hold(shell, children, shell.orders(40), after=3)
    csv = ("--csv", str(shell.directory / "so-far.csv"))
    # The journal may be a moment behind the sandbox.
    wait_until(
        lambda: shell.run("report", str(shell.journal), *csv) == 0 and "3 of 40 orders were placed." in shell.out
    )
    assert len((shell.directory / "so-far.csv").read_text().splitlines()) == 41
    assert process.poll() is None, "and the run goes on"
    process.kill()
    process.communicate(timeout=20)
    assert shell.run("report", str(shell.journal)) == 0, "also after a kill"
    assert "3 of 40 orders were placed." in shell.out


def test_without_a_terminal_progress_is_plain_lines(shell: Shell, children: Children) -> None:
    process = shell.start("run", shell.orders(3), "--yes")
    children.append(process)
    out, told = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "\x1b" not in out + told
    assert "\r" not in out + told
    assert told.splitlines()[-1].startswith("done")


# --- at a terminal ---


class Terminal:
    """A terminal with a process at it."""

    def __init__(self, shell: Shell, children: Children, *words: str, width: int = 100) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
        shell.width = width
        self.process = shell.start(*words, stdin=slave, stdout=slave, stderr=slave)
        children.append(self.process)
        os.close(slave)
        self.seen = ""

    def read_until(self, text: str, within: float = 20.0) -> None:
        ends = time.monotonic() + within
        while text not in self.seen:
            assert time.monotonic() < ends, f"no {text!r} in {self.seen!r}"
            self._read(0.1)

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    @property
    def lines(self) -> list[str]:
        """What stands on the screen in the end: of a line that was written over, the last that stayed."""
        text = self.seen.replace("\x1b[2K", "\x00").replace("\r\n", "\n")
        shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
        return [line.rpartition("\x00")[2].lstrip("\r") for line in shown.split("\n")]

    def wait(self, within: float = 60.0) -> int:
        """Read to the end; returns the exit code."""
        ends = time.monotonic() + within
        while self._read(0.2) or self.process.poll() is None:
            assert time.monotonic() < ends, f"it goes on: {self.seen!r}"
        os.close(self._master)
        return self.process.wait(timeout=20)

    def _read(self, seconds: float) -> bool:
        if not select.select([self._master], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:
            # What a terminal answers once nobody is at its other end.
            return False
        self.seen += data.decode(errors="replace")
        return bool(data)


def test_the_question_is_asked_and_yes_places(shell: Shell, children: Children) -> None:
    terminal = Terminal(shell, children, "run", shell.orders(3))
    terminal.read_until("[y/N]")
    assert shell.placed() == []
    assert "Place 3 orders for about $" in terminal.seen
    assert shell.sandbox.url in terminal.seen
    terminal.type("y\n")
    assert terminal.wait() == 0
    assert len(shell.placed()) == 3


@pytest.mark.parametrize("answer", ["n\n", "\n", "maybe\n", "\x04"])
def test_any_other_answer_places_nothing(shell: Shell, children: Children, answer: str) -> None:
    terminal = Terminal(shell, children, "run", shell.orders(3))
    terminal.read_until("[y/N]")
    terminal.type(answer)
    assert terminal.wait() == Exit.USAGE
    assert shell.placed() == []


def test_ctrl_c_at_the_question(shell: Shell, children: Children) -> None:
    terminal = Terminal(shell, children, "run", shell.orders(3))
    terminal.read_until("[y/N]")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.wait() == Exit.INTERRUPTED
    assert "Traceback" not in terminal.seen
    assert shell.placed() == []


def test_at_a_terminal_progress_is_live(shell: Shell, children: Children) -> None:
    shell.hold(3)
    terminal = Terminal(shell, children, "run", shell.orders(30), "--yes")
    terminal.read_until("3/30")
    shell.answer()
    assert terminal.wait() == 0
    assert "30/30" in terminal.seen
    # The cursor, which the bar hides, is shown again.
    assert terminal.seen.rfind("\x1b[?25h") > terminal.seen.rfind("\x1b[?25l")


@pytest.mark.parametrize("width", [80, 40])
def test_nothing_is_wider_than_the_terminal(shell: Shell, children: Children, width: int) -> None:
    orders = shell.orders(text="amount_kg,description\n1,A long description of an order that was placed\n2,b\n")
    for words in (["run", orders, "--yes"], ["report", str(shell.journal), "--rows", "--books"]):
        terminal = Terminal(shell, children, *words, width=width)
        assert terminal.wait() == 0
        assert [line for line in terminal.lines if len(line) > width and "/" not in line] == []
        bars = [line for line in re.split(r"\x1b\[2K|\n", terminal.seen) if "━" in line]
        assert all(len(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", bar)) <= width for bar in bars)


@pytest.mark.parametrize("ends", ["error", "ctrl-c"])
def test_no_bar_stays_after_an_error_or_ctrl_c(shell: Shell, children: Children, ends: str) -> None:
    if ends == "error":
        shell.sandbox.faults.add("status", operation="createQuote", status=400)
    else:
        shell.sandbox.faults.add("latency", operation="createQuote", seconds=30)
    terminal = Terminal(shell, children, "plan", shell.orders(3))
    if ends == "ctrl-c":
        terminal.read_until("━")
        terminal.process.send_signal(signal.SIGINT)
    assert terminal.wait() == (Exit.INTERRUPTED if ends == "ctrl-c" else Exit.USAGE)
    after = terminal.seen[terminal.seen.rindex("━") :]
    assert "\x1b[2K" in after, "the line of the bar is wiped"
    assert after.index("\x1b[2K") < max(after.find("left at once"), after.find("faults in")), (
        "before anything else is said"
    )


def test_ctrl_c_at_the_question_says_that_nothing_was_placed(shell: Shell, children: Children) -> None:
    terminal = Terminal(shell, children, "run", shell.orders(3))
    terminal.read_until("[y/N]")
    terminal.type("\x03")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.wait() == Exit.INTERRUPTED
    assert "nothing was placed" in terminal.seen


def closed_pipe(shell: Shell, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command into a pipe that nobody reads."""
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "wren_async.cli", *words]
    try:
        return subprocess.run(
            command, stdout=write, stderr=subprocess.PIPE, text=True, env=shell.environment, cwd=shell.directory,
            check=False, timeout=30,
        )  # fmt: skip
    finally:
        os.close(write)


@pytest.mark.parametrize("form", [(), ("--json",), ("--csv",)])
def test_a_reader_that_has_enough_ends_a_list_quietly_and_an_order_with_a_word(
    shell: Shell, form: tuple[str, ...]
) -> None:
    done = closed_pipe(shell, "wren", "credits", "ledger", *form)
    assert (done.returncode, done.stderr.splitlines()[1:]) == (0, [])
    done = closed_pipe(shell, "cnaught", "orders", "create", "--amount-kg=1", *form)
    assert done.returncode == Exit.UNFINISHED
    assert "it was carried out" in done.stderr
    assert len(shell.placed()) == 1
    assert closed_pipe(shell, "--help").returncode == 0


def test_a_report_that_nobody_reads_ends_without_a_traceback(shell: Shell) -> None:
    assert shell.run("run", shell.orders(2), "--yes") == 0
    done = closed_pipe(shell, "batch", "report", str(shell.journal))
    assert done.returncode == Exit.UNFINISHED
    assert done.stderr.splitlines() == ["stopped: nobody reads the output any more"]


def test_a_run_whose_progress_nobody_reads_goes_on(shell: Shell, children: Children) -> None:
    read, write = os.pipe()
    os.close(read)
    process = shell.start("run", shell.orders(5), "--yes", stdout=subprocess.DEVNULL, stderr=write)
    children.append(process)
    os.close(write)
    assert process.wait(20) == 0
    assert len(shell.placed()) == 5


def test_what_goes_to_no_terminal_has_no_escape_sequences(shell: Shell) -> None:
    shell.run("run", shell.orders(2), "--yes")
    for words in (["cnaught", "orders", "list"], ["--help"], ["cnaught", "orders", "create", "--help"], ["doctor"]):
        command = [sys.executable, "-m", "wren_async.cli", *words]
        done = subprocess.run(command, capture_output=True, text=True, env=shell.environment, check=True)
        assert "\x1b" not in done.stdout + done.stderr


def test_no_color_has_no_colour_at_a_terminal_either(
    shell: Shell, children: Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.run("run", shell.orders(2), "--yes")
    monkeypatch.setenv("NO_COLOR", "1")
    terminal = Terminal(shell, children, "report", str(shell.journal), "--rows")
    assert terminal.wait() == 0
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", terminal.seen)
