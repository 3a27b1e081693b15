"""The routes of the control API: what each takes, and how its answers and its refusals are written."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from difflib import get_close_matches
from typing import Protocol, TypeAlias

import attrs
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from wren_async.sandbox import page
from wren_async.sandbox.bounds import listed, shown
from wren_async.sandbox.cnaught import CNaughtRefusedError
from wren_async.sandbox.codec import FORM_TYPE, JSON_TYPE, UnreadableError, decode, encode
from wren_async.sandbox.exchange import JSON
from wren_async.sandbox.patch import require_known
from wren_async.sandbox.state import CONTROL_PREFIX

Act: TypeAlias = Callable[[Request, dict[str, JSON]], "JSON | Response"]
_Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]


class Acts(Protocol):
    """What has a method for each act of the routes, and carries them out."""

    def carry_out(self, act: Act, request: Request, values: dict[str, JSON]) -> JSON | Response:
        """Let one of its methods answer."""
        ...


class UnknownError(Exception):
    """There is nothing of that name or id."""


class MediaTypeError(Exception):
    """The body is not said to be JSON."""


@attrs.frozen
class ControlRoute:
    """A method and a path of the control API."""

    method: str
    path: str
    """Below `/_sandbox`."""
    act: str
    """The method of `Control` that answers."""
    query: tuple[str, ...] = ()
    """The parameters that it takes."""
    takes: tuple[str, ...] | None = ()
    """The names that its body may have; None where the act itself knows them."""


ROUTES = (
    ControlRoute("GET", "/", "overview"),
    ControlRoute("GET", "/state", "show_state", query=("latest",)),
    ControlRoute("POST", "/reset", "reset"),
    ControlRoute("GET", "/requests", "show_requests", query=("since", "limit", "operation", "bodies")),
    ControlRoute("DELETE", "/requests", "clear_requests"),
    ControlRoute("GET", "/requests/{number}", "show_request"),
    ControlRoute("GET", "/clock", "show_clock"),
    ControlRoute("PUT", "/clock", "set_clock", takes=None),
    ControlRoute("GET", "/faults", "show_faults"),
    ControlRoute("POST", "/faults", "add_fault", takes=None),
    ControlRoute("DELETE", "/faults", "clear_faults"),
    ControlRoute("GET", "/faults/kinds", "show_fault_kinds"),
    ControlRoute("DELETE", "/faults/{id}", "remove_fault"),
    ControlRoute("GET", "/behaviours/{api}", "show_behaviours"),
    ControlRoute("PATCH", "/behaviours/{api}", "change_behaviours", takes=None),
    ControlRoute("POST", "/wren/accounts", "add_account", takes=None),
    ControlRoute("PATCH", "/wren/accounts/{token}", "change_account", takes=None),
    ControlRoute("POST", "/wren/accounts/{token}/top-up", "top_up", takes=("cents",)),
    ControlRoute("POST", "/wren/orders/{id}/{act}", "change_wren_order"),
    ControlRoute("GET", "/wren/certificates/{id}", "certificate"),
    ControlRoute("POST", "/cnaught/orders/{id}/{act}", "change_cnaught_order"),
    ControlRoute("GET", "/checkout/{id}", "checkout"),
    ControlRoute("POST", "/checkout/{id}/{act}", "end_checkout"),
)


def control_app(control: Acts) -> Starlette:
    """The control API of a sandbox, and the page that uses it, as an ASGI application."""
    routes = [_route(control, each) for each in ROUTES]
    pages = [Route("/", page.serve), Route(CONTROL_PREFIX + "/page/{name}", page.serve)]
    known = {CONTROL_PREFIX + each.path for each in ROUTES}

    async def unknown(request: Request, error: Exception) -> Response:
        return _unrouted(request, error, known)

    return Starlette(routes=[*pages, *routes], exception_handlers={404: unknown, 405: unknown})


def _route(control: Acts, route: ControlRoute) -> Route:
    act: Act = getattr(control, route.act)

    async def endpoint(request: Request) -> Response:
        try:
            require_known(request.query_params, route.query, "parameter")
            values = _read(await request.body(), request.headers)
            if route.takes is not None:
                require_known(values, route.takes)
            answer = control.carry_out(act, request, values)
        except UnknownError as error:
            return _json({"message": f"not found: {error}"}, 404)
        except MediaTypeError as error:
            return _json({"message": str(error)}, 415)
        except CNaughtRefusedError as refused:
            return _json(refused.problem.body(), refused.problem.status)
        except (UnreadableError, ValueError) as error:
            return _json({"message": str(error)}, 400)
        return answer if isinstance(answer, Response) else _json(answer)

    return Route(CONTROL_PREFIX + route.path, endpoint, methods=[route.method])


def _unrouted(request: Request, error: Exception, known: set[str]) -> Response:
    path, status = request.url.path, error.status_code if isinstance(error, HTTPException) else 404
    if status == 405:
        allowed = sorted(
            each.method for each in ROUTES if Route(CONTROL_PREFIX + each.path, _nothing).path_regex.match(path)
        )
        said = f"{request.method} is not for {path}; it takes {listed(allowed or ['GET'])}"
        return _json({"message": said}, status, {"Allow": ", ".join(allowed or ["GET"])})
    meant = get_close_matches(path, known, n=1)
    hint = f"did you mean {meant[0]}? " if meant else ""
    return _json({"message": f"there is no {shown(path)}; {hint}the paths are {listed(sorted(known))}"}, 404)


async def _nothing(request: Request) -> Response:
    raise NotImplementedError


def _read(body: bytes, headers: Headers) -> dict[str, JSON]:
    if not body:
        return {}
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    # curl -d calls everything a form, and other tools say nothing. What a foreign page sends was refused before.
    if media_type not in (JSON_TYPE, FORM_TYPE, ""):
        raise MediaTypeError(f"the body must be {JSON_TYPE}, not {shown(media_type)}")
    try:
        value = decode(body)
    except UnreadableError:
        raise UnreadableError(_NO_OBJECT) from None
    if not isinstance(value, dict):
        raise UnreadableError(_NO_OBJECT)
    return value


_NO_OBJECT = """the body must be a JSON object, such as -d '{"kind": "reset"}'"""


def _json(value: JSON, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(encode(value), status_code=status, media_type="application/json", headers=headers)
