"""Whether a batch goes on in the account in which it was begun: from another one, everything could be bought twice.

The journal keeps a digest of the token. Another token counts as one of the same account only on proof: it can read an
order of the batch.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Final, cast

import attrs

from wren_async.batch.intents import Api, api_of, restore
from wren_async.batch.journal.contract import Entry, Journal, JournalError, Replacement, State
from wren_async.batch.journal.notes import account_of, read_note, server_of
from wren_async.cnaught import CNaughtClient
from wren_async.core.client import BaseClient
from wren_async.core.reference import carried
from wren_async.core.values import UNSET
from wren_async.errors import BadRequest, CallError, Forbidden, NotFound, PagingError
from wren_async.wren import WrenClient

_PAGES: Final = 5
"""Pages of the ledger that are looked through for an order of the batch."""
_PAGE: Final = 200
_ORDERS: Final = 3
"""Orders that a token may fail to read before it counts as one of another account."""
_OF_ANOTHER: Final = (NotFound, Forbidden, BadRequest)
"""How CNaught may answer for an order of another account, or of a subaccount that this account has not."""
_VARIABLES: Final[Mapping[Api, str]] = {"wren": "WREN_API_TOKEN", "cnaught": "CNAUGHT_API_KEY"}


@attrs.frozen
class TokenDigest:
    """A salted, slow digest: it recognises a token, and does not tell it."""

    salt: bytes
    digest: bytes

    @classmethod
    async def of(cls, client: BaseClient, salt: bytes | None = None) -> TokenDigest:
        """The digest of a client's token, with a new salt if none is given."""
        salt = salt or secrets.token_bytes(16)
        return cls(salt, await client.token_mark(salt))

    async def fits(self, client: BaseClient) -> bool:
        """Whether a client has that very token."""
        return hmac.compare_digest(self.digest, await client.token_mark(self.salt))

    def to_json(self) -> str:
        """The digest as text, for a journal."""
        return json.dumps({"salt": self.salt.hex(), "digest": self.digest.hex()})

    @classmethod
    def from_json(cls, text: str) -> TokenDigest:
        """The digest that `to_json` wrote."""
        told = json.loads(text)
        return cls(bytes.fromhex(told["salt"]), bytes.fromhex(told["digest"]))


async def check_accounts(journal: Journal, clients: Mapping[Api, BaseClient], *, same_account: bool) -> None:
    """Refuse a token of another account. A new token of the same account is noted in place of the old one.

    Of a journal that others share it holds for as long as this process is at it, if it had joined before.

    Args:
        journal: The journal of the batch.
        clients: The clients that it is to go on with.
        same_account: Whether a person says that new tokens are of the same accounts.
    """
    for api, client in clients.items():
        # A test token has no account, and buys nothing.
        if not (isinstance(client, WrenClient) and client.is_test):
            await _check_account(journal, api, client, is_same=same_account)


async def _check_account(journal: Journal, api: Api, client: BaseClient, *, is_same: bool) -> None:
    name, mine = account_of(api), ""
    while True:
        noted = await journal.noted(name)
        if noted is not None and await read_note(journal, name, noted, TokenDigest.from_json).fits(client):
            return
        mine = mine or (await TokenDigest.of(client)).to_json()
        match await journal.replace(name, noted, mine, api=api, is_same=is_same):
            case Replacement.MADE:
                return
            case Replacement.OUTDATED:
                continue
            case Replacement.SENT if await _shows_an_order(journal, api, client):
                is_same = True
            case Replacement.SENT:
                raise JournalError(_refusal(api))
            case Replacement.OTHERS_ARE_THERE:
                raise JournalError(_others(api))


async def note_server(journal: Journal, api: Api, server: str) -> None:
    """Note which server the orders of an API go to; refuse another one than that to which others send them."""
    while (noted := await journal.noted(server_of(api))) != server:
        match await journal.replace(server_of(api), noted, server, api=api, is_same=False):
            case Replacement.MADE:
                return
            case Replacement.OUTDATED:
                continue
            case Replacement.SENT | Replacement.OTHERS_ARE_THERE:
                raise JournalError(begun_elsewhere(noted, server))


async def _shows_an_order(journal: Journal, api: Api, client: BaseClient) -> bool:
    """Whether the account of a client shows an order of the batch. Raises `JournalError` where it cannot be asked."""
    try:
        if isinstance(client, CNaughtClient):
            return await _reads_by_id(journal, client)
        return isinstance(client, WrenClient) and await _stands_in_ledger(journal, client)
    except (CallError, PagingError) as error:
        raise JournalError(_unasked(api, error)) from error


async def _reads_by_id(journal: Journal, client: CNaughtClient) -> bool:
    asked = 0
    # A few orders are enough, and the reading of the journal ends with them.
    async with aclosing(cast("AsyncGenerator[Entry, None]", journal.entries(State.PLACED))) as placed:
        async for entry in placed:
            if api_of(entry.row.intent) != "cnaught" or entry.result.order_id is None:
                continue
            if await _reads(entry, entry.result.order_id, client):
                return True
            asked += 1
            if asked >= _ORDERS:
                break
    return False


async def _reads(entry: Entry, order_id: str, client: CNaughtClient) -> bool:
    subaccount_id = getattr(restore(entry.row.intent), "subaccount_id", None)
    try:
        order = await client.orders.get(order_id, subaccount_id=UNSET if subaccount_id is None else subaccount_id)
    except _OF_ANOTHER:
        return False
    # The id alone proves nothing. The reference is random, and only this batch has it.
    return order.id == order_id and entry.row.reference == carried(order.metadata)


async def _stands_in_ledger(journal: Journal, client: WrenClient) -> bool:
    for number in range(_PAGES):
        page = await client.credits.ledger(offset=number * _PAGE, limit=_PAGE)
        if await journal.placed_among({entry.order_group_id for entry in page if entry.order_group_id is not None}):
            return True
        if len(page) < _PAGE:
            break
    return False


def begun_elsewhere(noted: str | None, server: str) -> str:
    """What is told of another server than the noted one."""
    return f"the batch was begun with {noted}, not {server}; go on there"


def _refusal(api: Api) -> str:
    variable = _VARIABLES[api]
    return (
        f"the batch was begun with another token of {api} than the one here ({variable}), and nothing shows that both "
        "are of one account; in another account what was placed would not be found, and could be bought twice. Go on "
        "with the old token or, only if this is a new token of the very same account, say so: "
        "Batch(..., same_account=True), --same-account"
    )


def _unasked(api: Api, error: CallError | PagingError) -> str:
    return (
        f"the batch was begun with another token of {api} than the one here ({_VARIABLES[api]}), and the account could "
        f"not be asked for an order of the batch, which would show that both are of one: {error}. Nothing was sent; "
        "run again, or go on with the old token"
    )


def _others(api: Api) -> str:
    variable = _VARIABLES[api]
    return (
        f"other workers are at it with another token of {api} than the one here ({variable}), and two accounts at once "
        f"could buy twice: see that {variable} is the same for all of them. No order of {api} was sent yet: once those "
        "with the wrong one have ended, run again with the right one"
    )
