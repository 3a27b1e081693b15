"""Whether a client takes a content type: what `Accept` says."""

from __future__ import annotations


def accepts(accept: str, media_type: str) -> bool:
    """Whether an `Accept` header admits a content type. Who sends none takes any."""
    family, _, _ = (wanted := media_type.partition(";")[0].strip().lower()).partition("/")
    weights: dict[str, float] = {}
    for part in accept.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        if name:
            weights[name] = _weight(parameters)
    if not weights:
        return True
    # The most exact entry decides, so that `*/*, text/html;q=0` admits all but HTML.
    return next((weights[name] for name in (wanted, f"{family}/*", "*/*") if name in weights), 0.0) > 0


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name == "q":
            try:
                return float(value)
            except ValueError:
                return 1.0
    return 1.0
