"""The control API under `/_sandbox`: look at the sandbox, change it, and break it, from any language.

It asks for no credentials: it answers to this machine alone, unless it is told to listen elsewhere, and to no page of
another site.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import TypeAlias, cast

import attrs
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route

from wren_async.sandbox.bounds import listed, shown
from wren_async.sandbox.cnaught import CNaughtRefusedError
from wren_async.sandbox.codec import FORM_TYPE, JSON_TYPE, UnreadableError, decode, encode
from wren_async.sandbox.exchange import JSON
from wren_async.sandbox.faults import Fault, FaultKind
from wren_async.sandbox.patch import PatchError, patch, plain, require_known
from wren_async.sandbox.state import CONTROL_PREFIX, SandboxState
from wren_async.sandbox.wren import AutoRefill, Card, WrenAccount

_Act: TypeAlias = "Callable[[Request, dict[str, JSON]], JSON | Response]"
_CARD_WORDS = {card.value: card for card in Card}
_MOST_CENTS = 10**15
_CLOCK_NAMES = ("set", "move", "run")
_FAULT_NAMES = tuple(name.name for name in attrs.fields(Fault) if name.init and name.name != "id")
_ACCOUNT_NAMES = ("balance_cents", "card", "name", "may_write", "auto_refill")
_REFILL_NAMES = ("below_cents", "amount_cents")

_KEPT = frozenset(
    {
        "add_account",
        "change_account",
        "change_behaviours",
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
        Route("/faults/{id}", control.route(control.remove_fault), methods=["DELETE"]),
        Route("/behaviours/{api}", control.route(control.show_behaviours)),
        Route("/behaviours/{api}", control.route(control.change_behaviours), methods=["PATCH"]),
        Route("/wren/accounts", control.route(control.add_account), methods=["POST"]),
        Route("/wren/accounts/{token}", control.route(control.change_account), methods=["PATCH"]),
        Route("/wren/orders/{id}/{act}", control.route(control.change_wren_order), methods=["POST"]),
        Route("/wren/certificates/{id}", control.route(control.certificate)),
        Route("/cnaught/orders/{id}/{act}", control.route(control.change_cnaught_order), methods=["POST"]),
        Route("/checkout/{id}", control.route(control.checkout)),
        Route("/checkout/{id}/{act}", control.route(control.end_checkout), methods=["POST"]),
    ]
    return Starlette(routes=[Mount(CONTROL_PREFIX, routes=routes)])


class _UnknownError(Exception):
    """There is nothing of that name or id."""


class _MediaTypeError(Exception):
    """The body is not said to be JSON."""


class Control:
    """What the control API can do to a sandbox."""

    def __init__(self, state: SandboxState) -> None:
        self._state = state

    def repeat(self, content: Mapping[str, JSON]) -> None:
        """Carry out again a change that `SandboxState.keep` wrote to the file."""
        name, values = str(content["act"]), content["values"]
        if name in _KEPT and isinstance(values, dict):
            getattr(self, name)(Request({"type": "http", "path_params": content["path"]}), values)

    def route(self, act: _Act) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint around a plain function: JSON in, JSON out, and refusals in words."""

        async def endpoint(request: Request) -> Response:
            try:
                values = _read(await request.body(), request.headers)
                with self._state.lock:
                    answer = self._carry_out(act, request, values)
            except _UnknownError as error:
                return _json({"message": f"not found: {error}"}, 404)
            except _MediaTypeError as error:
                return _json({"message": str(error)}, 415)
            except CNaughtRefusedError as refused:
                return _json(refused.problem.body(), refused.problem.status)
            except (UnreadableError, ValueError) as error:
                return _json({"message": str(error)}, 400)
            self._state.announce()
            return answer if isinstance(answer, Response) else _json(answer)

        return endpoint

    def _carry_out(self, act: _Act, request: Request, values: dict[str, JSON]) -> JSON | Response:
        name, position = act.__name__, self._state.world.ids.position
        content: dict[str, JSON] = {"act": name, "path": {**request.path_params}, "values": {**values}}
        answer = act(request, values)
        if name in _KEPT:
            self._state.keep("control", content, position)
        return answer

    # Looking

    def overview(self, _request: Request, _values: dict[str, JSON]) -> JSON:
        """Where everything is."""
        state = self._state
        return {
            "wren": {**attrs.asdict(state.wren)},
            "cnaught": {**attrs.asdict(state.cnaught)},
            "now": state.world.clock.now().isoformat(),
            "requests": len(state.requests),
            "faults": len(state.faults),
        }

    def show_state(self, _request: Request, _values: dict[str, JSON]) -> JSON:
        """Everything that both APIs hold."""
        return {**self._state.plain()}

    def show_requests(self, request: Request, _values: dict[str, JSON]) -> JSON:
        """The log; `?operation=` picks one operation, `?after=` what came after a number."""
        operation, after = request.query_params.get("operation"), _number_of(request.query_params.get("after", "0"))
        found = [entry for entry in self._state.requests if operation in (None, entry.operation)]
        return [entry.plain() for entry in found if entry.number > after]

    def show_clock(self, _request: Request, _values: dict[str, JSON]) -> JSON:
        """The sandbox's time."""
        clock = self._state.world.clock
        return {"now": clock.now().isoformat(), "stopped": clock.frozen_at is not None}

    def show_faults(self, _request: Request, _values: dict[str, JSON]) -> JSON:
        """The rules in force."""
        return [rule.plain() for rule in self._state.faults]

    def show_behaviours(self, request: Request, _values: dict[str, JSON]) -> JSON:
        """The behaviours of an API."""
        return {**plain(self._behaviours(request))}

    # Changing

    def reset(self, _request: Request, _values: dict[str, JSON]) -> JSON:
        """Forget everything."""
        self._state.reset()
        return {}

    def clear_requests(self, _request: Request, _values: dict[str, JSON]) -> JSON:
        """Empty the log."""
        self._state.requests.clear()
        return []

    def set_clock(self, request: Request, values: dict[str, JSON]) -> JSON:
        """`{"set": time}` stops the clock at a time, `{"move": seconds}` moves it, `{"run": true}` lets it run."""
        require_known(values, _CLOCK_NAMES)
        if len(values) != 1:
            raise PatchError(f"give one of {listed(_CLOCK_NAMES)}")
        clock = self._state.world.clock
        match values:
            case {"set": moment}:
                clock.set(_moment(moment))
            case {"move": seconds}:
                clock.move(_number(seconds))
            case {"run": True}:
                clock.frozen_at = None
            case _:
                raise PatchError("run must be true")
        return self.show_clock(request, values)

    def add_fault(self, _request: Request, values: dict[str, JSON]) -> JSON:
        """Add a rule: the arguments of `Faults.add`."""
        require_known(values, _FAULT_NAMES)
        if "kind" not in values:
            raise PatchError(f"kind is required: one of {listed([kind.value for kind in FaultKind])}")
        arguments = {name: _plain_number(value) for name, value in values.items()}
        return self._state.faults.add(**arguments).plain()  # type: ignore[arg-type]

    def clear_faults(self, _request: Request, _values: dict[str, JSON]) -> JSON:
        """Take all rules away."""
        self._state.faults.clear()
        return []

    def remove_fault(self, request: Request, _values: dict[str, JSON]) -> JSON:
        """Take one rule away."""
        wanted = request.path_params["id"]
        found = next((rule for rule in self._state.faults if str(rule.id) == wanted), None)
        if found is None:
            raise _UnknownError(f"there is no fault {shown(wanted)}")
        self._state.faults.remove(found.id)
        return {}

    def change_behaviours(self, request: Request, values: dict[str, JSON]) -> JSON:
        """Change behaviours by name; durations are in seconds."""
        patch(self._behaviours(request), values)
        return self.show_behaviours(request, values)

    def add_account(self, _request: Request, values: dict[str, JSON]) -> JSON:
        """Add an account to Wren, behind a token of the reserved pattern; with `team`, to the team of that token."""
        accounts, team = self._state.wren_api.accounts, values.pop("team", None)
        token = _text("token", values.pop("token", ""))
        account = (
            WrenAccount(token=token)
            if team is None
            else accounts.teammate(self._account(_text("team", team)).token, token)
        )
        require_known(values, ("token", "team", *_ACCOUNT_NAMES))
        _change_account(account, values)
        accounts.add(account)
        return _account(account)

    def change_account(self, request: Request, values: dict[str, JSON]) -> JSON:
        """Change the balance, card, refill or rights of a Wren account."""
        account = self._account(request.path_params["token"])
        require_known(values, _ACCOUNT_NAMES)
        _change_account(account, values)
        return _account(account)

    def change_wren_order(self, request: Request, _values: dict[str, JSON]) -> JSON:
        """`fulfil` or `refund` an order of Wren."""
        api, order_id = self._state.wren_api, request.path_params["id"]
        if order_id not in api.book:
            raise _UnknownError(f"there is no order {shown(order_id)}")
        _choose(request, {"fulfil": api.fulfil, "refund": api.refund})(order_id)
        return {"id": order_id, "state": api.book[order_id].state}

    def change_cnaught_order(self, request: Request, _values: dict[str, JSON]) -> JSON:
        """`fulfil` or `cancel` an order of CNaught."""
        api = self._state.cnaught_api
        return _choose(request, {"fulfil": api.fulfil, "cancel": api.cancel})(request.path_params["id"])

    # Pages

    def certificate(self, request: Request, _values: dict[str, JSON]) -> Response:
        """The page of a Wren certificate."""
        answer = self._state.wren_api.certificate_page(request.path_params["id"])
        if answer is None or not isinstance(answer.body, bytes):
            raise _UnknownError("no such certificate")
        return Response(answer.body, media_type=answer.media_type)

    def checkout(self, request: Request, _values: dict[str, JSON]) -> Response:
        """The payment page of a checkout session."""
        return HTMLResponse(self._state.cnaught_api.checkout_page(request.path_params["id"]))

    def end_checkout(self, request: Request, _values: dict[str, JSON]) -> Response:
        """`complete` or `expire` a checkout session, and send the buyer back."""
        api, session_id = self._state.cnaught_api, request.path_params["id"]
        _choose(request, {"complete": api.complete, "expire": api.expire})(session_id)
        return RedirectResponse(api.return_url(session_id), status_code=303)

    def _behaviours(self, request: Request) -> attrs.AttrsInstance:
        behaviours: dict[str, attrs.AttrsInstance] = {
            "wren": self._state.wren_api.behaviours,
            "cnaught": self._state.cnaught_api.behaviours,
        }
        api = request.path_params["api"]
        if api not in behaviours:
            raise _UnknownError(f"there is no API {shown(api)}; there are {listed(behaviours)}")
        return behaviours[api]

    def _account(self, token: str) -> WrenAccount:
        for account in self._state.wren_api.accounts:
            if account.token == token:
                return account
        raise _UnknownError("there is no account behind this token")


