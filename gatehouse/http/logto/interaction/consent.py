"""What an application asks a person for, and the person's answer."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from gatehouse.actors import consent, sign_in
from gatehouse.actors.consent import AskedResource
from gatehouse.actors.interaction import Interaction, Prompt
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.visit import Visit
from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.experience.models import SubmitReply
from gatehouse.http.logto.interaction.access import interaction_operations
from gatehouse.http.visit import visit_of
from gatehouse.http.wire import JsonObject, Maybe, Text, Wire

operations = interaction_operations()

SILENT = frozenset({"openid", "offline_access"})
"""Scopes that nobody is asked about by name."""
MAX_ORGANIZATIONS = 1000


class ConsentBody(Wire):
    """In which organizations the application may act."""

    organization_ids: Maybe[Annotated[list[Text], Field(max_length=MAX_ORGANIZATIONS)]] = None


class ConsentInfo(Wire):
    """What is asked for, by whom and of whom."""

    application: JsonObject
    user: JsonObject
    organizations: list[JsonObject]
    missing_oidc_scope: list[str] = Field(alias="missingOIDCScope")
    missing_resource_scopes: list[JsonObject]
    redirect_uri: Maybe[str] = None


@operations.get("/api/interaction/consent", "GetConsentInfo", response=ConsentInfo, statuses=(400,))
async def consent_info(call: Call) -> Reply:
    """Say what an application asks for."""
    visit = visit_of(call)
    state = await _asked(visit)
    asked = await consent.question(call.core, state)
    user = asked.user
    return Reply(
        200,
        {
            "application": await _application(visit, state.client_id),
            "user": {
                "id": user.id,
                "name": user.name,
                "avatar": user.avatar,
                "username": user.username,
                "primaryEmail": user.primary_email,
                "primaryPhone": user.primary_phone,
            },
            "organizations": [
                {
                    "id": one.id,
                    "name": one.name,
                    "missingResourceScopes": [_resource(each) for each in one.resources],
                }
                for one in asked.organizations
            ],
            "missingOIDCScope": [scope for scope in asked.scopes if scope not in SILENT],
            "missingResourceScopes": [_resource(each) for each in asked.resources],
            "redirectUri": state.params.redirect_uri,
        },
    )


@operations.post(
    "/api/interaction/consent",
    "Consent",
    body=ConsentBody,
    response=SubmitReply,
    statuses=(400, 422),
)
async def give_consent(call: Call[ConsentBody]) -> SubmitReply:
    """Let the application have what it asks for."""
    visit = visit_of(call)
    await consent.user_of(call.core, await _asked(visit))
    ids = call.body.organization_ids or ()
    there = await sign_in.answer_consent(visit, allow=True, organization_ids=ids)
    return SubmitReply(redirect_to=there)


async def _asked(visit: Visit) -> Interaction:
    state = await visit.state()
    if state.prompt is not Prompt.CONSENT:
        raise Refused(Reason.WRONG_EVENT)
    return state


async def _application(visit: Visit, client_id: str) -> dict[str, Any]:
    """The application as its own sign-in experience presents it, if it has one."""
    client = await visit.core.directory.client(client_id)
    shown: dict[str, Any] = {"id": client_id, "name": "" if client is None else client.name}
    looks = await visit.core.directory.application_looks(client_id)
    if looks is not None:
        shown |= {
            "branding": looks.branding,
            "displayName": looks.display_name,
            "privacyPolicyUrl": looks.privacy_policy_url,
            "termsOfUseUrl": looks.terms_of_use_url,
        }
    return shown


def _resource(asked: AskedResource) -> dict[str, Any]:
    return {
        "resource": {"id": asked.id, "name": asked.name, "indicator": asked.indicator},
        "scopes": [
            {"id": one.id, "name": one.name, "description": one.description} for one in asked.scopes
        ],
    }
