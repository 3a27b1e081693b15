"""The command line as a process of its own: signals, death, and terminals."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
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

    def __init__(self, shell: Shell, children: Children, *words: str) -> None:
        self._master, slave = pty.openpty()
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

    def wait(self) -> int:
        """Read to the end; returns the exit code."""
        while self._read(0.2) or self.process.poll() is None:
            pass
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
