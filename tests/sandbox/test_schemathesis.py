"""Schemathesis against both APIs on a real connection: every request of the contract, and many that break it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from wren_async.sandbox import LoggedRequest, Sandbox

CONTRACTS = Path(__file__).parents[2] / "openapi"
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
    "allow_header_conformance",
    "use_after_free",
    "ignored_auth",
)
# Ids that exist, so that requests get past the 404 and reach what they ask for.
KNOWN = """
[dictionaries.{name}]
values = {values}

[[operations]]
include-path-regex = "{path}"
parameters = {{ "{parameter}" = {{ dictionary = "{name}", probability = 0.7 }} }}
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CONTRACTS.is_dir(), reason="needs the source tree"),
]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(check_answers=True) as running:
        yield running


def post(url: str, token: str, body: Any, **headers: str) -> str:
    answer = httpx.post(url, json=body, headers={"Authorization": f"Bearer {token}", **headers}, trust_env=False)
    assert answer.is_success, answer.text
    return str(answer.json()["id"])


def unreached(requests: Iterable[LoggedRequest], operations: Iterable[str]) -> set[str]:
    """The operations that were never carried out, only refused."""
    return set(operations) - {str(request.operation) for request in requests if 200 <= (request.status or 0) < 300}


def known(path: str, parameter: str, values: Sequence[str]) -> str:
    """A piece of schemathesis's configuration: values for a parameter of all operations at a path."""
    name = re.sub(r"\W", "", path + parameter)
    return KNOWN.format(name=name, values=json.dumps(list(values)), path=path, parameter=parameter)


def run(directory: Path, contract: str, url: str, token: str, settings: str) -> str:
    """Let schemathesis loose on an API; what it says of it."""
    (directory / "contract.yaml").write_text(contract)
    (directory / "schemathesis.toml").write_text(settings)
    command = [
        *(sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"),
        *("--config-file", "schemathesis.toml", "run", "contract.yaml"),
        *("--url", url, "--header", f"Authorization: Bearer {token}"),
        *("--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing,stateful"),
        *("--max-examples", "10", "--seed", "1", "--generation-deterministic"),
        *("--continue-on-failure", "--no-shrink", "--no-color", "--warnings", "off"),
    ]
    # It talks to this machine alone, and its own code is not what coverage is after.
    environment = {
        name: value for name, value in os.environ.items() if not name.upper().endswith("_PROXY") and "COV" not in name
    }
    done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_schemathesis_finds_nothing_in_wren(sandbox: Sandbox, tmp_path: Path) -> None:
    """Every check but three.

    `positive_data_acceptance` wants every request that the schema allows to be accepted; both APIs refuse such
    requests for reasons of business: an id that names nothing, too little money, an order that is cancelled already.
    `ensure_resource_availability` takes the replay of a deleted subaccount's creation for a new subaccount.
    `object_level_authorization` needs two accounts that must not see each other's objects; our own tests have them.
    """
    url, token = sandbox.wren.base_url, sandbox.wren.live_token
    order = post(f"{url}/api/offset-orders", token, {"tons": 1, "paymentMethod": "credits"})
    before = len(sandbox.requests)
    certificates = known("^/api/offset-orders/certificate/", "path.id", [order])
    said = run(tmp_path, (CONTRACTS / "wren.yaml").read_text(), url, token, certificates)
    assert "14 selected / 14 total" in said
    assert "No issues found" in said
    assert unreached(sandbox.requests[before:], sandbox.wren_api.operations) == set()


def test_schemathesis_finds_nothing_in_cnaught(sandbox: Sandbox, tmp_path: Path) -> None:
    """Every check but three, which `test_schemathesis_finds_nothing_in_wren` explains."""
    url, key = sandbox.cnaught.base_url, sandbox.cnaught.api_key
    subaccount = post(f"{url}/subaccounts", key, {"name": "Acme"})
    orders = [post(f"{url}/orders", key, {"amount_kg": 10}, **{"X-Subaccount-Id": subaccount}) for _ in range(3)]
    urls = {"success_url": "https://shop.example.com/thanks", "cancel_url": "https://shop.example.com/cart"}
    session = post(f"{url}/checkout/sessions", key, {"amount_kg": 100, **urls})
    before = len(sandbox.requests)
    portfolios = sandbox.cnaught_api.behaviours.portfolio_ids
    # Subaccount and portfolio of the contract's examples are not in the sandbox.
    contract = (CONTRACTS / "cnaught.yaml").read_text()
    contract = contract.replace("5nubL0NS", subaccount).replace("mHvNvWbq", portfolios[0])
    settings = (
        known("^/orders/", "path.id", orders)
        + known("^/subaccounts/", "path.id", [subaccount])
        + known("^/checkout/sessions/", "path.id", [session])
        + known("^/portfolios/", "path.id", portfolios)
        + known("^/checkout/sessions$", "body.success_url", [urls["success_url"]])
        + known("^/checkout/sessions$", "body.cancel_url", [urls["cancel_url"]])
        + known("^/(orders|quotes|checkout|impact)", "header.X-Subaccount-Id", [subaccount])
    )
    said = run(tmp_path, contract, url, key, settings)
    assert "29 selected / 29 total" in said
    assert "No issues found" in said
    assert unreached(sandbox.requests[before:], sandbox.cnaught_api.operations) == set()
