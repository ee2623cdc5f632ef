"""Reads tokens with PyJWT as any backend would, and makes them by the same key.

Takes `{url, issuer, token, jwk}` on standard input and prints
`{read: claims, refused: [reason], same: token, unordered: token, other: token}`.
"""

import json
import sys

import jwt
from jwt.algorithms import OKPAlgorithm

given = json.load(sys.stdin)
token = given["token"]
keys = jwt.PyJWKClient(given["url"] + "/.well-known/jwks.json")
key = keys.get_signing_key_from_jwt(token).key


def read(token, **changed):
    asked = {
        "algorithms": ["EdDSA"],
        "audience": "unitpay:portal",
        "issuer": given["issuer"],
        "options": {"require": ["exp", "iat", "iss", "aud", "sub"]},
        **changed,
    }
    return jwt.decode(token, key, **asked)


def reason(*tried, **changed):
    try:
        return read(*tried, **changed)
    except jwt.InvalidTokenError as error:
        return type(error).__name__


class InOurOrder(json.JSONEncoder):
    """Members of a header in the one order that our tokens have."""

    def encode(self, header):
        ordered = {name: header[name] for name in ("alg", "typ", "kid")}
        return json.dumps(ordered, separators=(",", ":"))


def make(claims, encoder=InOurOrder):
    header = {"typ": "portal+jwt", "kid": jwt.get_unverified_header(token)["kid"]}
    payload = json.dumps(claims, separators=(",", ":")).encode()
    private = OKPAlgorithm.from_jwk(json.dumps(given["jwk"]))
    return jwt.api_jws.encode(payload, private, "EdDSA", header, encoder)


claims = read(token)
head, payload, signature = token.split(".")
forged = ("B" if signature[0] == "A" else "A") + signature[1:]
print(
    json.dumps(
        {
            "read": claims,
            "refused": [
                reason(f"{head}.{payload}.{forged}"),
                reason(token, audience="another"),
                reason(token, issuer="https://elsewhere.example"),
                reason(token, algorithms=["HS256"]),
            ],
            "same": make(claims),
            "unordered": make(claims, json.JSONEncoder),
            "other": make({**claims, "exp": claims["exp"] - 1}),
        }
    )
)
