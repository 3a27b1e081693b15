# Generated from openapi/cnaught.yaml by `make generate`. Do not edit.
# sha256 91d24cf407e0cc20b01738555886406be8cb8db67deb3d8f4556a37b41814c4e

"""Models and enums of the CNaught API, each in a module of its own that loads when it is first used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wren_async._lazy import lazy

if TYPE_CHECKING:
    from wren_async._generated.cnaught.models.air_freight_quote_request import AirFreightQuoteRequest
    from wren_async._generated.cnaught.models.category_allocation import CategoryAllocation
    from wren_async._generated.cnaught.models.checkout_session import CheckoutSession
    from wren_async._generated.cnaught.models.checkout_session_request import CheckoutSessionRequest
    from wren_async._generated.cnaught.models.checkout_session_state import CheckoutSessionState
    from wren_async._generated.cnaught.models.credit_issuance import CreditIssuance
    from wren_async._generated.cnaught.models.due_diligence_figure import DueDiligenceFigure
    from wren_async._generated.cnaught.models.equivalent import Equivalent
    from wren_async._generated.cnaught.models.flight_quote_request import FlightQuoteRequest
    from wren_async._generated.cnaught.models.ground_freight_quote_request import GroundFreightQuoteRequest
    from wren_async._generated.cnaught.models.ground_transport_quote_request import GroundTransportQuoteRequest
    from wren_async._generated.cnaught.models.hosted_page_config import HostedPageConfig
    from wren_async._generated.cnaught.models.impact_category import ImpactCategory
    from wren_async._generated.cnaught.models.impact_category_usage import ImpactCategoryUsage
    from wren_async._generated.cnaught.models.impact_data import ImpactData
    from wren_async._generated.cnaught.models.impact_equivalents import ImpactEquivalents
    from wren_async._generated.cnaught.models.impact_project_usage import ImpactProjectUsage
    from wren_async._generated.cnaught.models.logo_from_url_request import LogoFromUrlRequest
    from wren_async._generated.cnaught.models.mass_quote_request import MassQuoteRequest
    from wren_async._generated.cnaught.models.news_article import NewsArticle
    from wren_async._generated.cnaught.models.notable_buyer import NotableBuyer
    from wren_async._generated.cnaught.models.notification_config import NotificationConfig
    from wren_async._generated.cnaught.models.office_space_quote_request import OfficeSpaceQuoteRequest
    from wren_async._generated.cnaught.models.order import Order
    from wren_async._generated.cnaught.models.order_by_amount import OrderByAmount
    from wren_async._generated.cnaught.models.order_by_price import OrderByPrice
    from wren_async._generated.cnaught.models.order_list import OrderList
    from wren_async._generated.cnaught.models.order_state import OrderState
    from wren_async._generated.cnaught.models.order_type import OrderType
    from wren_async._generated.cnaught.models.portfolio import Portfolio
    from wren_async._generated.cnaught.models.portfolio_details import PortfolioDetails
    from wren_async._generated.cnaught.models.portfolio_list import PortfolioList
    from wren_async._generated.cnaught.models.problem import Problem
    from wren_async._generated.cnaught.models.problem_type import ProblemType
    from wren_async._generated.cnaught.models.project import Project
    from wren_async._generated.cnaught.models.project_allocation import ProjectAllocation
    from wren_async._generated.cnaught.models.project_category import ProjectCategory
    from wren_async._generated.cnaught.models.project_details import ProjectDetails
    from wren_async._generated.cnaught.models.project_lifetime import ProjectLifetime
    from wren_async._generated.cnaught.models.quote import Quote
    from wren_async._generated.cnaught.models.quote_source import QuoteSource
    from wren_async._generated.cnaught.models.retirement import Retirement
    from wren_async._generated.cnaught.models.ride_order_request import RideOrderRequest
    from wren_async._generated.cnaught.models.ride_quote_request import RideQuoteRequest
    from wren_async._generated.cnaught.models.subaccount import Subaccount
    from wren_async._generated.cnaught.models.subaccount_create_request import SubaccountCreateRequest
    from wren_async._generated.cnaught.models.subaccount_list import SubaccountList
    from wren_async._generated.cnaught.models.subaccount_update_request import SubaccountUpdateRequest
    from wren_async._generated.cnaught.models.train_quote_request import TrainQuoteRequest
    from wren_async._generated.cnaught.models.vehicle_type import VehicleType

__all__ = [
    "AirFreightQuoteRequest",
    "CategoryAllocation",
    "CheckoutSession",
    "CheckoutSessionRequest",
    "CheckoutSessionState",
    "CreditIssuance",
    "DueDiligenceFigure",
    "Equivalent",
    "FlightQuoteRequest",
    "GroundFreightQuoteRequest",
    "GroundTransportQuoteRequest",
    "HostedPageConfig",
    "ImpactCategory",
    "ImpactCategoryUsage",
    "ImpactData",
    "ImpactEquivalents",
    "ImpactProjectUsage",
    "LogoFromUrlRequest",
    "MassQuoteRequest",
    "NewsArticle",
    "NotableBuyer",
    "NotificationConfig",
    "OfficeSpaceQuoteRequest",
    "Order",
    "OrderByAmount",
    "OrderByPrice",
    "OrderList",
    "OrderState",
    "OrderType",
    "Portfolio",
    "PortfolioDetails",
    "PortfolioList",
    "Problem",
    "ProblemType",
    "Project",
    "ProjectAllocation",
    "ProjectCategory",
    "ProjectDetails",
    "ProjectLifetime",
    "Quote",
    "QuoteSource",
    "Retirement",
    "RideOrderRequest",
    "RideQuoteRequest",
    "Subaccount",
    "SubaccountCreateRequest",
    "SubaccountList",
    "SubaccountUpdateRequest",
    "TrainQuoteRequest",
    "VehicleType",
]

_HOMES = {
    ".air_freight_quote_request": "AirFreightQuoteRequest",
    ".category_allocation": "CategoryAllocation",
    ".checkout_session": "CheckoutSession",
    ".checkout_session_request": "CheckoutSessionRequest",
    ".checkout_session_state": "CheckoutSessionState",
    ".credit_issuance": "CreditIssuance",
    ".due_diligence_figure": "DueDiligenceFigure",
    ".equivalent": "Equivalent",
    ".flight_quote_request": "FlightQuoteRequest",
    ".ground_freight_quote_request": "GroundFreightQuoteRequest",
    ".ground_transport_quote_request": "GroundTransportQuoteRequest",
    ".hosted_page_config": "HostedPageConfig",
    ".impact_category": "ImpactCategory",
    ".impact_category_usage": "ImpactCategoryUsage",
    ".impact_data": "ImpactData",
    ".impact_equivalents": "ImpactEquivalents",
    ".impact_project_usage": "ImpactProjectUsage",
    ".logo_from_url_request": "LogoFromUrlRequest",
    ".mass_quote_request": "MassQuoteRequest",
    ".news_article": "NewsArticle",
    ".notable_buyer": "NotableBuyer",
    ".notification_config": "NotificationConfig",
    ".office_space_quote_request": "OfficeSpaceQuoteRequest",
    ".order": "Order",
    ".order_by_amount": "OrderByAmount",
    ".order_by_price": "OrderByPrice",
    ".order_list": "OrderList",
    ".order_state": "OrderState",
    ".order_type": "OrderType",
    ".portfolio": "Portfolio",
    ".portfolio_details": "PortfolioDetails",
    ".portfolio_list": "PortfolioList",
    ".problem": "Problem",
    ".problem_type": "ProblemType",
    ".project": "Project",
    ".project_allocation": "ProjectAllocation",
    ".project_category": "ProjectCategory",
    ".project_details": "ProjectDetails",
    ".project_lifetime": "ProjectLifetime",
    ".quote": "Quote",
    ".quote_source": "QuoteSource",
    ".retirement": "Retirement",
    ".ride_order_request": "RideOrderRequest",
    ".ride_quote_request": "RideQuoteRequest",
    ".subaccount": "Subaccount",
    ".subaccount_create_request": "SubaccountCreateRequest",
    ".subaccount_list": "SubaccountList",
    ".subaccount_update_request": "SubaccountUpdateRequest",
    ".train_quote_request": "TrainQuoteRequest",
    ".vehicle_type": "VehicleType",
}

__getattr__ = lazy(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
