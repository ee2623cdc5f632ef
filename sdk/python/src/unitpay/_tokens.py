"""The strict local check of a portal token.

No JSON parser reads a token. The server writes both JSON parts in one spelling only (fixed members
in a fixed order, no white space, no escapes, shortest integers), so a pattern reads them, and a
text that differs by a byte is refused. `testdata/tokens.json` holds this and the server to the same
answers.
"""

from __future__ import annotations

import base64
import math
import re
from typing import (
    Any,
    Callable,
    Dict,
    Literal,
    Mapping,
    NoReturn,
    Optional,
    TypedDict,
    cast,
    get_args,
)

from . import _runtime
from . import types as t
from ._calls import Acquire, Steps, get_public
from ._clients import AsyncCalls, AsyncResource, Calls, Resource
from ._config import Config
from ._errors import ApiError, InvalidTokenError

_LONGEST_TOKEN = 2048
_LONGEST_LIFE = 86_400
# The last second of the year 9999.
_LATEST_TIME = 253_402_300_799
_HIGHEST_REFRESH = 2**32 - 1
_AUDIENCE = "unitpay:portal"
# As long as the server lets the document be cached: a key that it revokes is gone by then.
_KEYS_LIFE = 300.0
# The pause between two loads that only an unknown `kid` asked for; anyone can make one up.
_KEYS_PAUSE = 30.0

_SCOPES = frozenset(get_args(t.Scope))
_HEADER = re.compile(r'\{"alg":"EdDSA","typ":"portal\+jwt","kid":"([A-Za-z0-9_-]{43})"\}')
_TEXT_CLAIMS = ("iss", "aud", "sub", "sid", "jti", "org", "env")
# Printable ASCII but for the quote and the backslash.
_TEXTS = [rf'"{name}":"(?P<{name}>[ !#-\[\]-~]*)"' for name in _TEXT_CLAIMS]
_INTEGERS = [rf'"{name}":(?P<{name}>0|[1-9][0-9]*)' for name in ("iat", "exp")]
_SCOPE = r'"scope":"(?P<scope>[ !#-\[\]-~]*)"'
_PAYLOAD = re.compile(r"\{" + ",".join([*_TEXTS, *_INTEGERS, _SCOPE]) + r"\}")
# A TypeID's 26 characters hold 130 bits, so the first one uses its lower three only.
_TYPE_ID = "_[0-7][0-9a-hjkmnp-tv-z]{25}"

Verify = Callable[[bytes, bytes], bool]
"""Says whether a signature, and a signed text, are of one key."""


class VerifiedClaims(TypedDict):
    """The claims of a portal token."""

    iss: str
    aud: Literal["unitpay:portal"]
    sub: str
    """The customer's id."""
    sid: str
    """The portal session's id."""
    jti: str
    org: str
    """The organization's id."""
    env: t.Env
    iat: int
    """In Unix seconds, as `exp` is."""
    exp: int
    scope: str
    """Separated by spaces."""


class KeyCache:
    """The server's public keys. A client speaks with one server, so it has one set of them."""

    def __init__(self) -> None:
        self._keys: Mapping[str, Verify] = {}
        self._error: Optional[Exception] = None
        self._loaded_at = -math.inf
        self._started_at = -math.inf
        self._loads = 0

    def find(self, config: Config, kid: str) -> Steps[Optional[Verify]]:
        """Raises if the keys are needed and do not load: then nothing can be said of a token."""
        now = _runtime.now()
        loads = self._loads
        known = self._known(kid, now)
        if known is not None:
            return known
        lock = yield Acquire()
        try:
            # Callers that came during a load, or too soon after one, share its outcome.
            if self._loads == loads and now - self._started_at >= _KEYS_PAUSE:
                yield from self._load(config, now)
        finally:
            lock.release()
        if self._error is not None:
            raise self._error
        return self._keys.get(kid)

    def _known(self, kid: str, now: float) -> Optional[Verify]:
        return self._keys.get(kid) if now - self._loaded_at < _KEYS_LIFE else None

    def _load(self, config: Config, now: float) -> Steps[None]:
        self._started_at = now
        try:
            document = yield from get_public(config, "/.well-known/jwks.json")
            self._keys = import_keys(document)
        except Exception as error:
            self._error = error
            # Without good keys the next call tries at once; with them, only an unknown `kid` waits.
            if now - self._loaded_at >= _KEYS_LIFE:
                self._started_at = -math.inf
        except BaseException:
            # The caller gave up: the next one loads them.
            self._started_at = -math.inf
            raise
        else:
            self._error = None
            self._loaded_at = now
        self._loads += 1


class TokenChecks(Resource):
    """The part of `portal_sessions` that needs no request for each call."""

    def __init__(self, client: Calls) -> None:
        super().__init__(client)
        self._keys = KeyCache()

    def verify(self, token: str, *, issuer: Optional[str] = None) -> VerifiedClaims:
        """Checks a token here, by the server's public keys, and returns its claims.

        Raises `InvalidTokenError` if it is not good. Needs the extra `unitpay[verify]`.

        **It cannot see revocation.** A revoked session's token passes until its `exp`, and so does
        that of an archived customer. Ask `introspect` where that matters.

        The keys are loaded on first use, and again when they are five minutes old or a token names
        an unknown one (every 30 seconds at most). If they do not load, it raises an `ApiError`.

        `issuer` is the server's public URL; the default is `base_url` without `/v1`.
        """
        return self._client.run(verify_token(self._client.config, self._keys, token, issuer))


