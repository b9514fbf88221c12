"""What an application asks a person for, and the person's answer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from pydantic import Field

from gatehouse.actors import session, sign_in
from gatehouse.actors.interaction import Interaction, Prompt
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.sign_in import Visit
from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.experience.models import SubmitReply
from gatehouse.http.logto.interaction.access import interaction_operations
from gatehouse.http.logto.management.store import Store, read, write
from gatehouse.http.visit import visit_of
from gatehouse.http.wire import JsonObject, Maybe, Text, Wire
from gatehouse.storage.records import Resource, Scope, User

operations = interaction_operations()

ORGANIZATIONS = "urn:logto:scope:organizations"
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
    user_id = await _person(visit, state)

    def look(store: Store) -> dict[str, Any]:
        user = store.users.get(user_id)
        return {
            "application": _application(store, state.client_id),
            "user": _user(user),
            "organizations": _organizations(store, state, user_id),
            "missingOIDCScope": [one for one in state.params.scopes if one not in SILENT],
            "missingResourceScopes": _resource_scopes(
                store, state, partial(store.scopes.granted_to_user, user_id)
            ),
            "redirectUri": state.params.redirect_uri,
        }

    return Reply(200, await read(call, look))


@operations.post(
    "/api/interaction/consent",
    "Consent",
    body=ConsentBody,
    response=SubmitReply,
    statuses=(400, 422),
)
async def consent(call: Call[ConsentBody]) -> SubmitReply:
    """Let the application have what it asks for."""
    visit = visit_of(call)
    state = await _asked(visit)
    user_id = await _person(visit, state)
    if ids := call.body.organization_ids:
        await write(
            call,
            lambda store: store.consented_organizations(state.client_id, user_id).add(ids),
        )
    return SubmitReply(redirect_to=await sign_in.answer_consent(visit, allow=True))


async def _asked(visit: Visit) -> Interaction:
    state = await visit.state()
    if state.prompt is not Prompt.CONSENT:
        raise Refused(Reason.WRONG_EVENT)
    return state


async def _person(visit: Visit, state: Interaction) -> str:
    """Who is signed in. Raises `Refused(INTERACTION_GONE)` if nobody is."""
    core = visit.core
    if state.session_id is not None:
        found = await core.engine.read(session.address(core.tenant_id, state.session_id))
        if found is not None:
            return found.user_id
    raise Refused(Reason.INTERACTION_GONE)


def _application(store: Store, client_id: str) -> dict[str, Any]:
    application = store.applications.get(client_id)
    shown: dict[str, Any] = {"id": application.id, "name": application.name}
    looks = store.application_looks.find(client_id)
    if looks is not None:
        shown |= {
            "branding": looks.branding,
            "displayName": looks.display_name,
            "privacyPolicyUrl": looks.privacy_policy_url,
            "termsOfUseUrl": looks.terms_of_use_url,
        }
    return shown


def _user(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "name": user.name,
        "avatar": user.avatar,
        "username": user.username,
        "primaryEmail": user.primary_email,
        "primaryPhone": user.primary_phone,
    }


def _organizations(store: Store, state: Interaction, user_id: str) -> list[dict[str, Any]]:
    if ORGANIZATIONS not in state.params.scopes:
        return []
    mine = store.organizations.search(None, MAX_ORGANIZATIONS, user_id=user_id).items
    return [
        {
            "id": one.id,
            "name": one.name,
            "missingResourceScopes": _resource_scopes(
                store, state, partial(store.organization_users.resource_scopes, one.id, user_id)
            ),
        }
        for one in mine
    ]


def _resource_scopes(
    store: Store, state: Interaction, granted: Callable[[str], list[Scope]]
) -> list[dict[str, Any]]:
    """What is asked for at resources, as far as the person may do it themselves."""
    asked: list[dict[str, Any]] = []
    for indicator in state.params.resources:
        resource = store.resources.find_by_indicator(indicator)
        if resource is None:
            continue
        scopes = [one for one in granted(indicator) if one.name in state.params.scopes]
        if scopes:
            asked.append(_resource(resource, scopes))
    return asked


def _resource(resource: Resource, scopes: list[Scope]) -> dict[str, Any]:
    return {
        "resource": {"id": resource.id, "name": resource.name, "indicator": resource.indicator},
        "scopes": [
            {"id": one.id, "name": one.name, "description": one.description} for one in scopes
        ],
    }
