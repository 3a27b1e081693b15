"""A client of the sandbox's Wren for tests, over which every answer is held to the contract."""

from __future__ import annotations

from types import TracebackType
from typing import Any

import httpx

from wren_async.sandbox import Sandbox, WrenBehaviours


class WrenDriver:
    """One sandbox in the same process, and calls to its Wren."""

    def __init__(self, **behaviours: Any) -> None:
        self.sandbox = Sandbox(wren=WrenBehaviours(**behaviours), check_answers=True)
        self.token: str | None = self.sandbox.wren.live_token
        transport = httpx.ASGITransport(self.sandbox.asgi)
        self._http = httpx.AsyncClient(transport=transport, base_url=self.sandbox.wren.base_url)

    async def __aenter__(self) -> WrenDriver:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def send(self, method: str, path: str, **request: Any) -> httpx.Response:
        headers = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        return await self._http.request(
            method, path, **{**request, "headers": {**headers, **request.get("headers", {})}}
        )

    async def get(self, path: str, **query: Any) -> Any:
        answer = await self.send("GET", path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, **body: Any) -> Any:
        answer = await self.send("POST", path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def refused(self, status: int, path: str, **body: Any) -> str:
        answer = await self.send("POST", path, json=body)
        assert answer.status_code == status, answer.text
        message: str = answer.json()["message"]
        return message

    async def balance(self) -> int:
        cents: int = (await self.get("/api/credits/balance"))["creditBalanceUsdCents"]
        return cents
