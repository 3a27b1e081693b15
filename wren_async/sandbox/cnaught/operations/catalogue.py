"""Reading what there is to buy."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from wren_async.sandbox.cnaught.accounts import CNaughtAccounts, unit_price
from wren_async.sandbox.cnaught.behaviours import CNaughtBehaviours
from wren_async.sandbox.cnaught.catalogue import CATEGORIES, PORTFOLIOS, PROJECTS, CNaughtPortfolio
from wren_async.sandbox.cnaught.problems import CNaughtRefusedError, not_found
from wren_async.sandbox.cnaught.quotes import number
from wren_async.sandbox.exchange import JSON, Handler, SandboxAnswer, SandboxRequest


@attrs.frozen
class CatalogueOperations:
    """The four operations on portfolios, projects and categories."""

    behaviours: CNaughtBehaviours
    accounts: CNaughtAccounts

    def by_id(self) -> Mapping[str, Handler]:
        """The handlers, by the `operationId` in the contract."""
        return {
            "listPortfolios": self.list_portfolios,
            "getPortfolio": self.get_portfolio,
            "getProject": self.get_project,
            "getProjectCategory": self.get_project_category,
        }

    def list_portfolios(self, request: SandboxRequest) -> SandboxAnswer:
        """The portfolios that the account may use, all at once."""
        self.accounts.of(request)
        return SandboxAnswer(body={"data": [portfolio.body() for portfolio in self._available().values()]})

    def get_portfolio(self, request: SandboxRequest) -> SandboxAnswer:
        """One portfolio with its prices and allocations."""
        self.accounts.of(request)
        portfolio = self._available().get(request.path["id"])
        if portfolio is None:
            raise CNaughtRefusedError(not_found("portfolio"))
        details: dict[str, JSON] = {
            **portfolio.body(),
            "checkout_price_per_kg_usd_cents": number(unit_price(portfolio, "checkout", self.behaviours)),
            "api_price_per_kg_usd_cents": number(unit_price(portfolio, "api", self.behaviours)),
            "category_allocations": portfolio.allocation_bodies(),
        }
        return SandboxAnswer(body=details)

    def get_project(self, request: SandboxRequest) -> SandboxAnswer:
        """One project with its credit issuances."""
        self.accounts.of(request)
        project = PROJECTS.get(request.path["id"])
        if project is None:
            raise CNaughtRefusedError(not_found("project"))
        return SandboxAnswer(body=project.details())

    def get_project_category(self, request: SandboxRequest) -> SandboxAnswer:
        """One category with its projects."""
        self.accounts.of(request)
        category = CATEGORIES.get(request.path["id"])
        if category is None:
            raise CNaughtRefusedError(not_found("project category"))
        return SandboxAnswer(body=category.body())

    def _available(self) -> Mapping[str, CNaughtPortfolio]:
        wanted = self.behaviours.portfolio_ids
        return {found: PORTFOLIOS[found] for found in wanted if found in PORTFOLIOS}
