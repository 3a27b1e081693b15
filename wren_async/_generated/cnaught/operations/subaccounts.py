# Generated from openapi/cnaught.yaml by `make generate`. Do not edit.
# sha256 91d24cf407e0cc20b01738555886406be8cb8db67deb3d8f4556a37b41814c4e

"""Parts of an account with their own orders, default portfolio and logo."""

from __future__ import annotations

from collections.abc import AsyncIterable
from types import NoneType
from typing import Final, Literal, Unpack

from wren_async._generated.cnaught import models
from wren_async._lazy import Lazy
from wren_async.core import arguments
from wren_async.core.operation import Call, CallOptions, Effect, Operation
from wren_async.core.values import UNSET, Unset

__all__ = [
    "CREATE_SUBACCOUNT",
    "DELETE_SUBACCOUNT",
    "GET_SUBACCOUNT",
    "LIST_SUBACCOUNTS",
    "REMOVE_SUBACCOUNT_LOGO",
    "SET_SUBACCOUNT_LOGO_FROM_URL",
    "UPDATE_SUBACCOUNT",
    "UPLOAD_SUBACCOUNT_LOGO",
    "create_subaccount",
    "delete_subaccount",
    "get_subaccount",
    "list_subaccounts",
    "remove_subaccount_logo",
    "set_subaccount_logo_from_url",
    "update_subaccount",
    "upload_subaccount_logo",
]


LIST_SUBACCOUNTS: Final[Operation[models.SubaccountList]] = Operation(
    id="listSubaccounts",
    method="GET",
    path="/subaccounts",
    answer=Lazy(lambda: models.SubaccountList),
    effect=Effect.READ,
)


def list_subaccounts(
    *,
    limit: int | Unset = UNSET,
    starting_after: str | Unset = UNSET,
    ending_before: str | Unset = UNSET,
    **options: Unpack[CallOptions],
) -> Call[models.SubaccountList]:
    """List subaccounts, newest first.

    Returns a page of subaccounts, newest first. Cursors that do not fit are refused with status 400.

    Args:
        limit: Most items to return, from 1 to 100; 20 if left out.
        starting_after: Id of an item: only items created earlier than it are returned, without it. The last id of a
            page leads to the next page, back in time. Excludes `ending_before`.
        ending_before: Id of an item: only items created later than it are returned, without it. The first id of a page
            leads to the previous page, toward the newest. The page is newest first too, as we read it. Excludes
            `starting_after`.
        options: Time limits, retries and further headers of this call; see `CallOptions`.

    It changes nothing, so it is tried again after a failure.

    Source: api-reference (2023); docs.cnaught.com, GetListOfSubaccounts; CNaught Node SDK 3.1.0 (2025-03-07)
    """
    return Call(
        operation=LIST_SUBACCOUNTS,
        query={
            "limit": arguments.integer("limit", limit, minimum=1, maximum=100),
            "starting_after": arguments.text("starting_after", starting_after),
            "ending_before": arguments.text("ending_before", ending_before),
        },
        **options,
    )


CREATE_SUBACCOUNT: Final[Operation[models.Subaccount]] = Operation(
    id="createSubaccount",
    method="POST",
    path="/subaccounts",
    answer=Lazy(lambda: models.Subaccount),
    effect=Effect.KEYED,
    content_type="application/json",
    idempotency_header="Idempotency-Key",
)


def create_subaccount(
    *,
    name: str,
    email: str | None | Unset = UNSET,
    default_portfolio_id: str | None | Unset = UNSET,
    logo_url: str | None | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
    **options: Unpack[CallOptions],
) -> Call[models.Subaccount]:
    """Create a subaccount.

    Creates a subaccount; CNaught's support must have enabled the feature. A logo is fetched from its address and kept
    by CNaught. An unknown default portfolio is refused with status 400.

    Args:
        name: Name of the subaccount, at most 512 characters.
        email: Mail address of the subaccount.
        default_portfolio_id: Portfolio of its orders that name none. Left out or null: the default of the account
            applies.
        logo_url: Address of the logo, which anyone must be able to fetch; CNaught keeps a copy.
        idempotency_key: Any text of your own, at most 512 characters, that makes the request safe to repeat: the same
            key and payload again return the first answer and change nothing. A random UUID serves well. How long a key
            is kept is not stated. Left out, each sending gets a key of its own.
        options: Time limits, retries and further headers of this call; see `CallOptions`.

    Every attempt carries the same idempotency key, so it is tried again after a failure and acts once. If no attempt
    gets an answer it raises `OutcomeUnknown`; sending that error's call again is safe.

    Source: api-reference (2023); docs.cnaught.com, CreateSubaccount; CNaught Node SDK 3.1.0 (2025-03-07); CNaught Node
    SDK 3.1.0, integration tests
    """
    return Call(
        operation=CREATE_SUBACCOUNT,
        body=models.SubaccountCreateRequest(
            name=arguments.text("name", name, max_length=512),
            email=arguments.text("email", email, nullable=True),
            default_portfolio_id=arguments.text("default_portfolio_id", default_portfolio_id, nullable=True),
            logo_url=arguments.text("logo_url", logo_url, nullable=True),
        ),
        idempotency_key=arguments.text("idempotency_key", idempotency_key, min_length=1, max_length=512),
        **options,
    )


