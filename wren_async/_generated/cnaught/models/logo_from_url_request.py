# Generated from openapi/cnaught.yaml by `make generate`. Do not edit.
# sha256 91d24cf407e0cc20b01738555886406be8cb8db67deb3d8f4556a37b41814c4e

"""A model of the CNaught API."""

from __future__ import annotations

import attrs

from wren_async.core.values import Value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class LogoFromUrlRequest(Value):
    """Where to fetch a logo from."""

    logo_url: str
    """Address of the logo, which anyone must be able to fetch.

    It must serve a PNG, JPEG, WebP or SVG image with its content type.
    """
