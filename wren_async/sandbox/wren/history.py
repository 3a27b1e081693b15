"""What was ordered: the lists of orders, purchases and donations, and the certificates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from html import escape
from typing import Literal

import msgspec

from wren_async.sandbox.exchange import JSON, SandboxAnswer, SandboxRequest
from wren_async.sandbox.world import World
from wren_async.sandbox.wren.accounts import WrenAccount
from wren_async.sandbox.wren.behaviours import WrenBehaviours
from wren_async.sandbox.wren.casing import camel
from wren_async.sandbox.wren.orders import Group, GroupBook, OffsetShare, Row, plain
from wren_async.sandbox.wren.refusal import WrenRefusedError

SOURCE = "public-api"
"""Where every order of the sandbox comes from."""
_TREES_A_TON = Decimal("45.6")
_MILES_A_TON = Decimal(2479)
_FLIGHTS_A_TON = Decimal("1.1")


class History:
    """What an account sees of the orders that were placed. Behaviours can let each list lag behind them."""

    def __init__(self, world: World, behaviours: WrenBehaviours, book: GroupBook) -> None:
        self._world = world
        self._behaviours = behaviours
        self._book = book

    def offset_orders(self, account: WrenAccount) -> SandboxAnswer:
        """The account's offset rows, newest first, with the summary figures."""
        groups = list(self._shown(account))
        rows: list[JSON] = [self._offset_row(group, row) for group in groups for row in _offset_rows(group)]
        if self._behaviours.bare_arrays:
            return SandboxAnswer(body=rows)
        body: dict[str, JSON] = {"stats": self._stats(account, groups), "offsetOrders": rows}
        return SandboxAnswer(body=self._marked(account, body))

    def public_offset_orders(self) -> SandboxAnswer:
        """The offset rows of all accounts, with id, tonnes and time alone."""
        rows: list[JSON] = [
            {"id": self._id(row.id), "tons": plain(_tons(row)), "createdAt": timestamp(group.at)}
            for group in self._newest_first(self._book)
            for row in _offset_rows(group)
        ]
        return SandboxAnswer(body=rows if self._behaviours.public_list == "array" else {"offsetOrders": rows})

    def tree_orders(self, account: WrenAccount) -> SandboxAnswer:
        """The account's tree orders, newest first."""
        rows: list[JSON] = [self._tree_row(group) for group in self._shown(account) if group.basket.kind == "tree"]
        if self._behaviours.bare_arrays:
            return SandboxAnswer(body=rows)
        return SandboxAnswer(body=self._marked(account, {"treeOrders": rows}))

    def purchases(self, account: WrenAccount, request: SandboxRequest) -> SandboxAnswer:
        """One summary for each order group, newest first."""
        self._refuse_test_mode(account)
        left_out = self._behaviours.credits_in_purchases == "left_out"
        groups = (group for group in self._shown(account) if not (group.by_credits and left_out))
        return SandboxAnswer(body={"purchases": [self._purchase(group, request) for group in groups]})

    def donations(self, account: WrenAccount) -> SandboxAnswer:
        """The account's donations, newest first."""
        self._refuse_test_mode(account)
        groups = self._shown(account)
        return SandboxAnswer(body=[self._donation(group, row) for group in groups for row in _donation_rows(group)])

    def certificate(self, account: WrenAccount, request: SandboxRequest) -> SandboxAnswer:
        """The certificate of one of the account's own groups."""
        group = self._book.get(request.path["id"])
        if group is None or account.is_test or group.account.team != account.team or not self._is_ready(group):
            raise WrenRefusedError(404, "There is no such order group")
        match self._behaviours.certificate:
            case "redirect":
                return SandboxAnswer(status=302, headers={"Location": self._certificate_url(group, request)})
            case "json":
                return SandboxAnswer(body=_certificate_data(group))
            case "pdf":
                return SandboxAnswer(body=_certificate_pdf(group), media_type="application/pdf")
            case "html":
                return certificate_page(group)

    def _shown(self, account: WrenAccount) -> Iterator[Group]:
        if account.is_test:
            return iter(())
        owner = self._owner(account)
        return self._newest_first(group for group in self._book if self._owner(group.account) == owner)

    def _owner(self, account: WrenAccount) -> str:
        return account.team if self._behaviours.team_lists == "team" else account.token

    def _newest_first(self, groups: Iterable[Group]) -> Iterator[Group]:
        latest = self._world.clock.now() - self._behaviours.list_lag
        return (group for group in reversed(list(groups)) if not self._behaviours.list_lag or group.at <= latest)

    def _offset_row(self, group: Group, row: Row) -> dict[str, JSON]:
        body: dict[str, JSON] = {
            "id": self._id(row.id),
            "amount_paid_by_customer": plain(row.share.cents),
            "tons": plain(_tons(row)),
            "portfolio_id": group.basket.portfolio.id if group.basket.portfolio else None,
            "project_id": row.share.project_id,
            "source": SOURCE,
        }
        if self._behaviours.rows_with_note:
            body["note"] = group.note
        if self._behaviours.rows_with_group_id:
            body["order_group_id"] = group.id
        if self._behaviours.row_casing == "camel":
            body = camel(body)
        body["createdAt"] = timestamp(group.at)
        return body

    def _tree_row(self, group: Group) -> dict[str, JSON]:
        body: dict[str, JSON] = {
            "id": str(group.tree_order_id),
            "amountOfTrees": group.basket.trees,
            "createdAt": timestamp(group.at),
            "fulfillmentStatus": "fulfilled" if group.state == "fulfilled" else "pending",
            "amountPaidByCustomer": group.basket.cents,
            "paymentMethod": "credits" if group.by_credits else "stripe",
        }
        if self._behaviours.tree_rows_with_note:
            body["note"] = group.note
        if self._behaviours.rows_with_group_id:
            body["orderGroupId"] = group.id
        return body

    def _purchase(self, group: Group, request: SandboxRequest) -> dict[str, JSON]:
        hidden = group.by_credits and self._behaviours.credits_in_purchases == "null"
        return {
            "stripeChargeId": None if hidden else group.id,
            "createdAt": timestamp(group.at),
            "totalAmountPaidByCustomer": group.basket.cents,
            "totalTons": plain(group.basket.tons or Decimal(0)),
            "hasOffsetOrders": bool(group.basket.offsets),
            "hasProjectDonations": bool(group.basket.donations),
            "certificateUrl": self._certificate_url(group, request),
        }

    def _donation(self, group: Group, row: Row) -> dict[str, JSON]:
        return {
            "id": self._id(row.id),
            "projectId": row.share.project_id,
            "userId": group.account.user_id,
            "amountPaidByCustomer": plain(row.share.cents),
            "createdAt": timestamp(group.at),
            "source": SOURCE,
            "note": group.note,
        }

    def _stats(self, account: WrenAccount, groups: list[Group]) -> dict[str, JSON]:
        total = _sum_of_tons(groups)
        rank, percentile = self._standing(account)
        return {
            "totalTons": plain(total),
            "approximateTreesSavedPerYearEquivalent": plain(total * _TREES_A_TON),
            "approximateMilesDrivenEquivalent": plain(total * _MILES_A_TON),
            "approximateFlightsTakenEquivalent": plain(total * _FLIGHTS_A_TON),
            "rank": rank,
            "percentile": plain(percentile),
        }

    def _standing(self, account: WrenAccount) -> tuple[int, Decimal]:
        own = self._owner(account)
        tons: dict[str, Decimal] = {own: Decimal(0)}
        for group in self._book:
            owner = self._owner(group.account)
            tons[owner] = tons.get(owner, Decimal(0)) + (group.basket.tons or Decimal(0))
        rank = 1 + sum(1 for other in tons.values() if other > tons[own])
        return rank, (Decimal(100) * (len(tons) - rank + 1) / len(tons)).quantize(Decimal("0.1"))

    def _marked(self, account: WrenAccount, body: dict[str, JSON]) -> dict[str, JSON]:
        marked = account.is_test and self._behaviours.test_flag_everywhere
        return {**body, "test": True} if marked else body

    def _refuse_test_mode(self, account: WrenAccount) -> None:
        if account.is_test:
            raise WrenRefusedError(
                self._behaviours.unsupported_in_test_mode_status, "Not supported in test mode: use a live token"
            )

    def _is_ready(self, group: Group) -> bool:
        return self._world.clock.now() - group.at >= self._behaviours.certificate_delay

    def _certificate_url(self, group: Group, request: SandboxRequest) -> str:
        host = request.headers.get("host", "127.0.0.1")
        base = self._behaviours.certificate_base_url or f"http://{host}/_sandbox/wren/certificates"
        return f"{base}/{group.id}"

    def _id(self, row_id: int) -> str | int:
        kind: Literal["string", "integer"] = self._behaviours.row_ids
        return str(row_id) if kind == "string" else row_id


