"""Usage events, prepared for sending."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any, Dict, Mapping, Sequence, Union, cast

from . import _runtime
from . import types as t

_STEP = Decimal("0.000001")
# Beyond it a float has no such digits.
_MOST = 1e15


def track_body(events: Union[t.UsageEvent, Sequence[t.UsageEvent]]) -> Dict[str, object]:
    several = [events] if isinstance(events, Mapping) else list(cast(Any, events))
    return {"events": [with_key(event) for event in several]}


def with_key(event: t.UsageEvent) -> t.UsageEvent:
    """Adds a missing idempotency key, so that retries count once, and rounds the quantity."""
    prepared: Dict[str, Any] = {"idempotencyKey": _runtime.unique(), **event}
    quantity = prepared.get("quantity")
    if isinstance(quantity, Decimal):
        prepared["quantity"] = format(quantity, "f")
    elif isinstance(quantity, float):
        prepared["quantity"] = round_quantity(quantity)
    return cast(t.UsageEvent, prepared)


def round_quantity(quantity: float) -> float:
    """Rounds half away from zero to six decimals, the most that the server takes.

    It rounds the decimal text of the number, which is what JSON sends: 0.1 + 0.2 becomes 0.3.
    """
    if not math.isfinite(quantity) or abs(quantity) >= _MOST:
        return quantity
    exact = Decimal(repr(quantity)).quantize(_STEP, ROUND_HALF_UP, Context(prec=40))
    return float(exact)
