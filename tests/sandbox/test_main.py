"""`python -m wren_async.sandbox`: what it prints, and what it answers to wishes that it cannot fulfil."""

from __future__ import annotations

import errno
import io
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from wren_async.sandbox import LoggedRequest, Notification, Sandbox
from wren_async.sandbox.__main__ import main, why_it_cannot_listen
from wren_async.sandbox.live_log import LiveLog, attempt_line, line
from wren_async.sandbox.world import Clock

COMMAND = [sys.executable, "-m", "wren_async.sandbox", "--port", "0"]


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_the_command_prints_one_line_of_json(stop: signal.Signals) -> None:
    command = [sys.executable, "-m", "wren_async.sandbox", "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        addresses = json.loads(process.stdout.readline())
        with httpx.Client(trust_env=False) as client:
            headers = {"Authorization": f"Bearer {addresses['cnaught']['api_key']}"}
            orders = client.get(addresses["cnaught"]["base_url"] + "/orders", headers=headers).json()
        process.send_signal(stop)
        rest, errors = process.communicate(timeout=10)
    assert set(addresses["wren"]) == {"base_url", "live_token", "test_token", "personal_token"}
    assert set(addresses["cnaught"]) == {"base_url", "api_key", "test_key"}
    assert orders == {"data": []}
    assert (process.returncode, rest, errors) == (0, "", "")


class Impatient(io.StringIO):
    """A terminal whose user presses Ctrl+C as soon as something is there to read."""

    def flush(self) -> None:
        os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("arguments", [["--json"], []])
def test_the_command_in_this_process(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Impatient()
    monkeypatch.setattr(sys, "stdout", terminal)
    assert main(["--port", "0", *arguments]) == 0
    assert "http://127.0.0.1:" in terminal.getvalue()


def test_ctrl_c_before_the_handlers_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("wren_async.sandbox.sandbox.Sandbox.__init__", interrupted)
    assert main([]) == 0


def test_the_command_greets_a_person() -> None:
    command = [sys.executable, "-m", "wren_async.sandbox", "--port", "0", "--seed", "3"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(13)]
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)
    assert any(line.strip().startswith("export WREN_BASE_URL=http://127.0.0.1:") for line in lines)


# Requests as they come


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """The command, and what it told to export."""
    with subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told: dict[str, str] = {}
        for text in iter(process.stdout.readline, ""):
            if found := re.match(r"\s+export (\w+)=(\S+)", text):
                told[found[1]] = found[2]
            if text.startswith("Ctrl+C"):
                break
        try:
            yield process, told
        finally:
            process.kill()


def order(told: dict[str, str], **body: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {told['WREN_API_TOKEN']}"}
    url = f"{told['WREN_BASE_URL']}/api/offset-orders"
    body = body or {"tons": 1, "paymentMethod": "credits"}
    return httpx.post(url, json=body, headers=headers, trust_env=False)


def test_each_request_is_told_in_a_line_with_what_it_changed() -> None:
    with running() as (process, told):
        receipt = order(told).json()
        order(told, tons=0)
        fault = {"kind": "status", "status": 500, "operation": "createOffsetOrder"}
        httpx.post(f"{told['WREN_BASE_URL']}/_sandbox/faults", json=fault, trust_env=False)
        order(told)
        process.send_signal(signal.SIGTERM)
        shown, errors = process.communicate(timeout=10)
    lines = shown.strip().splitlines()
    start = r"\d\d:\d\d:\d\d  wren     %s +\d+ ms  POST /api/offset-orders"
    assert [bool(re.match(start % status, text)) for status, text in zip((200, 400, 500), lines, strict=True)] == [
        True
    ] * 3
    changes = f"deduction of 2311 cents, balance 999997689; offset order {receipt['id']} placed for 2311 cents"
    assert lines[0].endswith(changes)
    assert lines[2].endswith("  [status]")
    assert (process.returncode, errors) == (0, "")
    assert told["WREN_API_TOKEN"] not in shown


@pytest.mark.parametrize("arguments", [["--quiet"], ["--json", "--quiet"]])
def test_it_can_be_quiet(arguments: list[str]) -> None:
    with subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        url = re.search(r"http://127.0.0.1:\d+", first)
        assert url
        httpx.get(f"{url[0]}/api/portfolios", trust_env=False)
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=10)
    assert "/api/portfolios" not in rest


def test_it_serves_on_when_nobody_reads_what_it_tells() -> None:
    with running() as (process, told):
        assert process.stdout is not None
        process.stdout.close()
        assert [order(told).status_code for _ in range(3)] == [200] * 3
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0


def test_it_serves_on_and_ends_when_a_pipe_is_full() -> None:
    with running() as (process, told):
        headers = {"Authorization": f"Bearer {told['WREN_API_TOKEN']}"}
        with httpx.Client(base_url=told["WREN_BASE_URL"], headers=headers, trust_env=False) as client:
            statuses = {client.get("/api/portfolios", params={"x": "y" * 4000}).status_code for _ in range(30)}
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
    assert statuses == {200}


def logged(**more: Any) -> LoggedRequest:
    plain = {"number": 1, "at": Clock().now(), "api": "wren", "operation": None, "method": "GET", "target": "/"}
    return LoggedRequest(**{**plain, "headers": {}, **more})


def test_what_a_client_sends_cannot_steer_the_terminal() -> None:
    assert "\x1b" not in line(logged(target="/\x1b[2J\r\nx"))
    assert "\\x1b[2J\\x0d\\x0a" in line(logged(target="/\x1b[2J\r\nx"))


def test_a_lost_answer_has_no_status() -> None:
    told = line(logged(took=0.0021, fault="reset", changes=("one", "two")))
    assert re.fullmatch(r"\S+  wren     ---     2 ms  GET /  \[reset\]  one; two", told)


def test_what_comes_faster_than_it_is_read_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wren_async.sandbox.live_log._MOST_WAITING", 2)
    read, written = threading.Event(), list[str]()
    entered = threading.Event()

    def write(text: str) -> None:
        entered.set()
        read.wait(5)
        written.append(text)

    live = LiveLog(write)
    live.tell("/1")
    entered.wait(5)
    for number in range(2, 7):
        live.tell(f"/{number}")
    read.set()
    live.stop()
    shown = "".join(written)
    assert "… and 3 more" in shown
    assert [number for number in range(1, 7) if f"/{number}\n" in shown] == [1, 2, 3]


def test_an_order_that_is_carried_out_after_its_connection_died_is_told_again() -> None:
    with Sandbox() as sandbox:
        told: list[str] = []
        sandbox.requests.when_ended(lambda request: told.append(line(request)))
        sandbox.faults.add("late_commit", seconds=0.05, times=1)
        with pytest.raises(httpx.HTTPError):
            order({"WREN_API_TOKEN": sandbox.wren.live_token, "WREN_BASE_URL": sandbox.url})
        for _ in range(500):
            if len(told) == 2:
                break
            threading.Event().wait(0.01)
    assert told[0].endswith("[late_commit]")
    assert "placed for 2311 cents" in told[1]


def test_an_attempt_to_notify_is_told_when_it_ends_otherwise_than_the_one_before() -> None:
    url = "http://127.0.0.1:9/\x1bhook"
    note = Notification(id=1, order_id="A1", state="fulfilled", url=url, body={}, created_on=Clock().now())
    shown = []
    for status in (None, None, 500, 200):
        note.attempts.append(status)
        shown.append(attempt_line(note, datetime(2026, 7, 1, 12, tzinfo=UTC)))
    told = "POST http://127.0.0.1:9/\\x1bhook  notification: order A1 is fulfilled"
    assert shown == [
        f"12:00:00  to you   {status}           {told}" if status else None for status in ("---", "", 500, 200)
    ]


def test_notifications_are_told_on_their_way() -> None:
    with running() as (process, told):
        url, headers = told["CNAUGHT_BASE_URL"], {"Authorization": f"Bearer {told['CNAUGHT_API_KEY']}"}
        body = {"amount_kg": 10, "notification_config": {"url": "http://127.0.0.1:1/hook"}}
        placed = httpx.post(f"{url}/orders", json=body, headers=headers, trust_env=False).json()["id"]
        httpx.post(f"{told['WREN_BASE_URL']}/_sandbox/cnaught/orders/{placed}/fulfil", trust_env=False)
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(3)]
    assert lines[-1].endswith(
        f"---           POST http://127.0.0.1:1/hook  notification: order {placed} is fulfilled\n"
    )


