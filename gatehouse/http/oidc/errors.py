"""How the OAuth and OpenID Connect endpoints say no.

Every step raises `OAuthError` with a code of the specifications. Logto's clients expect the code
twice, once as `oidc.<code>` with a sentence; `?parse_error=false` asks for the plain OAuth form
(RFC 6749 §5.2). A browser is shown a page. This module is the one place where this is decided.
"""

from __future__ import annotations

import math
from typing import Any

from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.session import SessionGone
from gatehouse.engine import errors as engine
from gatehouse.http.call import Call, Reply
from gatehouse.http.pages.dialect import error_page, words_at
from gatehouse.http.pages.messages import Message
from gatehouse.http.pipeline import DeadlineExceeded
from gatehouse.http.validation import BodyTooLarge, InvalidInput
from gatehouse.storage import errors as storage

SENTENCES: dict[str, str] = {
    "access_denied": "Access was denied.",
    "authorization_pending": "The user has not answered yet.",
    "consent_required": "The user has to consent first.",
    "expired_token": "The device code has expired.",
    "insufficient_scope": "The token lacks a scope that is needed here.",
    "invalid_client": "The client could not be authenticated.",
    "invalid_grant": "The grant is not valid.",
    "invalid_redirect_uri": "The redirect URI is not registered for this client.",
    "invalid_request": "The request is not valid.",
    "invalid_request_uri": "The request is not there any more. Please go back and start again.",
    "invalid_scope": "A requested scope is not available.",
    "invalid_target": "The requested resource is not available.",
    "invalid_token": "The token is not valid.",
    "login_required": "The user has to sign in first.",
    "not_found": "The sign-in has ended. Please go back and start again.",
    "request_not_supported": "Request objects are not supported.",
    "request_uri_not_supported": "Request objects by reference are not supported.",
    "registration_not_supported": "Registration by the client itself is not supported.",
    "server_error": "Something went wrong here.",
    "slow_down": "That was too soon. Please wait longer.",
    "temporarily_unavailable": "The server is busy. Please try again in a moment.",
    "unauthorized_client": "The client may not use this grant.",
    "unsupported_grant_type": "The grant type is not supported.",
    "unsupported_response_mode": "The response mode is not supported.",
    "unsupported_response_type": "The response type is not supported.",
    "unsupported_token_type": "Tokens of this type cannot be revoked.",
}

_STATUSES = {
    "access_denied": 403,
    "insufficient_scope": 403,
    "invalid_client": 401,
    "invalid_token": 401,
    "server_error": 500,
    "temporarily_unavailable": 503,
}


class OAuthError(Exception):
    """A refusal by its code. `description` is for the client's developer and holds no secret."""

    def __init__(
        self,
        error: str,
        description: str,
        *,
        headers: tuple[tuple[str, str], ...] = (),
        status: int | None = None,
    ) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description
        self.headers = headers
        self.status = _STATUSES.get(error, 400) if status is None else status


def session_not_found() -> OAuthError:
    """The interaction a browser came back to is over, or another browser's."""
    return OAuthError("not_found", "session not found")


def refuse(error: Exception, call: Call[Any, Any] | None = None) -> Reply:
    """The answer for any exception."""
    known = as_oauth_error(error)
    if call is not None and "text/html" in (call.headers.get("accept") or ""):
        page = error_page(words_at(call), known.status, _message(known), detail=_detail(known))
        return Reply(page.status, page.body, (*page.headers, *known.headers), (), page.content_type)
    body: dict[str, str] = {"error": known.error, "error_description": known.description}
    if call is None or b"parse_error=false" not in call.raw_query.split(b"&"):
        code = "session.not_found" if known.error == "not_found" else f"oidc.{known.error}"
        body = {"code": code, "message": SENTENCES[known.error], **body}
    headers = (("cache-control", "no-store"), *known.headers)
    return Reply(known.status, body, headers)


_FOR_PEOPLE = {
    "access_denied": "page.trouble.access_denied",
    "invalid_request_uri": "page.trouble.session_ended",
    "not_found": "page.trouble.session_ended",
    "server_error": "page.trouble.our_fault",
    "temporarily_unavailable": "page.trouble.too_much_going_on",
}
"""What people can do something about; all else is between the application and us."""


def _message(error: OAuthError) -> Message:
    return Message(_FOR_PEOPLE.get(error.error, "page.trouble.bad_request"))


def _detail(error: OAuthError) -> str:
    """What the developer needs to know, who is often the one to read it. It never holds what the
    request brought along."""
    if error.error in ("not_found", "server_error", "temporarily_unavailable"):
        return ""
    return f"{SENTENCES[error.error]} ({error.description})"


def as_oauth_error(error: Exception) -> OAuthError:
    """Put any exception into the specifications' words; an unforeseen one is `server_error`."""
    if isinstance(error, OAuthError):
        return error
    match error:
        case SessionGone() | Refused(reason=Reason.INTERACTION_GONE | Reason.WRONG_EVENT):
            known = session_not_found()
        case InvalidInput():
            known = OAuthError("invalid_request", error.issues[0].message)
        case BodyTooLarge():
            known = OAuthError("invalid_request", "the request is too large", status=413)
        case engine.Overloaded() | engine.Unavailable() | storage.Busy() | storage.Unavailable():
            known = _later(error.retry_after)
        case engine.EngineError() | DeadlineExceeded():
            known = _later(1)
        case _:
            known = OAuthError("server_error", "an unexpected condition")
    return known


def _later(seconds: float) -> OAuthError:
    wait = str(max(1, math.ceil(seconds)))
    return OAuthError("temporarily_unavailable", "try again", headers=(("retry-after", wait),))
