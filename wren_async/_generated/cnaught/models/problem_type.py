# Generated from openapi/cnaught.yaml by `make generate`. Do not edit.
# sha256 91d24cf407e0cc20b01738555886406be8cb8db67deb3d8f4556a37b41814c4e

"""An enum of the CNaught API."""

from __future__ import annotations

from wren_async.core.values import OpenStrEnum


class ProblemType(OpenStrEnum):
    """Kind of a problem, a URI.

    `https://api.cnaught.com/v1/errors/invalid-parameters`: status 400, a body or query that does not validate; carries
    `errors`. `https://api.cnaught.com/v1/errors/invalid-pagination`: status 400, cursors that do not fit; carries
    `detail`. `https://api.cnaught.com/v1/errors/invalid-subaccount`: status 400, the subaccount header names no usable
    subaccount. `https://api.cnaught.com/v1/errors/idempotency-key-too-long`: status 400, a key of more than 512
    characters. `https://api.cnaught.com/v1/errors/forbidden`: status 403, billing not set up, portfolio not available,
    order already cancelled or subaccounts not enabled. `https://api.cnaught.com/v1/errors/not-found`: status 404, no
    such object. `https://api.cnaught.com/v1/errors/idempotency-concurrent-requests`: status 409, the first request with
    this key is still running. `https://api.cnaught.com/v1/errors/idempotency-changed-payload`: status 422, this key was
    used with another payload.
    """

    INVALID_PARAMETERS = "https://api.cnaught.com/v1/errors/invalid-parameters"
    INVALID_PAGINATION = "https://api.cnaught.com/v1/errors/invalid-pagination"
    INVALID_SUBACCOUNT = "https://api.cnaught.com/v1/errors/invalid-subaccount"
    IDEMPOTENCY_KEY_TOO_LONG = "https://api.cnaught.com/v1/errors/idempotency-key-too-long"
    FORBIDDEN = "https://api.cnaught.com/v1/errors/forbidden"
    NOT_FOUND = "https://api.cnaught.com/v1/errors/not-found"
    IDEMPOTENCY_CONCURRENT_REQUESTS = "https://api.cnaught.com/v1/errors/idempotency-concurrent-requests"
    IDEMPOTENCY_CHANGED_PAYLOAD = "https://api.cnaught.com/v1/errors/idempotency-changed-payload"
