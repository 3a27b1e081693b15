"""The control API under `/_sandbox`: look at the sandbox, change it, and break it, from any language.

It asks for no credentials, so the sandbox should not listen where others can reach it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

import attrs
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route

from wren_async.sandbox.amend import AmendmentError, amend, plain
from wren_async.sandbox.cnaught import RefusedError
from wren_async.sandbox.codec import UnreadableError, decode, encode
from wren_async.sandbox.exchange import JSON
from wren_async.sandbox.wren import Account, AutoRefill, Card

if TYPE_CHECKING:
    from wren_async.sandbox.sandbox import Sandbox

_Act: TypeAlias = "Callable[[Request, dict[str, JSON]], JSON | Response]"
_CARD_WORDS = {card.value: card for card in Card}


_KEPT = frozenset(
    {
        "add_account",
        "change_account",
        "change_settings",
        "change_wren_order",
        "change_cnaught_order",
        "end_checkout",
    }
)
"""What has to be done again when a sandbox comes back from its file."""


def control_app(control: Control) -> Starlette:
    """The control API of a sandbox, as an ASGI application."""
    routes = [
        Route("/", control.route(control.overview)),
        Route("/state", control.route(control.show_state)),
        Route("/reset", control.route(control.reset), methods=["POST"]),
        Route("/requests", control.route(control.show_requests)),
        Route("/requests", control.route(control.clear_requests), methods=["DELETE"]),
        Route("/clock", control.route(control.show_clock)),
        Route("/clock", control.route(control.set_clock), methods=["PUT"]),
        Route("/faults", control.route(control.show_faults)),
        Route("/faults", control.route(control.add_fault), methods=["POST"]),
        Route("/faults", control.route(control.clear_faults), methods=["DELETE"]),
        Route("/faults/{id:int}", control.route(control.remove_fault), methods=["DELETE"]),
        Route("/settings/{api}", control.route(control.show_settings)),
        Route("/settings/{api}", control.route(control.change_settings), methods=["PATCH"]),
        Route("/wren/accounts", control.route(control.add_account), methods=["POST"]),
        Route("/wren/accounts/{token}", control.route(control.change_account), methods=["PATCH"]),
        Route("/wren/orders/{id}/{act}", control.route(control.change_wren_order), methods=["POST"]),
        Route("/wren/certificates/{id}", control.route(control.certificate)),
        Route("/cnaught/orders/{id}/{act}", control.route(control.change_cnaught_order), methods=["POST"]),
        Route("/checkout/{id}", control.route(control.checkout)),
        Route("/checkout/{id}/{act}", control.route(control.end_checkout), methods=["POST"]),
    ]
    return Starlette(routes=[Mount("/_sandbox", routes=routes)])


class _UnknownError(LookupError):
    """There is nothing of that name or id."""


class Control:
    """What the control API can do to a sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def repeat(self, content: Mapping[str, JSON]) -> None:
        """Do again what `Sandbox.keep` was told of."""
        name, values = str(content["act"]), content["values"]
        if name in _KEPT and isinstance(values, dict):
            getattr(self, name)(Request({"type": "http", "path_params": content["path"]}), values)

    def route(self, act: _Act) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint around a plain function: JSON in, JSON out, and refusals in words."""

        async def endpoint(request: Request) -> Response:
            try:
                values = _read(await request.body(), request.headers.get("content-type", ""))
                with self._sandbox.server.lock:
                    answer = self._carry_out(act, request, values)
            except (_UnknownError, KeyError) as error:
                return _json({"message": f"not found: {error}"}, 404)
            except RefusedError as refused:
                return _json(refused.problem.body(), refused.problem.status)
            except (AmendmentError, UnreadableError, TypeError, ValueError) as error:
                return _json({"message": str(error)}, 400)
            self._sandbox.server.committed()
            return answer if isinstance(answer, Response) else _json(answer)

        return endpoint

    def _carry_out(self, act: _Act, request: Request, values: dict[str, JSON]) -> JSON | Response:
        name, position = act.__name__, self._sandbox.world.ids.position
        content: dict[str, JSON] = {"act": name, "path": {**request.path_params}, "values": {**values}}
        answer = act(request, values)
        if name in _KEPT:
            self._sandbox.keep("control", content, position)
        return answer

    # Looking

    def overview(self, _request: Request, _values: dict[str, JSON]) -> JSON:
        """Where everything is."""
        sandbox = self._sandbox
        return {
            "wren": {**attrs.asdict(sandbox.wren)},
            "cnaught": {**attrs.asdict(sandbox.cnaught)},
            "now": sandbox.clock.now().isoformat(),
            "requests": len(sandbox.requests),
            "faults": len(sandbox.faults),
        }

    def show_state(self, _request: Request, _values: dict[str, JSON]) -> JSON:
        """Everything that both APIs hold."""
        return {**self._sandbox.state()}

    def show_requests(self, request: Request, _values: dict[str, JSON]) -> JSON:
        """The log; `?operation=` picks one operation, `?after=` what came after a number."""
        operation, after = request.query_params.get("operation"), int(request.query_params.get("after", "0"))
        found = [entry for entry in self._sandbox.requests if operation in (None, entry.operation)]
        return [entry.plain() for entry in found if entry.number > after]

    def show_clock(self, _request: Request, _values: dict[str, JSON]) -> JSON:
        """The sandbox's time."""
        clock = self._sandbox.clock
        return {"now": clock.now().isoformat(), "stopped": clock.frozen_at is not None}

    def show_faults(self, _request: Request, _values: dict[str, JSON]) -> JSON:
        """The rules in force."""
        return [rule.plain() for rule in self._sandbox.faults]

    def show_settings(self, request: Request, _values: dict[str, JSON]) -> JSON:
        """The settings of an API."""
        return {**plain(self._settings(request))}

    # Changing

    def reset(self, _request: Request, _values: dict[str, JSON]) -> JSON:
        """Forget everything."""
        self._sandbox.reset()
        return {}

    def clear_requests(self, _request: Request, _values: dict[str, JSON]) -> JSON:
        """Empty the log."""
        self._sandbox.requests.clear()
        return []

    def set_clock(self, request: Request, values: dict[str, JSON]) -> JSON:
        """`{"set": time}` stops the clock at a time, `{"move": seconds}` moves it, `{"run": true}` lets it run."""
        clock = self._sandbox.clock
        if values.get("run") is True:
            clock.frozen_at = None
        if "set" in values:
            clock.set(_moment(values["set"]))
        if "move" in values:
            clock.move(_number(values["move"]))
        return self.show_clock(request, values)

    def add_fault(self, _request: Request, values: dict[str, JSON]) -> JSON:
        """Add a rule: the arguments of `Faults.add`."""
        arguments = {name: _plain_number(value) for name, value in values.items()}
        return self._sandbox.faults.add(**arguments).plain()  # type: ignore[arg-type]

    def clear_faults(self, _request: Request, _values: dict[str, JSON]) -> JSON:
        """Take all rules away."""
        self._sandbox.faults.clear()
        return []

    def remove_fault(self, request: Request, _values: dict[str, JSON]) -> JSON:
        """Take one rule away."""
        if not self._sandbox.faults.remove(request.path_params["id"]):
            raise _UnknownError("no such fault")
        return {}

    def change_settings(self, request: Request, values: dict[str, JSON]) -> JSON:
        """Change settings by name; durations are in seconds."""
        amend(self._settings(request), values)
        return self.show_settings(request, values)

    def add_account(self, _request: Request, values: dict[str, JSON]) -> JSON:
        """Add an account to Wren, behind a token of the reserved pattern; with `team`, to the team of that token."""
        accounts, team = self._sandbox.wren_api.accounts, values.pop("team", None)
        token = _text(values.pop("token", ""))
        account = Account(token=token) if team is None else accounts.teammate(_text(team), token)
        _change_account(account, values)
        accounts.add(account)
        return _account(account)

    def change_account(self, request: Request, values: dict[str, JSON]) -> JSON:
        """Change the balance, card, refill or rights of a Wren account."""
        account = self._sandbox.wren_api.accounts[request.path_params["token"]]
        _change_account(account, values)
        return _account(account)

    def change_wren_order(self, request: Request, _values: dict[str, JSON]) -> JSON:
        """`fulfil` or `refund` an order of Wren."""
        api, order_id = self._sandbox.wren_api, request.path_params["id"]
        _choose(request, {"fulfil": api.fulfil, "refund": api.refund})(order_id)
        return {"id": order_id, "state": api.book[order_id].state}

    def change_cnaught_order(self, request: Request, _values: dict[str, JSON]) -> JSON:
        """`fulfil` or `cancel` an order of CNaught."""
        api = self._sandbox.cnaught_api
        return _choose(request, {"fulfil": api.fulfil, "cancel": api.cancel})(request.path_params["id"])

    # Pages

    def certificate(self, request: Request, _values: dict[str, JSON]) -> Response:
        """The page of a Wren certificate."""
        answer = self._sandbox.wren_api.certificate_page(request.path_params["id"])
        if answer is None or not isinstance(answer.body, bytes):
            raise _UnknownError("no such certificate")
        return Response(answer.body, media_type=answer.media_type)

    def checkout(self, request: Request, _values: dict[str, JSON]) -> Response:
        """The payment page of a checkout session."""
        return HTMLResponse(self._sandbox.cnaught_api.checkout_page(request.path_params["id"]))

    def end_checkout(self, request: Request, _values: dict[str, JSON]) -> Response:
        """`complete` or `expire` a checkout session, and send the buyer back."""
        api, session_id = self._sandbox.cnaught_api, request.path_params["id"]
        _choose(request, {"complete": api.complete, "expire": api.expire})(session_id)
        return RedirectResponse(api.return_url(session_id), status_code=303)

    def _settings(self, request: Request) -> attrs.AttrsInstance:
        settings: dict[str, attrs.AttrsInstance] = {
            "wren": self._sandbox.wren_api.settings,
            "cnaught": self._sandbox.cnaught_api.settings,
        }
        return settings[request.path_params["api"]]


