"""Ctrl-C, a fork and the end of a program: no order is placed twice, and none is forgotten."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from wren_async.sandbox import Sandbox

HEAD = """
import json, os, sys
from wren_async import UsageError, outcome_of
from wren_async.sync import CNaughtClient, WrenClient

def tell(**facts):
    print(json.dumps(facts), flush=True)

def order(client):
    print("ordering", flush=True)
    client.offset_orders.create(tons=1, payment_method="credits", reference="ride-7")
"""

INTERRUPTED = """
client = WrenClient(timeout=5)
try:
    with client:
        try:
            order(client)
        except KeyboardInterrupt as interrupted:
            left = outcome_of(interrupted)
            tell(kept=list(client.outcomes), decided=client.outcomes["ride-7"].decided, left=left.name,
                 notes=interrupted.__notes__)
            raise
except KeyboardInterrupt:
    outcome = client.outcomes["ride-7"]
    tell(decided=outcome.decided, unknown=outcome.unknown,
         id=None if outcome.unknown else outcome.reply().value.id, shown=repr(outcome))
    sys.exit(130)
"""

FORGOTTEN = """
client = WrenClient(timeout=5)
order(client)
"""

FORKED = """
import warnings
warnings.simplefilter("ignore")  # Python 3.12 and later warn of every fork beside a thread
early, client = WrenClient(), WrenClient()
client.credits.balance()
if os.fork() == 0:
    try:
        client.credits.balance()
    except UsageError as error:
        tell(child=type(error).__name__, said=str(error))
    client.close()
    early.credits.balance()
    early.close()
    tell(child="early works")
    sys.stdout.flush()
    os._exit(0)
assert os.wait()[1] == 0
client.credits.balance()
client.close()
tell(parent="works")
"""

LEFT_OPEN = """
client = CNaughtClient()
tell(id=client.orders.create(amount_kg=1).id)
"""


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


def started(program: str, sandbox: Sandbox) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "WREN_API_TOKEN": sandbox.wren.live_token,
        "WREN_BASE_URL": sandbox.wren.base_url,
        "CNAUGHT_API_KEY": sandbox.cnaught.api_key,
        "CNAUGHT_BASE_URL": sandbox.cnaught.base_url,
    }
    command = [sys.executable, "-W", "error", "-c", HEAD + program]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def interrupt_while_ordering(program: subprocess.Popen[str], sandbox: Sandbox) -> None:
    """Press Ctrl-C once the order has been carried out and its answer is held back."""
    assert program.stdout
    assert program.stdout.readline() == "ordering\n"
    while not sandbox.requests.of("createOffsetOrder"):
        assert program.poll() is None
        threading.Event().wait(0.01)
    program.send_signal(signal.SIGINT)


def told(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


@pytest.mark.slow
def test_ctrl_c_leaves_the_order_on_the_wire_to_end_and_close_decides_it(sandbox: Sandbox) -> None:
    sandbox.faults.add("slow_drip", operation="createOffsetOrder", seconds=0.05, size=8)
    program = started(INTERRUPTED, sandbox)
    interrupt_while_ordering(program, sandbox)
    out, err = program.communicate(timeout=60)
    first, last = told(out)
    assert first["kept"] == ["ride-7"]
    assert first["left"] == "ride-7"
    assert "client.outcomes['ride-7']" in first["notes"][0]
    assert last["decided"] is True
    assert last["unknown"] is False
    assert last["id"]
    assert "decided" in last["shown"]
    assert program.returncode == 130, err
    assert len(sandbox.requests.of("createOffsetOrder")) == 1
    assert len(sandbox.orders) == 1


@pytest.mark.slow
def test_ctrl_c_on_an_order_whose_answer_never_comes_names_it(sandbox: Sandbox) -> None:
    sandbox.faults.add("never_answer", operation="createOffsetOrder")
    program = started(INTERRUPTED.replace("timeout=5", "timeout=1"), sandbox)
    interrupt_while_ordering(program, sandbox)
    out, err = program.communicate(timeout=60)
    last = told(out)[-1]
    assert (last["decided"], last["unknown"], last["id"]) == (True, True, None)
    assert "'ride-7' is undecided" in err
    assert program.returncode == 130
    assert len(sandbox.requests.of("createOffsetOrder")) == 1
    assert len(sandbox.orders) == 1


@pytest.mark.slow
def test_ctrl_c_in_a_program_that_closes_nothing_names_the_order_as_it_ends(sandbox: Sandbox) -> None:
    sandbox.faults.add("never_answer", operation="createOffsetOrder")
    program = started(FORGOTTEN.replace("timeout=5", "timeout=1"), sandbox)
    interrupt_while_ordering(program, sandbox)
    _, err = program.communicate(timeout=60)
    assert "KeyboardInterrupt" in err
    assert "'ride-7' is undecided" in err
    assert len(sandbox.requests.of("createOffsetOrder")) == 1


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_client_that_was_used_does_not_survive_a_fork_and_one_that_was_not_does(sandbox: Sandbox) -> None:
    program = started(FORKED, sandbox)
    out, err = program.communicate(timeout=60)
    assert program.returncode == 0, err
    refused, early, parent = told(out)
    assert refused["child"] == "UsageError"
    assert "make a client in each process, after the fork" in refused["said"]
    assert early["child"] == "early works"
    assert parent["parent"] == "works"


@pytest.mark.slow
def test_a_program_that_closes_nothing_ends_in_silence(sandbox: Sandbox) -> None:
    program = started(LEFT_OPEN, sandbox)
    out, err = program.communicate(timeout=60)
    assert (program.returncode, err) == (0, "")
    assert [order.id for order in sandbox.orders] == [told(out)[0]["id"]]
