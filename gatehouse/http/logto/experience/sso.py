"""Enterprise single sign-on over the Experience API: who asks for it, the way there, and back."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from gatehouse.actors import accounts
from gatehouse.actors.sso import flow, routing
from gatehouse.actors.sso.configs import is_web_url
from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.experience.access import experience_operations
from gatehouse.http.logto.experience.models import VerificationId, VerificationReply
from gatehouse.http.oidc import browser
from gatehouse.http.operation import EVERY_ORIGIN, Operations
from gatehouse.http.visit import visit_of
from gatehouse.http.wire import Email, JsonObject, Query, Wire

operations = experience_operations()
anonymous = Operations(tags=("Experience",), cors=EVERY_ORIGIN)


def _web_url(text: str) -> str:
    if not is_web_url(text):
        raise PydanticCustomError("url_scheme", "Input should be an http or https URL")
    return text


class EmailQuery(Query):
    """Whose company is looked for."""

    email: Email


class ConnectorIds(Wire):
    """The connectors that were found."""

    connector_ids: list[str]


class AuthorizationUriBody(Wire):
    """Where the browser comes back to, and what it recognizes the answer by."""

    state: Annotated[str, Field(min_length=1, max_length=1024)]
    redirect_uri: Annotated[str, Field(max_length=2048), AfterValidator(_web_url)]


class AuthorizationUriReply(Wire):
    """Where to send the browser."""

    authorization_uri: str
    verification_id: str


class AnswerBody(Wire):
    """What the browser came back with."""

    connector_data: JsonObject
    verification_id: VerificationId


@anonymous.get(
    "/api/experience/sso-connectors",
    "GetEnabledSsoConnectors",
    query=EmailQuery,
    response=ConnectorIds,
)
async def find_connectors(call: Call[None, EmailQuery]) -> ConnectorIds:
    """Find the connectors through which people of an email address sign in."""
    rules = await accounts.rules(call.core)
    found = await routing.connectors_of_email(call.core, rules, call.query.email)
    return ConnectorIds(connector_ids=[connector.id for connector in found])


@operations.post(
    "/api/experience/verification/sso/{connectorId}/authorization-uri",
    "CreateEnterpriseSsoVerification",
    body=AuthorizationUriBody,
    response=AuthorizationUriReply,
    statuses=(400, 404, 500),
)
async def begin(call: Call[AuthorizationUriBody]) -> Reply:
    """Begin to sign in through a company."""
    arrived = browser.arrival(call.core, call.cookies)
    verification_id, uri = await flow.begin(
        visit_of(call),
        call.path["connectorId"],
        call.body.redirect_uri,
        call.body.state,
        arrived=arrived,
    )
    reply = AuthorizationUriReply(authorization_uri=uri, verification_id=verification_id)
    return Reply(200, reply, cookies=browser.forget_arrival(call.core) if arrived else ())


@operations.post(
    "/api/experience/verification/sso/{connectorId}/verify",
    "VerifyEnterpriseSsoVerification",
    body=AnswerBody,
    response=VerificationReply,
    statuses=(400, 401, 404, 500),
)
async def verify(call: Call[AnswerBody]) -> VerificationReply:
    """Prove who one is by what the company answered."""
    body = call.body
    await flow.verify(
        visit_of(call), call.path["connectorId"], body.verification_id, body.connector_data
    )
    return VerificationReply(verification_id=body.verification_id)