def timestamp(moment: datetime) -> str:
    """A time as the API writes it: `2026-07-01T12:00:00.000Z`."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def certificate_page(group: Group) -> SandboxAnswer:
    """The page of a certificate, for people."""
    lines = "".join(f"<li>{escape(f'{name}: {value}')}</li>" for name, value in _certificate_data(group).items())
    page = f"<!doctype html><title>Impact certificate</title><h1>Impact certificate (sandbox)</h1><ul>{lines}</ul>"
    return SandboxAnswer(body=page.encode(), media_type="text/html; charset=utf-8")


def _certificate_data(group: Group) -> dict[str, JSON]:
    return {
        "orderGroupId": group.id,
        "purchaser": group.on_behalf_of_name or group.account.name,
        "tons": plain(group.basket.tons or Decimal(0)),
        "trees": group.basket.trees or 0,
        "date": timestamp(group.at),
    }


def _certificate_pdf(group: Group) -> bytes:
    # Only the first and the last line are those of a PDF: a client passes the bytes on and does not read them.
    return b"%PDF-1.4\n% " + msgspec.json.encode(_certificate_data(group), enc_hook=str) + b"\n%%EOF\n"


def _offset_rows(group: Group) -> Iterator[Row]:
    return (row for row in group.rows if isinstance(row.share, OffsetShare))


def _donation_rows(group: Group) -> Iterator[Row]:
    return (row for row in group.rows if not isinstance(row.share, OffsetShare))


def _tons(row: Row) -> Decimal:
    return row.share.tons if isinstance(row.share, OffsetShare) else Decimal(0)


def _sum_of_tons(groups: Iterable[Group]) -> Decimal:
    return sum((group.basket.tons or Decimal(0) for group in groups), Decimal(0))
