"""The code of an integrator: a route that mints a portal token, and a logout that revokes it."""

from __future__ import annotations

import asyncio
import logging
from typing import Annotated

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from host_app import Session, end_session, router, signed_in

from unitpay import ApiError, AsyncUnitPay

log = logging.getLogger("app")
SignedIn = Annotated[Session, Depends(signed_in)]
app = FastAPI()
app.include_router(router)
unitpay = AsyncUnitPay()


# The page of a signed-in user asks here for a portal token. The customer comes from the session on
# the server: a customer id in the request would let any user open any other's portal.
@app.post("/portal-session")
async def portal_session(response: Response, session: SignedIn) -> dict[str, str]:
    minted = await unitpay.portal_sessions.create(
        {"customerId": session.user.customer_id, "ttlSeconds": 900}
    )
    session.portal_sessions.append(minted["jti"])
    response.headers["Cache-Control"] = "no-store"
    return {"token": minted["token"], "expiresAt": minted["expiresAt"]}


# Signing out of the app also ends the portal session in every tab. If the revocation fails, the
# user is still signed in and can press the button again.
@app.post("/logout", status_code=204)
async def logout(response: Response, session: SignedIn) -> None:
    revoking = [unitpay.portal_sessions.revoke({"jti": jti}) for jti in session.portal_sessions]
    await asyncio.gather(*revoking)
    end_session(session, response)


# Needs no front-end code: a button posts a form here, and the browser opens the hosted page.
@app.post("/billing")
async def billing(session: SignedIn) -> RedirectResponse:
    minted = await unitpay.portal_sessions.create({"customerId": session.user.customer_id})
    session.portal_sessions.append(minted["jti"])
    return RedirectResponse(minted["url"], status_code=303)


@app.exception_handler(ApiError)
async def unavailable(request: Request, error: ApiError) -> JSONResponse:
    log.error("%s: %s", type(error).__name__, error)
    return JSONResponse({"error": "the portal is not available"}, status_code=502)
