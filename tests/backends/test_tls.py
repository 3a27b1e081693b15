"""Encrypted connections: whom they trust, and how they end."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.backends.conftest import CALLERS, Authority, Opener, only
from tests.raw_server import RawServer, Step, answer, echo, head, raw, read_and_close, read_and_reset, silent
from wren_async.http.tls import no_tls, shared_tls


async def test_a_private_authority_is_trusted_where_it_is_named(trusting: Opener, authority: Authority) -> None:
    async with RawServer(otherwise=echo(), tls=authority.server()) as origin, trusting() as rig:
        for body in (b"1", b"2" * 300_000, b"3" * 2_000_000):
            assert (await rig.send("POST", f"{origin.url}/x", content=body)).body == body
        assert origin.connections == 1


@only("default", "aiohttp")
async def test_a_directory_of_authorities_is_trusted_where_it_is_named(
    opened: Opener, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("only openssl knows what the files of such a directory are called")
    command = [openssl, "x509", "-hash", "-noout", "-in", str(authority.pem)]
    name = (await asyncio.to_thread(subprocess.check_output, command, text=True)).strip()
    (tmp_path / f"{name}.0").write_bytes(authority.pem.read_bytes())
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    async with RawServer(otherwise=answer(), tls=authority.server()) as origin, opened() as rig:
        assert (await rig.send("GET", f"{origin.url}/x")).status == 200


@only("default", "aiohttp")
async def test_naming_an_authority_later_is_not_too_late_for_the_next_connection(
    opened: Opener, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with RawServer(otherwise=answer(), tls=authority.server()) as origin, opened() as rig:
        _, progress = await rig.fail("GET", f"{origin.url}/x")
        assert progress.unsent
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.pem))
        assert (await rig.send("GET", f"{origin.url}/x")).status == 200


@only(*CALLERS)
async def test_whom_a_callers_client_trusts_is_the_callers_to_say(
    opened: Opener, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.pem))
    async with RawServer(otherwise=answer(), tls=authority.server()) as origin, opened() as rig:
        _, progress = await rig.fail("GET", f"{origin.url}/x")
        assert progress.unsent


def test_one_context_serves_all_connections(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = shared_tls()
    assert shared_tls() is usual
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.pem))
    assert shared_tls() is not usual
    assert [found["subject"] for found in shared_tls().get_ca_certs()] == [
        found["subject"] for found in authority.trust.get_ca_certs()
    ]
    assert no_tls() is no_tls()


@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
@pytest.mark.parametrize(
    "play",
    [
        pytest.param(read_and_close(), id="closed after reading"),
        pytest.param(read_and_reset(), id="reset after reading"),
        pytest.param(raw(head(200, ("Content-Length", "10")) + b"12345"), id="half a body"),
    ],
)
async def test_what_is_lost_in_an_encrypted_connection_was_sent_and_is_not_sent_again(
    trusting: Opener, authority: Authority, play: Step, method: str
) -> None:
    async with RawServer(otherwise=play, tls=authority.server()) as origin, trusting() as rig:
        _, progress = await rig.fail(method, f"{origin.url}/x")
        assert not progress.unsent
        assert len(origin.requests) == 1
        await origin.until(lambda o: o.open == 0)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
async def test_a_stale_encrypted_connection_is_never_made_up_for(
    trusting: Opener, authority: Authority, method: str
) -> None:
    async with (
        RawServer(answer(), read_and_close(), otherwise=answer(), tls=authority.server()) as origin,
        trusting() as rig,
    ):
        await rig.send("GET", f"{origin.url}/first")
        _, progress = await rig.fail(method, f"{origin.url}/second")
        assert not progress.unsent
        assert [request.target for request in origin.requests] == ["/first", "/second"]


async def test_a_time_out_ends_an_encrypted_connection(trusting: Opener, authority: Authority) -> None:
    async with RawServer(silent(30), otherwise=answer(), tls=authority.server()) as origin, trusting() as rig:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(20):
                await rig.send("POST", f"{origin.url}/x")
        await origin.until(lambda o: o.open == 0)
        assert (await rig.send("POST", f"{origin.url}/x")).status == 200


async def test_many_at_once_are_encrypted_each_for_itself(trusting: Opener, authority: Authority) -> None:
    async with RawServer(otherwise=echo(), tls=authority.server()) as origin, trusting() as rig:
        bodies = [str(number).encode() for number in range(20)]
        found = await asyncio.gather(*(rig.send("POST", f"{origin.url}/x", content=body) for body in bodies))
        assert [received.body for received in found] == bodies
        await rig.backend.aclose()
