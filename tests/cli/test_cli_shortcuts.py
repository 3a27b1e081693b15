"""Commands beside the operations: short names, and the sandbox with what goes wrong in it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import httpx
import pytest
from cli_shell import Shell

from wren_async.cli import main
from wren_async.cli.exits import Exit, Stop
from wren_async.cli.serving import add_fault
from wren_async.sandbox import FaultKind, Sandbox


def run(shell: Shell, *words: str) -> int:
    code = main(words)
    shell.out, shell.told = shell.capsys.readouterr()
    return code


def test_the_balance_and_the_ledger_are_those_of_wrens_wallet(shell: Shell) -> None:
    shell.seed()
    assert run(shell, "balance", "--json") == 0
    balance = json.loads(shell.out)["creditBalanceUsdCents"]
    assert run(shell, "ledger", "--json", "--limit=1") == 0
    (entry,) = json.loads(shell.out)
    assert balance + -entry["amount_usd_cents"] == 1_000_000_000
    assert run(shell, "ledger", "--help") == 0
    assert "wren-async wren credits ledger" in shell.out


def test_orders_are_those_of_both_apis(shell: Shell) -> None:
    shell.seed()
    assert run(shell, "cnaught", "orders", "create", "--amount-kg=3", "--json") == 0
    made = json.loads(shell.out)["id"]
    assert run(shell, "orders") == 0
    assert shell.out.index("Wren, offset orders:") < shell.out.index("CNaught:") < shell.out.index(made)
    assert run(shell, "orders", "--api", "cnaught", "--json") == 0
    assert [each["id"] for each in json.loads(shell.out)] == [made]
    assert run(shell, "orders", "--json") == Exit.USAGE
    assert "--api wren" in shell.told


def test_orders_are_those_of_the_api_that_has_a_token(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WREN_API_TOKEN")
    assert run(shell, "orders", "--json") == 0
    assert json.loads(shell.out) == []
    monkeypatch.delenv("CNAUGHT_API_KEY")
    assert run(shell, "orders") == Exit.USAGE
    assert "set WREN_API_TOKEN or CNAUGHT_API_KEY" in shell.told


def test_the_short_names_are_listed_and_suggested(shell: Shell) -> None:
    assert run(shell, "--help") == 0
    assert all(f"│ {name} " in shell.out for name in ("balance", "ledger", "orders", "sandbox", "doctor"))
    assert run(shell, "ledgr") == Exit.USAGE
    assert 'Did you mean "ledger"?' in shell.told


@pytest.mark.parametrize("words", [("wren", "portfolios", "list"), ("wren", "offset-orders", "list-public")])
def test_what_needs_no_token_is_shown_without_one(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.delenv("WREN_API_TOKEN")
    assert run(shell, *words, "--json") == 0
    assert isinstance(json.loads(shell.out), dict)
    assert "authorization" not in shell.sandbox.requests[-1].headers
    assert run(shell, "wren", "credits", "balance") == Exit.USAGE


def test_a_doctor_of_one_api_looks_at_that_one(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNAUGHT_API_KEY", "wrong-secret-token")
    assert run(shell, "wren", "doctor") == 0
    assert "CNaught" not in shell.out
    assert "yes, and it takes the token" in shell.out
    assert run(shell, "cnaught", "doctor") == Exit.CREDENTIALS
    assert "yes, and CNAUGHT_API_KEY was refused (401)" in shell.out
    assert "wrong-secret-token" not in shell.out + shell.told
    monkeypatch.setenv("WREN_API_TOKEN", shell.sandbox.wren.live_token[:-1] + "9")
    assert run(shell, "wren", "doctor") == Exit.CREDENTIALS


# --- the sandbox ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "kind", "expected"),
    [
        ("reset", "reset", {"when": "after"}),
        ("reset=before,times=1", "reset", {"when": "before", "times": 1}),
        ("latency=0.5", "latency", {"seconds": 0.5}),
        ("never-answer", "never_answer", {}),
        ("status=503,operation=createOrder", "status", {"status": 503, "operation": "createOrder"}),
        ("rate_limit=retry_after=7,retry_after_date=true", "rate_limit", {"retry_after": 7, "retry_after_date": True}),
        ("proxy_error=probability=0.25,api=wren", "proxy_error", {"probability": 0.25, "api": "wren"}),
    ],
)
def test_a_fault_is_told_in_one_word(given: str, kind: str, expected: dict[str, object]) -> None:
    with Sandbox() as sandbox:
        add_fault(sandbox, given)
        (rule,) = sandbox.faults
        plain = rule.plain()
        assert plain["kind"] == kind
        assert {name: plain[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("nonsense", ", ".join(sorted(kind.value for kind in FaultKind))),
        ("neveranswer", "did you mean never_answer?"),
        ("latency=x", "seconds must be a number"),
        ("latency=secs=1", "'secs=1' is no option of latency; did you mean seconds?"),
        ("close_on_accept=5", "'5' is no option of close_on_accept"),
        ("reset=sometimes", "when must be one of"),
        ("status=503,operation=creatOrder", "did you mean createOrder"),
        ("rate_limit=retry_after_date=perhaps", "retry_after_date"),
    ],
)
def test_a_fault_that_there_is_not_is_told_what_there_is(given: str, told: str) -> None:
    with Sandbox() as sandbox:
        with pytest.raises(Stop, match="--fault") as caught:
            add_fault(sandbox, given)
        assert told in str(caught.value)
        assert len(sandbox.faults) == 0


def test_a_sandbox_is_served_with_its_faults_and_a_low_wallet(children: list[subprocess.Popen[str]]) -> None:
    words = ["sandbox", "--port=0", "--json", "--fault=status=503,operation=listPurchases", "--low-wallet"]
    command = [sys.executable, "-m", "wren_async.cli", *words]
    child = subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    children.append(child)
    assert child.stdout is not None
    wren = json.loads(child.stdout.readline())["wren"]
    with httpx.Client(base_url=wren["base_url"], headers={"Authorization": f"Bearer {wren['live_token']}"}) as client:
        assert client.get("/api/credits/balance").json()["creditBalanceUsdCents"] == 500
        assert client.get("/api/purchases").status_code == 503
    child.send_signal(signal.SIGINT)
    assert child.wait(20) == 0


def test_a_sandbox_with_an_unknown_fault_or_port_does_not_start(shell: Shell) -> None:
    assert run(shell, "sandbox", "--port=0", "--fault=nonsense") == Exit.USAGE
    assert "--fault nonsense: no fault has this name" in shell.told
    assert run(shell, "sandbox", "--port=99999999") == Exit.USAGE
    assert "--port takes a number from 0 to 65535" in shell.told
