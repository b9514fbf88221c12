"""Social providers and companies over the Interaction API."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gatehouse.actors import accounts, older_interaction, sign_in, sign_in_social
from gatehouse.actors.factors.sso import EnterpriseSsoVerification
from gatehouse.actors.interaction import Interaction, refuse
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.sso import flow, routing
from gatehouse.actors.verification import Event
from gatehouse.http.call import Call
from gatehouse.http.logto.experience.models import SubmitReply
from gatehouse.http.logto.experience.sso import AuthorizationUriBody, EmailQuery
from gatehouse.http.logto.interaction.access import interaction_operations
from gatehouse.http.operation import EVERY_ORIGIN, Operations
from gatehouse.http.visit import visit_of
from gatehouse.http.wire import JsonObject

operations = interaction_operations()
anonymous = Operations(tags=("Interaction",), cors=EVERY_ORIGIN)

_SSO = "/api/interaction/single-sign-on"


class SocialBody(AuthorizationUriBody):
    """Which provider, and where the browser comes back to."""

    connector_id: Annotated[str, Field(min_length=1, max_length=128)]


@operations.post(
    "/api/interaction/verification/social-authorization-uri",
    "CreateInteractionSocialUri",
    body=SocialBody,
    response=SubmitReply,
    statuses=(400, 404),
)
async def social_uri(call: Call[SocialBody]) -> SubmitReply:
    """Send the browser to a social provider."""
    body = call.body
    _, uri = await sign_in_social.begin(
        visit_of(call), body.connector_id, body.redirect_uri, body.state
    )
    return SubmitReply(redirect_to=uri)


@operations.post(
    f"{_SSO}/{{connectorId}}/authorization-url",
    "CreateInteractionSsoUrl",
    body=AuthorizationUriBody,
    response=SubmitReply,
    statuses=(400, 404, 500),
)
async def sso_url(call: Call[AuthorizationUriBody]) -> SubmitReply:
    """Begin to sign in through a company."""
    visit, body = visit_of(call), call.body
    await older_interaction.begin(visit, Event.SIGN_IN)
    _, uri = await flow.begin(visit, call.path["connectorId"], body.redirect_uri, body.state)
    return SubmitReply(redirect_to=uri)


@operations.post(
    f"{_SSO}/{{connectorId}}/authentication",
    "AuthenticateInteractionSso",
    body=JsonObject,
    response=SubmitReply,
    statuses=(400, 404, 422, 500),
)
async def sso_authentication(call: Call[JsonObject]) -> SubmitReply:
    """Sign in by what the company answered; who is new is told to register."""
    visit, connector_id = visit_of(call), call.path["connectorId"]
    state, event = await visit.started()
    if event is not Event.SIGN_IN:
        refuse(Reason.HANDSHAKE_GONE)
    record_id = _pending(state, connector_id)
    await flow.verify(visit, connector_id, record_id, call.body)
    await sign_in.identify(visit, record_id)
    return SubmitReply(redirect_to=await sign_in.submit(visit) or "")


@operations.post(
    f"{_SSO}/{{connectorId}}/registration",
    "RegisterInteractionSso",
    response=SubmitReply,
    statuses=(400, 403, 404, 422, 500),
)
async def sso_registration(call: Call) -> SubmitReply:
    """Make an account of what the company answered."""
    visit = visit_of(call)
    state, _ = await visit.started()
    record_id = _pending(state, call.path["connectorId"])
    try:
        await sign_in.switch_event(visit, Event.REGISTER)
    except Refused as refusal:
        if refusal.reason is Reason.NOT_FOR_FORGOT_PASSWORD:
            refuse(Reason.HANDSHAKE_GONE)
        raise
    await sign_in.identify(visit, record_id)
    return SubmitReply(redirect_to=await sign_in.submit(visit) or "")


@anonymous.get(
    f"{_SSO}/connectors",
    "GetInteractionSsoConnectors",
    query=EmailQuery,
    response=list[str],
)
async def sso_connectors(call: Call[None, EmailQuery]) -> list[str]:
    """Find the connectors through which people of an email address sign in."""
    rules = await accounts.rules(call.core)
    found = await routing.connectors_of_email(call.core, rules, call.query.email)
    return [connector.id for connector in found]


def _pending(state: Interaction, connector_id: str) -> str:
    """The verification that was begun with a connector. Raises `Refused(HANDSHAKE_GONE)`."""
    for record in state.records:
        if isinstance(record, EnterpriseSsoVerification) and record.connector_id == connector_id:
            return record.id
    refuse(Reason.HANDSHAKE_GONE)