def _change_account(account: Account, values: Mapping[str, JSON]) -> None:
    for name, value in values.items():
        match name:
            case "balance_cents":
                account.wallet.balance_cents = _integer(value)
            case "card":
                account.card = _CARD_WORDS[_text(value)]
            case "name":
                account.name = _text(value)
            case "may_write":
                account.may_write = value is True
            case "auto_refill":
                account.auto_refill = _refill(value)
            case _:
                raise AmendmentError(f"{name} is not known")


def _refill(value: JSON) -> AutoRefill | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise AmendmentError('auto_refill is null or {"below_cents": …, "amount_cents": …}')
    return AutoRefill(_integer(value["below_cents"]), _integer(value["amount_cents"]))


def _account(account: Account) -> JSON:
    return {
        "token": account.token,
        "team": account.team,
        "name": account.name,
        "balance_cents": account.wallet.balance_cents,
        "card": account.card.value,
        "may_write": account.may_write,
        "auto_refill": None if account.auto_refill is None else {**attrs.asdict(account.auto_refill)},
    }


def _choose(request: Request, acts: Mapping[str, Callable[[str], JSON]]) -> Callable[[str], JSON]:
    return acts[request.path_params["act"]]


def _read(body: bytes, content_type: str) -> dict[str, JSON]:
    if not body or content_type.startswith("application/x-www-form-urlencoded"):
        return {}
    value = decode(body)
    if not isinstance(value, dict):
        raise UnreadableError("a JSON object is expected")
    return value


def _json(value: JSON, status: int = 200) -> Response:
    return Response(encode(value), status_code=status, media_type="application/json")


def _moment(value: JSON) -> datetime:
    moment = datetime.fromisoformat(_text(value))
    if moment.tzinfo is None:
        raise ValueError("the time needs its offset from UTC, such as Z")
    return moment


def _text(value: JSON) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _integer(value: JSON) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{value!r} is no whole number")
    return value


def _number(value: JSON) -> float:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise TypeError(f"{value!r} is no number")
    return float(value)


def _plain_number(value: JSON) -> JSON | float:
    return float(value) if isinstance(value, Decimal) else value
