"""Stands for what your app has already: its users, its login and its server-side sessions.

Nothing in this file is about UnitPay, and none of it is fit for production.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Optional

from fastapi import APIRouter, Cookie, HTTPException, Response
from pydantic import BaseModel


@dataclass
class User:
    name: str
    customer_id: str


@dataclass
class Session:
    id: str
    user: User
    portal_sessions: list[str] = field(default_factory=list)


class Login(BaseModel):
    user: str


USERS = {"ada": User("Ada", "cus_123"), "grace": User("Grace", "cus_124")}
SESSIONS: dict[str, Session] = {}
router = APIRouter()


@router.post("/login", status_code=204)
async def login(login: Login, response: Response) -> None:
    """A real login asks for more than a name."""
    user = USERS.get(login.user)
    if user is None:
        raise HTTPException(401, "unknown user")
    session = Session(secrets.token_urlsafe(), user)
    SESSIONS[session.id] = session
    response.set_cookie("app_session", session.id, httponly=True, samesite="lax")


async def signed_in(app_session: Optional[str] = Cookie(None)) -> Session:
    session = SESSIONS.get(app_session or "")
    if session is None:
        raise HTTPException(401, "not signed in")
    return session


def end_session(session: Session, response: Response) -> None:
    SESSIONS.pop(session.id, None)
    response.delete_cookie("app_session")
