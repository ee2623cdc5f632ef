"""Checks webhooks as the Standard Webhooks specification says."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from typing import List, Mapping, Sequence, Union

from . import _runtime
from . import types as t
from ._errors import WebhookVerificationError

_PREFIX = "whsec_"


def verify_webhook(
    body: Union[bytes, str],
    headers: Mapping[str, str],
    secret: Union[str, Sequence[str]],
    *,
    tolerance: float = 300,
) -> t.Event:
    """Checks the signature and the time of a webhook, and returns its event.

    `body` is the request's body as it came; JSON that was parsed and written again differs from it.
    `secret` is the endpoint's, `whsec_…`; during a rotation pass the old and the new one. Raises
    `WebhookVerificationError` if the webhook is not good, and `ValueError` for a bad secret.

    The server sends an event again if it gets no answer. Remember the `webhook-id` of the events
    that you have handled.
    """
    keys = [_key(one) for one in ([secret] if isinstance(secret, str) else secret)]
    if not keys:
        raise ValueError("no webhook secret")
    raw = body.encode("utf-8") if isinstance(body, str) else bytes(body)
    found = {name.lower(): value for name, value in headers.items()}
    missing = [
        name for name in ("id", "timestamp", "signature") if not found.get(f"webhook-{name}")
    ]
    if missing:
        raise WebhookVerificationError(f"the header webhook-{missing[0]} is missing")
    timestamp = found["webhook-timestamp"]
    if not re.fullmatch("[0-9]{1,12}", timestamp):
        raise WebhookVerificationError("the header webhook-timestamp is no time")
    signed = b".".join([found["webhook-id"].encode("utf-8"), timestamp.encode("ascii"), raw])
    given = _signatures(found["webhook-signature"])
    # Every pair is compared, so that the duration says nothing.
    matches = [
        hmac.compare_digest(hmac.new(key, signed, hashlib.sha256).digest(), signature)
        for key in keys
        for signature in given
    ]
    if not any(matches):
        raise WebhookVerificationError("no signature of the webhook matches")
    if abs(_runtime.now() - int(timestamp)) > tolerance:
        raise WebhookVerificationError("the webhook is too old, or a clock is wrong")
    try:
        event: t.Event = json.loads(raw)
    except ValueError:
        raise WebhookVerificationError("the webhook is signed, but it is not JSON") from None
    return event


def _key(secret: str) -> bytes:
    encoded = secret[len(_PREFIX) :] if secret.startswith(_PREFIX) else secret
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise ValueError("a webhook secret is whsec_ and base64")
    return key


def _signatures(header: str) -> List[bytes]:
    """Returns the signatures of the version that this package knows."""
    signatures = []
    for entry in header.split():
        version, _, encoded = entry.partition(",")
        if version != "v1":
            continue
        try:
            signatures.append(base64.b64decode(encoded, validate=True))
        except (binascii.Error, ValueError):
            continue
    return signatures