GET_SUBACCOUNT: Final[Operation[models.Subaccount]] = Operation(
    id="getSubaccount",
    method="GET",
    path="/subaccounts/{id}",
    answer=Lazy(lambda: models.Subaccount),
    effect=Effect.READ,
)


def get_subaccount(
    subaccount_id: str,
    **options: Unpack[CallOptions],
) -> Call[models.Subaccount]:
    """Get a subaccount.

    Returns a subaccount; an unknown id is answered with status 404.

    Args:
        subaccount_id: Id of the subaccount.
        options: Time limits, retries and further headers of this call; see `CallOptions`.

    It changes nothing, so it is tried again after a failure.

    Source: api-reference (2023); docs.cnaught.com, GetSubaccountById; CNaught Node SDK 3.1.0 (2025-03-07)
    """
    return Call(
        operation=GET_SUBACCOUNT,
        path={"id": arguments.identifier("subaccount_id", subaccount_id)},
        **options,
    )


UPDATE_SUBACCOUNT: Final[Operation[models.Subaccount]] = Operation(
    id="updateSubaccount",
    method="PUT",
    path="/subaccounts/{id}",
    answer=Lazy(lambda: models.Subaccount),
    effect=Effect.REPEATABLE,
    content_type="application/json",
)


def update_subaccount(
    subaccount_id: str,
    *,
    name: str,
    email: str | None | Unset = UNSET,
    default_portfolio_id: str | None | Unset = UNSET,
    **options: Unpack[CallOptions],
) -> Call[models.Subaccount]:
    """Replace a subaccount but its logo.

    Replaces everything but the logo: an email or default portfolio that is left out is cleared. To change one thing,
    read the subaccount first and send the rest along.

    Args:
        subaccount_id: Id of the subaccount.
        name: Name of the subaccount, at most 512 characters.
        email: Mail address of the subaccount. Left out or null: cleared.
        default_portfolio_id: Portfolio of its orders that name none. Left out or null: cleared, so that the default of
            the account applies.
        options: Time limits, retries and further headers of this call; see `CallOptions`.

    A repeat leaves everything as the first left it, so it is tried again after a failure.

    Source: docs.cnaught.com, UpdateSubaccount; CNaught Node SDK 3.1.0 (2025-03-07); CNaught Node SDK 3.1.0, integration
    tests
    """
    return Call(
        operation=UPDATE_SUBACCOUNT,
        path={"id": arguments.identifier("subaccount_id", subaccount_id)},
        body=models.SubaccountUpdateRequest(
            name=arguments.text("name", name, max_length=512),
            email=arguments.text("email", email, nullable=True),
            default_portfolio_id=arguments.text("default_portfolio_id", default_portfolio_id, nullable=True),
        ),
        **options,
    )


DELETE_SUBACCOUNT: Final[Operation[None]] = Operation(
    id="deleteSubaccount",
    method="DELETE",
    path="/subaccounts/{id}",
    answer=NoneType,
    effect=Effect.REPEATABLE,
)


def delete_subaccount(
    subaccount_id: str,
    **options: Unpack[CallOptions],
) -> Call[None]:
    """Delete a subaccount without orders.

    Deletes a subaccount. One that has orders cannot be deleted; with which status that is refused is not known. A
    status 404 on a repeat means that it is gone.

    Args:
        subaccount_id: Id of the subaccount.
        options: Time limits, retries and further headers of this call; see `CallOptions`.

    A repeat leaves everything as the first left it, so it is tried again after a failure.

    Source: CNaught Node SDK 3.1.0 (2025-03-07); CNaught Node SDK 3.1.0, integration tests
    """
    return Call(
        operation=DELETE_SUBACCOUNT,
        path={"id": arguments.identifier("subaccount_id", subaccount_id)},
        **options,
    )