def _change_account(account: WrenAccount, values: Mapping[str, JSON]) -> None:
    readers: Mapping[str, Callable[[str, JSON], object]] = {
        "balance_cents": _cents,
        "card": _card,
        "name": _text,
        "may_write": _truth,
        "auto_refill": _refill,
    }
    read = {name: readers[name](name, value) for name, value in values.items()}
    for name, value in read.items():
        if name == "balance_cents":
            account.wallet.balance_cents = cast("int", value)
        else:
            setattr(account, name, value)


def _card(name: str, value: JSON) -> Card:
    if not isinstance(value, str) or value not in _CARD_WORDS:
        raise PatchError(f"{name} must be one of {listed(_CARD_WORDS)}, not {shown(value)}")
    return _CARD_WORDS[value]


def _refill(name: str, value: JSON) -> AutoRefill | None:
    if value is None:
        return None
    if not isinstance(value, dict) or set(value) != set(_REFILL_NAMES):
        raise PatchError(f"{name} must be null or an object of {listed(_REFILL_NAMES)}, not {shown(value)}")
    below, amount = _cents("below_cents", value["below_cents"]), _cents("amount_cents", value["amount_cents"])
    if amount < 1:
        raise PatchError(f"amount_cents must be at least 1, not {amount}")
    return AutoRefill(below, amount)


