# Generated from openapi/cnaught.yaml by `make generate`. Do not edit.
# sha256 0a973c664304a80f630357fe4c8a861700875ce29c1c7bf9b54a4042208a40b4

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