SET_SUBACCOUNT_LOGO_FROM_URL: Final[Operation[models.Subaccount]] = Operation(
    id="setSubaccountLogoFromUrl",
    method="POST",
    path="/subaccounts/{id}/logo",
    answer=Lazy(lambda: models.Subaccount),
    effect=Effect.REPEATABLE,
    content_type="application/json",
)


def set_subaccount_logo_from_url(
    subaccount_id: str,
    *,
    logo_url: str,
    **options: Unpack[CallOptions],
) -> Call[models.Subaccount]:
    """Set the logo of a subaccount from an address.

    Fetches an image from an address that is open to everyone and makes it the logo. The address must serve a PNG, JPEG,
    WebP or SVG image with its content type.

    Args:
        subaccount_id: Id of the subaccount.
        logo_url: Address of the logo, which anyone must be able to fetch. It must serve a PNG, JPEG, WebP or SVG image
            with its content type.
        options: Time limits, retries and further headers of this call; see `CallOptions`.

    A repeat leaves everything as the first left it, so it is tried again after a failure.

    Source: docs.cnaught.com, UpdateSubaccountLogoFromURL; CNaught Node SDK 3.1.0 (2025-03-07)
    """
    return Call(
        operation=SET_SUBACCOUNT_LOGO_FROM_URL,
        path={"id": arguments.identifier("subaccount_id", subaccount_id)},
        body=models.LogoFromUrlRequest(logo_url=arguments.text("logo_url", logo_url)),
        **options,
    )


UPLOAD_SUBACCOUNT_LOGO: Final[Operation[models.Subaccount]] = Operation(
    id="uploadSubaccountLogo",
    method="PUT",
    path="/subaccounts/{id}/logo",
    answer=Lazy(lambda: models.Subaccount),
    effect=Effect.REPEATABLE,
)


def upload_subaccount_logo(
    subaccount_id: str,
    *,
    body: bytes | AsyncIterable[bytes],
    content_type: Literal["image/png", "image/jpeg", "image/webp", "image/svg+xml"],
    **options: Unpack[CallOptions],
) -> Call[models.Subaccount]:
    """Upload the logo of a subaccount.

    Makes the image in the body the logo. The content type must be that of the image: PNG, JPEG, WebP or SVG. A limit of
    its size is not stated.

    Args:
        subaccount_id: Id of the subaccount.
        body: The bytes to send, whole or as a stream.
        content_type: Media type of the bytes.
        options: Time limits, retries and further headers of this call; see `CallOptions`.

    A repeat leaves everything as the first left it, so it is tried again after a failure.

    Source: docs.cnaught.com, UpdateSubaccountLogoFromUpload; CNaught Node SDK 3.1.0 (2025-03-07)
    """
    return Call(
        operation=UPLOAD_SUBACCOUNT_LOGO,
        path={"id": arguments.identifier("subaccount_id", subaccount_id)},
        body=body,
        content_type=content_type,
        **options,
    )


REMOVE_SUBACCOUNT_LOGO: Final[Operation[models.Subaccount]] = Operation(
    id="removeSubaccountLogo",
    method="DELETE",
    path="/subaccounts/{id}/logo",
    answer=Lazy(lambda: models.Subaccount),
    effect=Effect.REPEATABLE,
)


def remove_subaccount_logo(
    subaccount_id: str,
    **options: Unpack[CallOptions],
) -> Call[models.Subaccount]:
    """Remove the logo of a subaccount.

    Removes the logo and returns the subaccount, whose `logo_url` is then null.

    Args:
        subaccount_id: Id of the subaccount.
        options: Time limits, retries and further headers of this call; see `CallOptions`.

    A repeat leaves everything as the first left it, so it is tried again after a failure.

    Source: docs.cnaught.com, RemoveSubaccountLogo; CNaught Node SDK 3.1.0 (2025-03-07); CNaught Node SDK 3.1.0,
    integration tests
    """
    return Call(
        operation=REMOVE_SUBACCOUNT_LOGO,
        path={"id": arguments.identifier("subaccount_id", subaccount_id)},
        **options,
    )