class AsyncTokenChecks(AsyncResource):
    """The part of `portal_sessions` that needs no request for each call."""

    def __init__(self, client: AsyncCalls) -> None:
        super().__init__(client)
        self._keys = KeyCache()

    async def verify(self, token: str, *, issuer: Optional[str] = None) -> VerifiedClaims:
        """Checks a token as `UnitPay.portal_sessions.verify` does."""
        return await self._client.run(verify_token(self._client.config, self._keys, token, issuer))


def verify_token(
    config: Config, keys: KeyCache, token: str, issuer: Optional[str]
) -> Steps[VerifiedClaims]:
    kid, signed, signature, payload = read_token(token)
    key = yield from keys.find(config, kid)
    now = int(_runtime.now())
    return check_token(key, signed, signature, payload, issuer or config.origin, now)


def read_token(token: str) -> Any:
    """Returns the key's id, the signed text, the signature and the payload."""
    if not isinstance(token, str) or len(token) > _LONGEST_TOKEN:
        _refuse("malformed", "the text is no portal token")
    parts = [_decode(part) for part in token.split(".")]
    if len(parts) != 3 or None in parts or len(parts[2] or b"") != 64:
        _refuse("malformed", "the text is no portal token")
    header, payload, signature = cast("list[bytes]", parts)
    found = _HEADER.fullmatch(header.decode("latin-1"))
    if found is None:
        _refuse("malformed", "the text is no portal token")
    signed = token.rpartition(".")[0].encode("ascii")
    return found.group(1), signed, signature, payload.decode("latin-1")


def check_token(
    key: Optional[Verify], signed: bytes, signature: bytes, payload: str, issuer: str, now: int
) -> VerifiedClaims:
    """Returns the claims of a good token. There is no leeway: a token ends at its `exp`."""
    if key is None:
        _refuse("unknown_key", "the token is signed by a key that its server lacks")
    if not key(signature, signed):
        _refuse("bad_signature", "the token is not signed by the key that it names")
    claims = _read_claims(payload)
    if claims["iss"] != issuer:
        _bad_claims(
            f"iss is {claims['iss']!r} and not {issuer!r}: "
            "if the server has a public URL of its own, pass it as issuer"
        )
    if now >= claims["exp"]:
        _refuse("expired", "the token has ended")
    return claims


def _read_claims(payload: str) -> VerifiedClaims:
    found = _PAYLOAD.fullmatch(payload)
    if found is None:
        _bad_claims("the payload is not as its server writes it")
    claims: Dict[str, Any] = found.groupdict()
    if claims["iss"] == "" or " " in claims["iss"]:
        _bad_claims("iss")
    if claims["aud"] != _AUDIENCE:
        _bad_claims("aud")
    for name, prefix in (("sub", "cus"), ("sid", "ps"), ("org", "org")):
        if not re.fullmatch(prefix + _TYPE_ID, claims[name]):
            _bad_claims(name)
    if not _is_token_id(claims["jti"], claims["sid"]):
        _bad_claims("jti")
    if claims["env"] not in get_args(t.Env):
        _bad_claims("env")
    # Python reads no integer of more than 4,300 digits; a token is shorter.
    claims["iat"], claims["exp"] = iat, exp = int(claims["iat"]), int(claims["exp"])
    if exp > _LATEST_TIME or not 0 < exp - iat <= _LONGEST_LIFE:
        _bad_claims("iat and exp")
    words = claims["scope"].split(" ")
    if not _SCOPES.issuperset(words) or len(set(words)) < len(words):
        _bad_claims("scope")
    return cast(VerifiedClaims, claims)


def _is_token_id(jti: str, sid: str) -> bool:
    """The session's id for its first token, `<sid>.<n>` for its n-th refresh."""
    if jti == sid:
        return True
    refresh = re.fullmatch(re.escape(sid) + r"\.([1-9][0-9]{0,9})", jti)
    return refresh is not None and int(refresh.group(1)) <= _HIGHEST_REFRESH


def import_keys(jwks: Any) -> Mapping[str, Verify]:
    """Returns the keys that can sign portal tokens, by `kid`; ignores others in the document."""
    if not isinstance(jwks, dict) or not isinstance(jwks.get("keys"), list):
        raise ApiError("The answer is not a JWK set. Check base_url.")
    keys = {}
    for jwk in jwks["keys"]:
        if not isinstance(jwk, dict):
            continue
        x = _decode(jwk["x"]) if isinstance(jwk.get("x"), str) else None
        is_ours = jwk.get("kty") == "OKP" and jwk.get("crv") == "Ed25519"
        if is_ours and isinstance(jwk.get("kid"), str) and x is not None and len(x) == 32:
            keys[jwk["kid"]] = _ed25519(x)
    return keys


def _ed25519(public: bytes) -> Verify:
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError as cause:
        raise ImportError(
            "portal_sessions.verify needs the package cryptography: pip install 'unitpay[verify]'. "
            "portal_sessions.introspect needs nothing"
        ) from cause
    key = Ed25519PublicKey.from_public_bytes(public)

    def verify(signature: bytes, signed: bytes) -> bool:
        try:
            key.verify(signature, signed)
        except InvalidSignature:
            return False
        return True

    return verify


def _decode(text: str) -> Optional[bytes]:
    """Decodes base64url without padding (RFC 4648 section 5), in its one canonical spelling."""
    # Four characters hold three bytes, so one left over holds none.
    if not re.fullmatch("[A-Za-z0-9_-]+", text) or len(text) % 4 == 1:
        return None
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    # The decoder ignores the unused low bits of the last character, by which a text could vary.
    return data if base64.urlsafe_b64encode(data).rstrip(b"=").decode() == text else None


def _bad_claims(fault: str) -> NoReturn:
    _refuse("bad_claims", f"the token is not a portal token of this server ({fault})")


def _refuse(reason: str, message: str) -> NoReturn:
    error = InvalidTokenError(message)
    error.reason = reason
    raise error
