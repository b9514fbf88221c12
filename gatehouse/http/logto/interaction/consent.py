"""What an application asks a person for, and the person's yes.

Saying no has no operation: the page leads the person elsewhere.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gatehouse.actors import consent, sign_in
from gatehouse.actors.application_access import may_use
from gatehouse.actors.consent import AskedResource
from gatehouse.actors.interaction import Interaction, Prompt, refuse
from gatehouse.actors.refusal import Reason
from gatehouse.actors.sign_in import Visit
from gatehouse.http.call import Call
from gatehouse.http.logto.errors import ApiError
from gatehouse.http.logto.experience.models import SubmitReply
from gatehouse.http.logto.interaction.access import interaction_operations
from gatehouse.http.visit import visit_of
from gatehouse.http.wire import JsonObject, Maybe, Text, View, Wire

PATH = "/api/interaction/consent"
MAX_ORGANIZATIONS = 1000
_NO_QUESTION = frozenset({"openid", "offline_access"})
"""Scopes that a page need not explain."""

operations = interaction_operations()


class ConsentBody(Wire):
    """Where the application may act for the person."""

    organization_ids: Maybe[Annotated[list[Text], Field(max_length=MAX_ORGANIZATIONS)]] = None


class ConsentView(View):
    """Everything that a person is asked."""

    application: JsonObject
    user: JsonObject
    organizations: list[JsonObject]
    missing_oidc_scope: Annotated[list[str], Field(alias="missingOIDCScope")]
    missing_resource_scopes: list[JsonObject]
    redirect_uri: str | None = None


@operations.get(PATH, "GetConsentInfo", response=ConsentView, statuses=(400,))
async def get_consent(call: Call) -> ConsentView:
    """Tell a consent page what to ask."""
    visit = visit_of(call)
    state = await _asking(visit)
    core = visit.core
    asked = await consent.question(core, state)
    client = await core.directory.client(state.client_id)
    application: JsonObject = {
        "id": state.client_id,
        "name": state.client_id if client is None else client.name,
    }
    looks = await core.directory.application_looks(state.client_id)
    if looks is not None:
        application |= {
            "displayName": looks.display_name,
            "branding": looks.branding,
            "termsOfUseUrl": looks.terms_of_use_url,
            "privacyPolicyUrl": looks.privacy_policy_url,
        }
    user = asked.user
    shown = ConsentView.of(
        None,
        application=application,
        user={
            "id": user.id,
            "name": user.name,
            "avatar": user.avatar,
            "username": user.username,
            "primaryEmail": user.primary_email,
            "primaryPhone": user.primary_phone,
        },
        organizations=[
            {
                "id": one.id,
                "name": one.name,
                "missingResourceScopes": [_resource(each) for each in one.resources],
            }
            for one in asked.organizations
        ],
        missing_oidc_scope=[scope for scope in asked.scopes if scope not in _NO_QUESTION],
        missing_resource_scopes=[_resource(each) for each in asked.resources],
    )
    if state.params.redirect_uri:
        shown.redirect_uri = state.params.redirect_uri
    return shown


@operations.post(PATH, "Consent", body=ConsentBody, response=SubmitReply, statuses=(400, 422))
async def give_consent(call: Call[ConsentBody]) -> SubmitReply:
    """Let the application have what it asks for."""
    visit = visit_of(call)
    await _asking(visit)
    chosen = call.body.organization_ids or ()
    redirect_to = await sign_in.answer_consent(visit, allow=True, organization_ids=chosen)
    return SubmitReply(redirect_to=redirect_to)


async def _asking(visit: Visit) -> Interaction:
    """The interaction, if it asks for consent. Raises `Refused`, ApiError."""
    state = await visit.state()
    if state.prompt is not Prompt.CONSENT:
        refuse(Reason.WRONG_EVENT)
    client = await visit.core.directory.client(state.client_id)
    user_id = await consent.user_of(visit.core, state)
    if client is None or not await may_use(visit.core, client, user_id):
        raise ApiError("oidc.access_denied")
    return state


def _resource(asked: AskedResource) -> JsonObject:
    return {
        "resource": {"id": asked.id, "name": asked.name, "indicator": asked.indicator},
        "scopes": [
            {"id": one.id, "name": one.name, "description": one.description} for one in asked.scopes
        ],
    }