# What it cannot do


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    try:
        code = main(arguments)
    except SystemExit as left:
        code = int(str(left.code))
    assert code == 2
    said = capsys.readouterr().err
    assert "Traceback" not in said
    return said


def test_a_port_in_use(capsys: pytest.CaptureFixture[str]) -> None:
    with Sandbox() as sandbox:
        said = refused(capsys, "--port", str(sandbox.port))
    assert said == f"port {sandbox.port} is in use, by another sandbox perhaps; --port 0 takes a free one\n"


@pytest.mark.parametrize("port", ["65536", "-1", "99999999999999999999", "http", "", "8 0", "٣"])
def test_a_port_out_of_range(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "a port is a number from 0 to 65535, not" in refused(capsys, f"--port={port}")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError(errno.EACCES, "denied"), "port 80 is not for everybody; take one from 1024 on"),
        (OSError(errno.EADDRNOTAVAIL, "no"), "this machine has no address shop; --host 127.0.0.1 is its own"),
        (socket.gaierror(-2, "unknown"), "there is no host 'shop'; --host 127.0.0.1 is this machine"),
        (OSError(errno.EMFILE, "too many files"), "the sandbox cannot listen on shop, port 80: "),
    ],
)
def test_what_else_a_listening_socket_may_lack(error: OSError, said: str) -> None:
    assert why_it_cannot_listen(error, "shop", 80).startswith(said)


