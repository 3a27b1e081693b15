"""Accounts, their wallets, and the tokens that lead to them."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import Enum

import attrs

from wren_async.sandbox.exchange import SandboxRequest
from wren_async.sandbox.wren.behaviours import WrenBehaviours
from wren_async.sandbox.wren.catalogue import CUSTOM_PORTFOLIO, WrenPortfolio, presets
from wren_async.sandbox.wren.refusal import WrenRefusedError

LIVE_TOKEN_PREFIX = "5a4db0c5-0000-4000-8000-"
"""How every live token of the sandbox begins: a UUID that Wren is not going to issue. No other is taken."""
TEST_TOKEN_PREFIX = f"wren_test_{LIVE_TOKEN_PREFIX}"
"""How every test token of the sandbox begins."""
LIVE_TOKEN = f"{LIVE_TOKEN_PREFIX}000000000001"
"""The team's live token."""
PERSONAL_TOKEN = f"{LIVE_TOKEN_PREFIX}000000000002"
"""The live token of a user with a wallet of their own."""
TEST_TOKEN = f"{TEST_TOKEN_PREFIX}000000000001"
"""The team's test token."""
OPENING_BALANCE_CENTS = 1_000_000_000
"""What a live wallet holds at the start."""
TEST_BALANCE_CENTS = 100_000
"""The canned balance of test mode."""

_TOKEN = re.compile(rf"(wren_test_)?{LIVE_TOKEN_PREFIX}[0-9a-f]{{12}}")


class Card(Enum):
    """The payment method saved behind a token."""

    FINE = "fine"
    DECLINED = "declined"
    NONE = "none"


@attrs.frozen
class AutoRefill:
    """A wallet's refill by card: by `amount_cents`, whenever it would fall below `below_cents`."""

    below_cents: int
    amount_cents: int = attrs.field(validator=attrs.validators.gt(0))


@attrs.frozen(kw_only=True)
class LedgerEntry:
    """One movement of a wallet."""

    id: int
    at: datetime
    amount_cents: int
    kind: str
    order_group_id: str | None = None
    stripe_charge_id: str | None = None


@attrs.define
class Wallet:
    """Prepaid credits in US cents, and every movement of them, oldest first."""

    balance_cents: int = 0
    entries: list[LedgerEntry] = attrs.field(factory=list)

    def enter(self, entry: LedgerEntry) -> None:
        """Book a movement."""
        self.balance_cents += abs(entry.amount_cents) if entry.kind == "refund" else entry.amount_cents
        self.entries.append(entry)


@attrs.define(kw_only=True, eq=False)
class WrenAccount:
    """Whoever a token belongs to: a team, or a user with a personal token."""

    token: str = attrs.field(repr=False)
    team: str = attrs.field(default=attrs.Factory(lambda self: self.token, takes_self=True), repr=False)
    """The first token of the team. Tokens of one team share its wallet."""
    name: str = "Sandbox team"
    user_id: int = 42
    wallet: Wallet = attrs.field(factory=Wallet)
    card: Card = Card.FINE
    auto_refill: AutoRefill | None = None
    may_write: bool = True
    """A personal token without a real account behind it reads but cannot order."""
    custom_portfolio: WrenPortfolio | None = None

    @property
    def is_test(self) -> bool:
        """Nothing that a test token does is kept."""
        return self.token.startswith("wren_test_")

    def portfolios(self, default_id: int) -> Mapping[int, WrenPortfolio]:
        """The portfolios from which this account may order; orders that name none come from `default_id`."""
        if self.custom_portfolio is None:
            return presets(default_id)
        return {**presets(default_id), self.custom_portfolio.id: self.custom_portfolio}


class WrenAccounts:
    """The accounts of the sandbox, found by what a request says in `Authorization`."""

    def __init__(self, behaviours: WrenBehaviours) -> None:
        self._behaviours = behaviours
        self._by_token: dict[str, WrenAccount] = {}
        self.add(WrenAccount(token=LIVE_TOKEN, wallet=Wallet(OPENING_BALANCE_CENTS)))
        self.add(
            WrenAccount(
                token=PERSONAL_TOKEN,
                name="Jane Customer",
                user_id=43,
                wallet=Wallet(OPENING_BALANCE_CENTS),
                custom_portfolio=CUSTOM_PORTFOLIO,
            )
        )
        self.add(WrenAccount(token=TEST_TOKEN, wallet=Wallet(TEST_BALANCE_CENTS)))

    def __getitem__(self, token: str) -> WrenAccount:
        return self._by_token[token]

    def __iter__(self) -> Iterator[WrenAccount]:
        return iter(list(self._by_token.values()))

    def add(self, account: WrenAccount) -> None:
        """Take in an account. Its token must be one of the reserved pattern."""
        if _TOKEN.fullmatch(account.token) is None:
            raise ValueError(f"a token of the sandbox is {LIVE_TOKEN_PREFIX} and 12 hex digits, or wren_test_ and that")
        self._by_token[account.token] = account

    def teammate(self, team: str, token: str) -> WrenAccount:
        """What another token of an account's team leads to; to be taken in by `add`."""
        return attrs.evolve(self[team], token=token)

    def of(self, request: SandboxRequest) -> WrenAccount:
        """The account behind a request; for a test token a new one each time, with the canned balance."""
        account = self.find(request)
        if account is None:
            raise WrenRefusedError(self._behaviours.missing_token_status, "No token was sent")
        return account

    def find(self, request: SandboxRequest) -> WrenAccount | None:
        """The same, or None when the request carries no token at all."""
        if isinstance(request.account, WrenAccount):
            return request.account
        header = request.headers.get("authorization")
        if header is None:
            return None
        token = read_token(header)
        account = self._by_token.get(token or "")
        if account is None:
            raise WrenRefusedError(self._behaviours.unknown_token_status, _why_unknown(token))
        if account.is_test:
            return attrs.evolve(account, wallet=Wallet(TEST_BALANCE_CENTS))
        return account


def read_token(authorization: str) -> str | None:
    """The token in an `Authorization` header, Basic or Bearer; None when there is none to be read."""
    scheme, _, credentials = authorization.partition(" ")
    match scheme.lower():
        case "bearer":
            return credentials
        case "basic":
            try:
                return base64.b64decode(credentials, validate=True).decode().partition(":")[0]
            except (binascii.Error, UnicodeDecodeError):
                return None
    return None


def _why_unknown(token: str | None) -> str:
    if token is None:
        return "The Authorization header holds no token"
    if any(character.isspace() for character in token):
        return "The token holds white space"
    if _TOKEN.fullmatch(token) is None:
        return "This is the sandbox: it takes no token of the real API"
    return "The token is not recognised"
