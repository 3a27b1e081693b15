"""Climate impact and the page that shows it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

import attrs

from wren_async.sandbox.cnaught import impact
from wren_async.sandbox.cnaught.accounts import Caller, CNaughtAccounts
from wren_async.sandbox.cnaught.behaviours import CNaughtBehaviours
from wren_async.sandbox.cnaught.fields import moment
from wren_async.sandbox.cnaught.orders import OrderState, timestamp
from wren_async.sandbox.cnaught.problems import CNaughtRefusedError, invalid_parameters
from wren_async.sandbox.cnaught.quotes import number
from wren_async.sandbox.exchange import JSON, Handler, SandboxAnswer, SandboxRequest
from wren_async.sandbox.world import World

ACCOUNT_NAME = "Acme, Inc"
"""The name on the account's impact data."""


@attrs.frozen
class ImpactOperations:
    """The two operations on climate impact."""

    world: World
    behaviours: CNaughtBehaviours
    accounts: CNaughtAccounts

    def by_id(self) -> Mapping[str, Handler]:
        """The handlers, by the `operationId` in the contract."""
        return {"getImpactData": self.get_impact_data, "getHostedPageConfig": self.get_hosted_page_config}

    def get_impact_data(self, request: SandboxRequest) -> SandboxAnswer:
        """What the caller's orders of a period have retired."""
        caller = self.accounts.caller(request)
        since, until = (moment(name, request.query.get(name)) for name in ("from", "to"))
        if since is not None and until is not None and since > until:
            raise CNaughtRefusedError(invalid_parameters({"from": ["must not be later than to"]}))
        orders = (caller.account.orders[order_id] for order_id in caller.orders().newest_first())
        counted = [
            order
            for order in orders
            if order.state is OrderState.FULFILLED and self._is_within(order.created_on, since, until)
        ]
        retirements = [retirement for order in counted for retirement in order.retirements]
        total = sum((retirement.amount_kg for retirement in retirements), Decimal())
        name, logo_url, started_on = self._identity(caller)
        # The sample order is older than the account of sandbox mode, and a clock may have been set back.
        started_on = min([started_on, *(order.created_on for order in counted)])
        data: dict[str, JSON] = {
            "name": name,
            "logo_url": logo_url,
            "total_offset_kgs": number(total),
            "equivalents": impact.equivalents(total, self.behaviours),
            "since_date": timestamp(since or started_on),
            "to_date": None if until is None else timestamp(until),
            "categories": impact.usage_by_category(retirements, self.behaviours),
        }
        return SandboxAnswer(body=data)

    def get_hosted_page_config(self, request: SandboxRequest) -> SandboxAnswer:
        """The options of the caller's public impact page."""
        name, _, _ = self._identity(self.accounts.caller(request))
        return SandboxAnswer(body=impact.hosted_page(name, self.behaviours))

    def _is_within(self, moment: datetime, since: datetime | None, until: datetime | None) -> bool:
        bounds = self.behaviours.impact_bounds
        begun = since is None or since < moment or (since == moment and bounds != "exclusive")
        over = until is not None and (until < moment or (until == moment and bounds != "inclusive"))
        return begun and not over

    def _identity(self, caller: Caller) -> tuple[str, str | None, datetime]:
        subaccount = caller.subaccount
        if subaccount is None:
            return ACCOUNT_NAME, None, caller.account.created_on
        logo = subaccount.logo
        logo_url = None if logo is None else logo.url(self.world.clock.now(), self.behaviours)
        return subaccount.name, logo_url, subaccount.created_on
