# Generated from openapi/wren.yaml by `make generate`. Do not edit.
# sha256 a63c1b007a3cfe70aca0a3ebab2e9b658d589b54155eebaa965e6ad5b2fe221c

"""Models and enums of the Wren API, each in a module of its own that loads when it is first used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wren_async._lazy import lazy

if TYPE_CHECKING:
    from wren_async._generated.wren.models.credit_balance import CreditBalance
    from wren_async._generated.wren.models.error_message import ErrorMessage
    from wren_async._generated.wren.models.ledger_entry import LedgerEntry
    from wren_async._generated.wren.models.ledger_entry_type import LedgerEntryType
    from wren_async._generated.wren.models.ledger_page import LedgerPage
    from wren_async._generated.wren.models.offset_order import OffsetOrder
    from wren_async._generated.wren.models.offset_order_list import OffsetOrderList
    from wren_async._generated.wren.models.offset_order_receipt import OffsetOrderReceipt
    from wren_async._generated.wren.models.offset_order_request import OffsetOrderRequest
    from wren_async._generated.wren.models.offset_order_stats import OffsetOrderStats
    from wren_async._generated.wren.models.ordered_portfolio import OrderedPortfolio
    from wren_async._generated.wren.models.payment_method import PaymentMethod
    from wren_async._generated.wren.models.portfolio import Portfolio
    from wren_async._generated.wren.models.portfolio_list import PortfolioList
    from wren_async._generated.wren.models.portfolio_project import PortfolioProject
    from wren_async._generated.wren.models.project_donation import ProjectDonation
    from wren_async._generated.wren.models.project_impact import ProjectImpact
    from wren_async._generated.wren.models.project_order_receipt import ProjectOrderReceipt
    from wren_async._generated.wren.models.project_order_request import ProjectOrderRequest
    from wren_async._generated.wren.models.public_offset_order_list import PublicOffsetOrderList
    from wren_async._generated.wren.models.purchase import Purchase
    from wren_async._generated.wren.models.purchase_list import PurchaseList
    from wren_async._generated.wren.models.top_up_receipt import TopUpReceipt
    from wren_async._generated.wren.models.top_up_request import TopUpRequest
    from wren_async._generated.wren.models.tree_impact import TreeImpact
    from wren_async._generated.wren.models.tree_order import TreeOrder
    from wren_async._generated.wren.models.tree_order_list import TreeOrderList
    from wren_async._generated.wren.models.tree_order_receipt import TreeOrderReceipt
    from wren_async._generated.wren.models.tree_order_request import TreeOrderRequest
    from wren_async._generated.wren.models.tree_preview import TreePreview
    from wren_async._generated.wren.models.tree_preview_request import TreePreviewRequest

__all__ = [
    "CreditBalance",
    "ErrorMessage",
    "LedgerEntry",
    "LedgerEntryType",
    "LedgerPage",
    "OffsetOrder",
    "OffsetOrderList",
    "OffsetOrderReceipt",
    "OffsetOrderRequest",
    "OffsetOrderStats",
    "OrderedPortfolio",
    "PaymentMethod",
    "Portfolio",
    "PortfolioList",
    "PortfolioProject",
    "ProjectDonation",
    "ProjectImpact",
    "ProjectOrderReceipt",
    "ProjectOrderRequest",
    "PublicOffsetOrderList",
    "Purchase",
    "PurchaseList",
    "TopUpReceipt",
    "TopUpRequest",
    "TreeImpact",
    "TreeOrder",
    "TreeOrderList",
    "TreeOrderReceipt",
    "TreeOrderRequest",
    "TreePreview",
    "TreePreviewRequest",
]

_HOMES = {
    ".credit_balance": "CreditBalance",
    ".error_message": "ErrorMessage",
    ".ledger_entry": "LedgerEntry",
    ".ledger_entry_type": "LedgerEntryType",
    ".ledger_page": "LedgerPage",
    ".offset_order": "OffsetOrder",
    ".offset_order_list": "OffsetOrderList",
    ".offset_order_receipt": "OffsetOrderReceipt",
    ".offset_order_request": "OffsetOrderRequest",
    ".offset_order_stats": "OffsetOrderStats",
    ".ordered_portfolio": "OrderedPortfolio",
    ".payment_method": "PaymentMethod",
    ".portfolio": "Portfolio",
    ".portfolio_list": "PortfolioList",
    ".portfolio_project": "PortfolioProject",
    ".project_donation": "ProjectDonation",
    ".project_impact": "ProjectImpact",
    ".project_order_receipt": "ProjectOrderReceipt",
    ".project_order_request": "ProjectOrderRequest",
    ".public_offset_order_list": "PublicOffsetOrderList",
    ".purchase": "Purchase",
    ".purchase_list": "PurchaseList",
    ".top_up_receipt": "TopUpReceipt",
    ".top_up_request": "TopUpRequest",
    ".tree_impact": "TreeImpact",
    ".tree_order": "TreeOrder",
    ".tree_order_list": "TreeOrderList",
    ".tree_order_receipt": "TreeOrderReceipt",
    ".tree_order_request": "TreeOrderRequest",
    ".tree_preview": "TreePreview",
    ".tree_preview_request": "TreePreviewRequest",
}

__getattr__ = lazy(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
