"""The control API under `/_sandbox`: look at the sandbox, change it, and break it, from any language.

It asks for no credentials: it answers to this machine alone, unless it is told to listen elsewhere, and to no page of
another site.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import cast

import attrs
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from wren_async.sandbox.bounds import listed, shown
from wren_async.sandbox.codec import JSON_TYPE
from wren_async.sandbox.exchange import JSON
from wren_async.sandbox.fault_kinds import FaultKind, described
from wren_async.sandbox.faults import Fault
from wren_async.sandbox.patch import PatchError, patch, plain, require_known
from wren_async.sandbox.routes import Act, UnknownError
from wren_async.sandbox.state import SandboxState
from wren_async.sandbox.wren import AutoRefill, Card, WrenAccount

_CARD_WORDS = {card.value: card for card in Card}
_MOST_CENTS = 10**15
_MOST_AT_ONCE = 1000
_USUAL_LIMIT = 100
_MOST_DIGITS = 18
_USUAL_TOP_UP_CENTS = 10_000
_CLOCK_NAMES = ("set", "move", "run")
_FAULT_NAMES = tuple(name.name for name in attrs.fields(Fault) if name.init and name.name != "id")
_ACCOUNT_NAMES = ("balance_cents", "card", "name", "may_write", "auto_refill")
_REFILL_NAMES = ("below_cents", "amount_cents")

_KEPT = frozenset(
    {
        "add_account",
        "change_account",
        "top_up",
        "change_behaviours",
        "change_wren_order",
        "change_cnaught_order",
        "end_checkout",
    }
)
"""What has to be done again when a sandbox comes back from its file."""


class Control:
    """What the control API can do to a sandbox."""

    def __init__(self, state: SandboxState) -> None:
        self._state = state

    def repeat(self, content: Mapping[str, JSON]) -> None:
        """Carry out again a change that `SandboxState.keep` wrote to the file."""
        name, values = str(content["act"]), content["values"]
        if name in _KEPT and isinstance(values, dict):
            getattr(self, name)(Request({"type": "http", "headers": [], "path_params": content["path"]}), values)

    def carry_out(self, act: Act, request: Request, values: dict[str, JSON]) -> JSON | Response:
        """Let one of the methods below answer, keep what it changed, and tell that something may have changed."""
        name = act.__name__
        content: dict[str, JSON] = {"act": name, "path": {**request.path_params}, "values": {**values}}
        with self._state.lock:
            position = self._state.world.ids.position
            answer = act(request, values)
            if name in _KEPT:
                self._state.keep("control", content, position)
        self._state.announce()
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

    def show_state(self, request: Request, _values: dict[str, JSON]) -> JSON:
        """Everything that both APIs hold; with `?latest=N` the newest N of each list alone."""
        latest = request.query_params.get("latest")
        return {**self._state.plain(None if latest is None else _count("latest", latest, _MOST_AT_ONCE))}

    def show_requests(self, request: Request, _values: dict[str, JSON]) -> JSON:
        """The newest requests, or with `?since=` what came or changed after a revision; `?limit=` says how many.

        With `?bodies=false` they come without headers and bodies.
        """
        query, log = request.query_params, self._state.requests
        limit = _count("limit", query.get("limit", str(_USUAL_LIMIT)), _MOST_AT_ONCE)
        operation = query.get("operation")
        if operation is not None:
            self._state.faults.require_operation(operation)
        bodies = _yes_or_no("bodies", query.get("bodies", "true"))
        if "since" in query:
            return log.since(_count("since", query["since"]), limit, operation).plain(bodies=bodies)
        return log.latest(limit, operation).plain(bodies=bodies)

    def show_request(self, request: Request, _values: dict[str, JSON]) -> JSON:
        """One request, with headers and bodies."""
        wanted = request.path_params["number"]
        found = next((entry for entry in self._state.requests if str(entry.number) == wanted), None)
        if found is None:
            raise UnknownError(f"there is no request {shown(wanted)}, or no more")
        return found.plain()

    def show_clock(self, _request: Request, _values: dict[str, JSON]) -> JSON:
        """The sandbox's time."""
        clock = self._state.world.clock
        return {"now": clock.now().isoformat(), "stopped": clock.frozen_at is not None}

    def show_faults(self, _request: Request, _values: dict[str, JSON]) -> JSON:
        """The rules in force."""
        return [rule.plain() for rule in self._state.faults]

    def show_fault_kinds(self, _request: Request, _values: dict[str, JSON]) -> JSON:
        """What can go wrong: each kind, its moments, its options, and the operations that a rule may name."""
        return {"kinds": [*described()], "operations": {**self._state.operations()}}

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
        return self._state.faults.add_plain(arguments).plain()

    def clear_faults(self, _request: Request, _values: dict[str, JSON]) -> JSON:
        """Take all rules away."""
        self._state.faults.clear()
        return []

    def remove_fault(self, request: Request, _values: dict[str, JSON]) -> JSON:
        """Take one rule away."""
        wanted = request.path_params["id"]
        found = next((rule for rule in self._state.faults if str(rule.id) == wanted), None)
        if found is None:
            raise UnknownError(f"there is no fault {shown(wanted)}")
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

    def top_up(self, request: Request, values: dict[str, JSON]) -> JSON:
        """Raise the wallet of an account by `{"cents": 10000}`, with a ledger entry and no charge of its card."""
        account = self._account(request.path_params["token"])
        cents = _cents("cents", values.get("cents", _USUAL_TOP_UP_CENTS))
        if cents < 1:
            raise PatchError(f"cents must be at least 1, not {cents}")
        self._state.wren_api.cashier.give(account, cents)
        return _account(account)

    def change_wren_order(self, request: Request, _values: dict[str, JSON]) -> JSON:
        """`fulfil` or `refund` an order of Wren."""
        api, order_id = self._state.wren_api, request.path_params["id"]
        if order_id not in api.book:
            raise UnknownError(f"there is no order {shown(order_id)}")
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
            raise UnknownError("no such certificate")
        return Response(answer.body, media_type=answer.media_type)

    def checkout(self, request: Request, _values: dict[str, JSON]) -> Response:
        """The payment page of a checkout session."""
        return HTMLResponse(self._state.cnaught_api.checkout_page(request.path_params["id"]))

    def end_checkout(self, request: Request, _values: dict[str, JSON]) -> JSON | Response:
        """`complete` or `expire` a checkout session: who takes JSON gets the result, a buyer goes back."""
        api, session_id = self._state.cnaught_api, request.path_params["id"]
        ended = _choose(request, {"complete": api.complete, "expire": api.expire})(session_id)
        if JSON_TYPE in request.headers.get("accept", ""):
            return ended
        return RedirectResponse(api.return_url(session_id), status_code=303)

    def _behaviours(self, request: Request) -> attrs.AttrsInstance:
        behaviours: dict[str, attrs.AttrsInstance] = {
            "wren": self._state.wren_api.behaviours,
            "cnaught": self._state.cnaught_api.behaviours,
        }
        api = request.path_params["api"]
        if api not in behaviours:
            raise UnknownError(f"there is no API {shown(api)}; there are {listed(behaviours)}")
        return behaviours[api]

    def _account(self, token: str) -> WrenAccount:
        for account in self._state.wren_api.accounts:
            if account.token == token:
                return account
        raise UnknownError("there is no account behind this token")


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
        raise UnknownError(f"there is no {shown(act)}; there are {listed(acts)}")
    return acts[act]


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


def _count(name: str, text: str, most: int | None = None) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else -1
    if number < 0 or (most is not None and not 1 <= number <= most):
        wanted = "a revision that the log told" if most is None else f"a whole number from 1 to {most}"
        raise PatchError(f"{name} must be {wanted}, not {shown(text)}")
    return number


def _yes_or_no(name: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise PatchError(f"{name} must be true or false, not {shown(text)}")
    return text == "true"


def _plain_number(value: JSON) -> JSON | float:
    return float(value) if isinstance(value, Decimal) else value
