"""Social identities over the Experience API: sent to a provider, and back."""

from __future__ import annotations

import hmac
from typing import Annotated

from pydantic import Field

from gatehouse.actors import sign_in_social, social
from gatehouse.actors.connectors.social.backchannel import PROVIDER_DEADLINE
from gatehouse.actors.connectors.social.google import CREDENTIAL
from gatehouse.actors.cookies import ONE_TAP_COOKIE
from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.errors import ApiError
from gatehouse.http.logto.experience.access import experience_operations
from gatehouse.http.logto.experience.models import VerificationId, VerificationReply
from gatehouse.http.visit import visit_of
from gatehouse.http.wire import JsonObject, Maybe, Wire

operations = experience_operations()

CSRF_FIELD = "g_csrf_token"
"""Google's button sends this value as a field and as a cookie."""

_FORGET_CREDENTIAL = f"{ONE_TAP_COOKIE}=; Path=/; Max-Age=0"


class BeginBody(Wire):
    """How the page will know the answer again, and where the provider is to send it."""

    state: Annotated[str, Field(max_length=2048)]
    redirect_uri: Annotated[str, Field(max_length=2048)]


class BeginReply(Wire):
    """Where to send the browser, and the verification that was begun."""

    authorization_uri: str
    verification_id: str


class AnswerBody(Wire):
    """What the provider answered, and the verification that it belongs to."""

    connector_data: JsonObject
    verification_id: Maybe[VerificationId] = None


@operations.post(
    "/api/experience/verification/social/{connectorId}/authorization-uri",
    "CreateSocialVerification",
    body=BeginBody,
    response=BeginReply,
    status=200,
    statuses=(400, 404),
)
async def begin(call: Call[BeginBody]) -> BeginReply:
    """Begin to verify a social identity."""
    body = call.body
    if not body.state or not body.redirect_uri:
        raise ApiError("session.insufficient_info")
    verification_id, uri = await sign_in_social.begin(
        visit_of(call), call.path["connectorId"], body.redirect_uri, body.state
    )
    return BeginReply(authorization_uri=uri, verification_id=verification_id)


@operations.post(
    "/api/experience/verification/social/{connectorId}/verify",
    "VerifySocialVerification",
    body=AnswerBody,
    response=VerificationReply,
    status=200,
    statuses=(400, 401, 404, 422),
    deadline=PROVIDER_DEADLINE,
)
async def verify(call: Call[AnswerBody]) -> Reply:
    """Give the provider's answer. It is looked at once."""
    visit, body = visit_of(call), call.body
    connector_id, data = call.path["connectorId"], body.connector_data
    if await social.is_one_tap(call.core, connector_id, data):
        credential = _credential(call)
        verification_id = await sign_in_social.one_tap(visit, connector_id, credential)
    elif body.verification_id is None:
        raise ApiError("session.verification_session_not_found")
    else:
        verification_id = body.verification_id
        await sign_in_social.answer(visit, connector_id, verification_id, data)
    reply = VerificationReply(verification_id=verification_id)
    return Reply(200, reply, cookies=(_FORGET_CREDENTIAL,))


def _credential(call: Call[AnswerBody]) -> str:
    """The ID token of One Tap, if it was given to this browser and to no other.

    https://developers.google.com/identity/gsi/web/guides/verify-google-id-token
    """
    data = call.body.connector_data
    token, credential = data.get(CSRF_FIELD), str(data[CREDENTIAL])
    if token is None:
        if not _same(call.cookies.get(ONE_TAP_COOKIE), credential):
            raise ApiError("session.google_one_tap.cookie_mismatch")
    elif not _same(call.cookies.get(CSRF_FIELD), str(token)):
        raise ApiError("session.csrf_token_mismatch")
    return credential


def _same(one: str | None, other: str) -> bool:
    return one is not None and hmac.compare_digest(one.encode(), other.encode())