@pytest.mark.parametrize("host", ["203.0.113.7", "nowhere.invalid", "a" * 300, "x..y"])
def test_a_host_that_is_not_here(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(capsys, "--port", "0", "--host", host)
    assert host in said
    assert "--host 127.0.0.1" in said


@pytest.mark.parametrize("host", ["", "http://127.0.0.1", "my host"])
def test_what_is_no_host(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "a host is a name or an address such as 127.0.0.1" in refused(capsys, f"--host={host}")


@pytest.mark.parametrize("name", ["http://sandbox.internal", "sandbox.internal:80", "", "user@x"])
def test_what_is_no_name(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "without http:// and port" in refused(capsys, f"--allow-host={name}")


def test_state_files_that_cannot_be_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, other, odd = tmp_path / "notes.txt", tmp_path / "other.db", tmp_path / "odd.db"
    text.write_text("no database at all, but long enough to be looked at " * 50)
    with closing(sqlite3.connect(other)) as file, file:
        file.execute("CREATE TABLE event (something TEXT)")
    with closing(sqlite3.connect(odd)) as file, file:
        file.execute("CREATE TABLE event (number INTEGER PRIMARY KEY, at TEXT, position INTEGER, kind TEXT, content)")
        file.execute("INSERT INTO event VALUES (1, '2026-07-01T12:00:00+00:00', 0, 'fulfil', '{\"id\": \"nobody\"}')")
    for path, said in (
        (tmp_path / "away" / "s.db", f"there is no folder {tmp_path / 'away'}"),
        (tmp_path, "it is a folder; name a file"),
        (text, "it is not one of the sandbox; name another"),
        (other, "it is not one of the sandbox; name another"),
        (odd, "what it holds does not happen again; was it written with another seed"),
    ):
        assert f"the state file {path} cannot be used: {said}" in refused(capsys, "--file", str(path), "--port", "0")
    assert text.read_text().startswith("no database at all")
    assert "name a file" in refused(capsys, "--file=")


def test_a_state_file_that_another_process_is_writing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "s.db"
    with Sandbox(file=path), closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = DELETE")
        other.execute("BEGIN EXCLUSIVE")
        said = refused(capsys, "--file", str(path), "--port", "0")
    assert "another process is writing it" in said


@pytest.mark.parametrize("missing", ["starlette", "uvicorn", "jsonschema", "yaml"])
def test_without_its_extra_it_says_which_installation_it_wants(missing: str) -> None:
    code = (
        f"import sys; sys.modules[{missing!r}] = None; from wren_async.sandbox.__main__ import main; sys.exit(main())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("the sandbox needs its extra: pip install 'wren-async[sandbox]' (")
    assert "Traceback" not in done.stderr


def test_the_module_itself_runs_without_its_extra(tmp_path: Path) -> None:
    (tmp_path / "starlette").mkdir()
    (tmp_path / "starlette" / "__init__.py").write_text("raise ModuleNotFoundError('no starlette', name='starlette')\n")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(COMMAND, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "pip install 'wren-async[sandbox]'" in done.stderr
