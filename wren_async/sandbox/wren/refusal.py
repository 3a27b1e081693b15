"""The exception by which any part of the sandbox's Wren refuses a request, and the texts it gives."""

from __future__ import annotations

from http import HTTPStatus


def text_of(status: int) -> str:
    """What the API says with a status when there is nothing more exact to say. Wren documents no literal texts."""
    if status == HTTPStatus.PAYMENT_REQUIRED:
        return "Insufficient credits"
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"Status {status}"


class WrenRefusedError(Exception):
    """A request that the API refuses."""

    def __init__(self, status: int, message: str | None = None) -> None:
        self.status = status
        self.message = message or text_of(status)
        super().__init__(self.message)


def below_minimum(minimum_cents: int) -> WrenRefusedError:
    """The total is less than a card may be charged."""
    hint = 'smaller orders can be paid with paymentMethod: "credits"'
    return WrenRefusedError(400, f"A card payment must come to at least {minimum_cents} cents; {hint}")
