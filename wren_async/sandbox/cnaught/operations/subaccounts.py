"""Subaccounts and their logos. These operations do not take the subaccount header."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import attrs

from wren_async.sandbox.cnaught.accounts import CNaughtAccount, CNaughtAccounts
from wren_async.sandbox.cnaught.behaviours import CNaughtBehaviours
from wren_async.sandbox.cnaught.fields import Fields
from wren_async.sandbox.cnaught.paging import PageRequest, page
from wren_async.sandbox.cnaught.problems import (
    CNaughtRefusedError,
    Problem,
    conflict,
    forbidden,
    invalid_parameters,
    not_found,
)
from wren_async.sandbox.cnaught.subaccounts import Logo, Subaccount, logo_from_upload, logo_from_url
from wren_async.sandbox.exchange import Handler, SandboxAnswer, SandboxRequest
from wren_async.sandbox.world import World


@attrs.frozen
class SubaccountOperations:
    """The eight operations on subaccounts."""

    world: World
    behaviours: CNaughtBehaviours
    accounts: CNaughtAccounts

    def by_id(self) -> Mapping[str, Handler]:
        """The handlers, by the `operationId` in the contract."""
        return {
            "listSubaccounts": self.list_subaccounts,
            "createSubaccount": self.create_subaccount,
            "getSubaccount": self.get_subaccount,
            "updateSubaccount": self.update_subaccount,
            "deleteSubaccount": self.delete_subaccount,
            "setSubaccountLogoFromUrl": self.set_logo_from_url,
            "uploadSubaccountLogo": self.upload_logo,
            "removeSubaccountLogo": self.remove_logo,
        }

    def list_subaccounts(self, request: SandboxRequest) -> SandboxAnswer:
        """A page of the account's subaccounts."""
        subaccounts = self._account(request).subaccounts
        ids = page(subaccounts.timeline, PageRequest.read(request.query, self.behaviours), self.behaviours)
        now = self._now()
        return SandboxAnswer(body={"data": [subaccounts[found].body(now, self.behaviours) for found in ids]})

    def create_subaccount(self, request: SandboxRequest) -> SandboxAnswer:
        """A new subaccount, with its logo if a URL of one is given."""
        account, fields = self._account(request), Fields(request.body)
        logo_url = fields.web_url("logo_url")
        subaccount = Subaccount(id=self.world.ids.short(8), created_on=self._now(), name="")
        subaccount.replace(fields, self.behaviours)
        if logo_url is not None:
            subaccount.logo = logo_from_url(subaccount.id, logo_url)
        account.subaccounts.add(subaccount)
        self.world.changed(f"subaccount {subaccount.id} created")
        return self._answer(subaccount, status=201)

    def get_subaccount(self, request: SandboxRequest) -> SandboxAnswer:
        """One subaccount."""
        return self._answer(self._subaccount(request))

    def update_subaccount(self, request: SandboxRequest) -> SandboxAnswer:
        """Replace everything about a subaccount but its logo."""
        subaccount = self._subaccount(request)
        subaccount.replace(Fields(request.body), self.behaviours)
        self.world.changed(f"subaccount {subaccount.id} replaced")
        return self._answer(subaccount)

    def delete_subaccount(self, request: SandboxRequest) -> SandboxAnswer:
        """Delete a subaccount that has no orders."""
        account, subaccount = self._account(request), self._subaccount(request)
        if len(account.orders.owned_by(subaccount.id)):
            raise CNaughtRefusedError(self._in_use())
        account.subaccounts.remove(subaccount.id)
        self.world.changed(f"subaccount {subaccount.id} deleted")
        return SandboxAnswer(status=204)

    def set_logo_from_url(self, request: SandboxRequest) -> SandboxAnswer:
        """Take the logo from a URL."""
        subaccount, fields = self._subaccount(request), Fields(request.body)
        url = fields.required_web_url("logo_url")
        fields.done()
        return self._with_logo(subaccount, logo_from_url(subaccount.id, url))

    def upload_logo(self, request: SandboxRequest) -> SandboxAnswer:
        """Take the logo from the request."""
        subaccount = self._subaccount(request)
        return self._with_logo(subaccount, logo_from_upload(subaccount.id, request, self.behaviours))

    def remove_logo(self, request: SandboxRequest) -> SandboxAnswer:
        """Take the logo away; it is no fault if there is none."""
        return self._with_logo(self._subaccount(request), None)

    def _account(self, request: SandboxRequest) -> CNaughtAccount:
        account = self.accounts.of(request)
        self.accounts.require_subaccounts()
        return account

    def _subaccount(self, request: SandboxRequest) -> Subaccount:
        subaccount = self._account(request).subaccounts.get(request.path["id"])
        if subaccount is None:
            raise CNaughtRefusedError(not_found("subaccount"))
        return subaccount

    def _in_use(self) -> Problem:
        title, status = "The subaccount has orders", self.behaviours.delete_with_orders_status
        if status == 400:
            return invalid_parameters({"id": [title]})
        return forbidden(title) if status == 403 else conflict(title)

    def _with_logo(self, subaccount: Subaccount, logo: Logo | None) -> SandboxAnswer:
        subaccount.logo = logo
        self.world.changed(f"logo of subaccount {subaccount.id} {'removed' if logo is None else 'set'}")
        return self._answer(subaccount)

    def _answer(self, subaccount: Subaccount, status: int = 200) -> SandboxAnswer:
        return SandboxAnswer(status=status, body=subaccount.body(self._now(), self.behaviours))

    def _now(self) -> datetime:
        return self.world.clock.now()