def _account(account: WrenAccount) -> JSON:
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
    act = request.path_params["act"]
    if act not in acts:
        raise _UnknownError(f"there is no {shown(act)}; there are {listed(acts)}")
    return acts[act]


def _read(body: bytes, headers: Headers) -> dict[str, JSON]:
    if not body:
        return {}
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    # curl -d calls everything a form. What a browser calls one was refused where it came from another site.
    if media_type not in (JSON_TYPE, FORM_TYPE):
        raise _MediaTypeError(f"the body must be {JSON_TYPE}, not {shown(media_type)}")
    value = decode(body)
    if not isinstance(value, dict):
        raise UnreadableError("a JSON object is expected")
    return value


def _json(value: JSON, status: int = 200) -> Response:
    return Response(encode(value), status_code=status, media_type="application/json")


def _moment(value: JSON) -> datetime:
    try:
        return datetime.fromisoformat(_text("set", value))
    except ValueError:
        raise PatchError(f"set must be a time such as 2026-07-01T12:00:00Z, not {shown(value)}") from None


def _text(name: str, value: JSON) -> str:
    if not isinstance(value, str):
        raise PatchError(f"{name} must be a text, not {shown(value)}")
    return value


def _truth(name: str, value: JSON) -> bool:
    if not isinstance(value, bool):
        raise PatchError(f"{name} must be true or false, not {shown(value)}")
    return value


def _cents(name: str, value: JSON) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not -_MOST_CENTS <= value <= _MOST_CENTS:
        raise PatchError(f"{name} must be a whole number of cents, at most {_MOST_CENTS}, not {shown(value)}")
    return value


def _number(value: JSON) -> float:
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not -_MOST_CENTS <= value <= _MOST_CENTS:
        raise PatchError(f"move must be a number of seconds, not {shown(value)}")
    return float(value)


def _number_of(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise PatchError(f"after must be the number of a request, not {shown(text)}")
    return int(text)


def _plain_number(value: JSON) -> JSON | float:
    return float(value) if isinstance(value, Decimal) else value
