"""Which HTTP library a batch goes over, and where that is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from cli_shell import Shell

from wren_async.batch import read_report
from wren_async.cli import http_library as http_library_module
from wren_async.cli import main
from wren_async.http.over_aiohttp import AiohttpBackend
from wren_async.http.over_httpx import HttpxBackend


@pytest.mark.parametrize(("installed", "name"), [(True, "aiohttp"), (False, "httpx")])
def test_a_batch_goes_over_aiohttp_where_it_is_installed_and_the_report_says_so(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, installed: bool, name: str
) -> None:
    if not installed:
        monkeypatch.setattr(http_library_module, "find_spec", lambda name: None)
    sent: list[str] = []
    for kind in (AiohttpBackend, HttpxBackend):
        monkeypatch.setattr(kind, "exchange", _counting(kind.exchange, kind.__name__, sent))
    assert shell.run("run", shell.orders(3), "--yes") == 0
    assert len(shell.placed()) == 3
    assert {each.lower() for each in sent} == {f"{name}backend"}
    report = asyncio.run(read_report(shell.journal))
    assert report.sent_over is not None
    assert report.sent_over.startswith(f"{name} ")


@pytest.mark.parametrize(("installed", "told"), [(True, "aiohttp 3."), (False, "the extra aiohttp sends several")])
def test_doctor_says_which_one_before_anything_is_sent(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, installed: bool, told: str
) -> None:
    if not installed:
        monkeypatch.setattr(http_library_module, "find_spec", lambda name: None)
    assert main(["doctor"]) == 0
    out = " ".join(shell.capsys.readouterr().out.split())
    assert told in out.partition("batches over ")[2]


def _counting(exchange: Callable[..., object], name: str, sent: list[str]) -> Callable[..., object]:
    def counted(*given: object, **named: object) -> object:
        sent.append(name)
        return exchange(*given, **named)

    return counted
