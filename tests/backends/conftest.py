"""The backends that the suite runs over, and what they need."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias

import aiohttp
import attrs
import httpx
import httpx2
import pytest
import trustme

from wren_async.core.client import _backend
from wren_async.http.backend import Backend
from wren_async.http.exchange import Answer, ExchangeFailed, Progress, Secret, WireRequest
from wren_async.http.over_aiohttp import AiohttpBackend

KINDS: Final = ("default", "httpx", "httpx2", "aiohttp", "session")
"""Our own httpx client, a caller's of httpx and of httpx2, our own aiohttp session, and a caller's."""

CALLERS: Final = ("httpx", "httpx2", "session")

USUAL: Final = ssl.create_default_context()
"""What a caller's client trusts by itself, made once because that takes its time."""

PROXY_VARIABLES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@attrs.frozen
class Kind:
    """A backend by name."""

    name: str

    @property
    def owned(self) -> bool:
        """Whether the connections are the library's own."""
        return self.name in ("default", "aiohttp")

    @property
    def over_aiohttp(self) -> bool:
        return self.name in ("aiohttp", "session")

    def bring(self, trust: ssl.SSLContext | None, **options: Any) -> Any:
        """The client or session of a caller, or nothing."""
        match self.name:
            case "httpx":
                return httpx.AsyncClient(verify=trust or USUAL, trust_env=False, **options)
            case "httpx2":
                return httpx2.AsyncClient(verify=trust or USUAL, trust_env=False, **options)
            case "session":
                return aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trust or USUAL), **options)
        return None


@attrs.frozen
class Rig:
    """A backend, and the caller's client or session that it was made over."""

    backend: Backend
    callers: Any

    async def send(self, method: str, url: str, **parts: Any) -> Answer:
        """An exchange that must go well."""
        return await self.backend.exchange(WireRequest(method=method, url=url, **parts), Progress(started=True))

    async def fail(self, method: str, url: str, **parts: Any) -> tuple[ExchangeFailed, Progress]:
        """An exchange that must fail, and how far it got."""
        progress = Progress(started=True)
        with pytest.raises(ExchangeFailed) as caught:
            await self.backend.exchange(WireRequest(method=method, url=url, **parts), progress)
        return caught.value, progress


Opener: TypeAlias = Callable[..., AbstractAsyncContextManager[Rig]]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return Kind(request.param)


def only(*names: str) -> pytest.MarkDecorator:
    """Run a test over these backends alone."""
    return pytest.mark.parametrize("kind", names, indirect=True)


@pytest.fixture
def opened(kind: Kind) -> Opener:
    @asynccontextmanager
    async def opened(trust: ssl.SSLContext | None = None, **options: Any) -> AsyncIterator[Rig]:
        callers = kind.bring(trust, **options)
        backend: Backend = AiohttpBackend() if kind.name == "aiohttp" else _backend(callers)
        try:
            yield Rig(backend, callers)
        finally:
            await backend.aclose()
            if callers is not None:
                await (callers.close() if kind.name == "session" else callers.aclose())

    return opened


@pytest.fixture
async def rig(opened: Opener) -> AsyncIterator[Rig]:
    async with opened() as made:
        yield made


@pytest.fixture(autouse=True)
def _no_proxies_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*PROXY_VARIABLES, "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


# --- a private certificate authority --------------------------------------------------------------------------------


@attrs.frozen
class Authority:
    """A certificate authority that no machine trusts by itself."""

    made: trustme.CA
    pem: Path

    def server(self, name: str = "localhost") -> ssl.SSLContext:
        """What a server of that name needs."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.made.issue_cert(name).configure_cert(context)
        return context

    @property
    def trust(self) -> ssl.SSLContext:
        """What a client needs to trust it."""
        return ssl.create_default_context(cafile=str(self.pem))


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    made = trustme.CA()
    pem = tmp_path_factory.mktemp("authority") / "ca.pem"
    made.cert_pem.write_to_path(str(pem))
    return Authority(made, pem)


@pytest.fixture
def trusting(kind: Kind, opened: Opener, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Opener:
    """Opens a backend that trusts the authority: a caller's by its own context, ours by the environment."""

    def trusting(**options: Any) -> AbstractAsyncContextManager[Rig]:
        if kind.owned:
            monkeypatch.setenv("SSL_CERT_FILE", str(authority.pem))
        return opened(authority.trust, **options)

    return trusting


@pytest.fixture
def bearer() -> Secret:
    return Secret("Bearer fake-token-0000")
