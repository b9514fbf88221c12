"""`/api/users/{userId}/identities`: who a user is at social providers, and the tokens of those."""

from __future__ import annotations

from typing import Annotated

import msgspec
from pydantic import Field

from gatehouse.actors.connectors.social.backchannel import PROVIDER_DEADLINE
from gatehouse.actors.connectors.social.oauth_client import Handshake
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.errors import ApiError
from gatehouse.http.logto.management.organization_collections import missing_is
from gatehouse.http.logto.management.sso_identities import (
    SecretQuery,
    SsoIdentityView,
    TokenSecretView,
    token_secret_view,
)
from gatehouse.http.logto.management.store import Store, read, write
from gatehouse.http.logto.management.users import UserView, user_view
from gatehouse.http.operation import Operations
from gatehouse.http.wire import JsonObject, Maybe, Wire, is_yes
from gatehouse.storage.identities import Secret
from gatehouse.storage.records import User

operations = Operations(tags=("Users",), access=MANAGEMENT, cors=CONSOLE_ONLY)
secrets = Operations(tags=("Secrets",), access=MANAGEMENT, cors=CONSOLE_ONLY)

UNKNOWN = "user.identity_not_exist"
MAX_URI = 2048


class Identity(Wire):
    """Who a user is at a provider, and what that says of them."""

    user_id: Annotated[str, Field(min_length=1, max_length=256)]
    details: Maybe[JsonObject] = None


Identities = dict[str, Identity]


class IdentityView(Wire):
    """One identity."""

    identity: JsonObject
    token_secret: Maybe[TokenSecretView] = None


class TargetIdentityView(IdentityView):
    """One identity, and where it is."""

    target: str


class EnterpriseIdentityView(Wire):
    """Who a user is at a company's identity provider."""

    sso_identity: SsoIdentityView
    sso_connector_id: str
    token_secret: Maybe[TokenSecretView] = None


class AllIdentities(Wire):
    """Who a user is elsewhere."""

    social_identities: list[TargetIdentityView]
    sso_identities: list[EnterpriseIdentityView]


class LinkBody(Wire):
    """The connector that was used, and what its provider answered."""

    connector_id: Annotated[str, Field(max_length=128)]
    connector_data: JsonObject


@operations.post(
    "/api/users/{userId}/identities",
    "CreateUserIdentity",
    body=LinkBody,
    response=Identities,
    status=200,
    statuses=(401, 404, 422),
    deadline=PROVIDER_DEADLINE,
)
async def link(call: Call[LinkBody]) -> Reply:
    """Link a user to whom a provider has just said they are.

    Nothing was kept since the person was sent there, so that only providers will do that need
    nothing to be compared; whoever sent them has checked the state.
    """
    user_id, body, core = call.path["userId"], call.body, call.core
    await read(call, lambda store: store.users.get(user_id))
    connector = await core.social.get(body.connector_id)
    provider = connector.provider()
    if not provider.sessionless:
        raise Refused(Reason.CONNECTOR_NEEDS_SESSION)
    answer = {name: value for name, value in body.connector_data.items() if name != "state"}
    redirect_uri = answer.get("redirectUri", "")
    if not isinstance(redirect_uri, str) or len(redirect_uri) > MAX_URI:
        raise Refused(Reason.CONNECTOR_FAILED, description="there is no redirectUri")
    handshake = Handshake(redirect_uri=redirect_uri, state="")
    person = (await provider.identify(core.backchannel, handshake, answer)).user

    def change(store: Store) -> User:
        return store.social_identities.link(
            user_id, connector.target, person.id, msgspec.to_builtins(person)
        )

    return Reply(200, (await write(call, change)).identities)


@operations.put(
    "/api/users/{userId}/identities/{target}",
    "ReplaceUserIdentity",
    body=Identity,
    response=Identities,
    status=200,
    statuses=(201, 404, 422),
)
async def replace(call: Call[Identity]) -> Reply:
    """Say who a user is at a provider."""
    user_id, target, body = call.path["userId"], call.path["target"], call.body

    def change(store: Store) -> tuple[bool, User]:
        known = target in store.users.get(user_id).identities
        linked = store.social_identities.link(user_id, target, body.user_id, body.details)
        return known, linked

    known, user = await write(call, change)
    return Reply(200 if known else 201, user.identities)


@operations.delete(
    "/api/users/{userId}/identities/{target}",
    "DeleteUserIdentity",
    response=UserView,
    status=200,
    statuses=(404,),
)
async def unlink(call: Call) -> UserView:
    """Take an identity from a user, with the tokens that belong to it."""
    user_id, target = call.path["userId"], call.path["target"]

    def change(store: Store) -> User:
        store.users.get(user_id)
        with missing_is(UNKNOWN):
            return store.social_identities.unlink(user_id, target)

    return user_view(await write(call, change))


@operations.get(
    "/api/users/{userId}/identities/{target}",
    "GetUserIdentity",
    query=SecretQuery,
    response=IdentityView,
    statuses=(404,),
)
async def get_identity(call: Call[None, SecretQuery]) -> IdentityView:
    """Read who a user is at a provider."""
    target = call.path["target"]

    def find(store: Store) -> tuple[User, Secret | None]:
        user = store.users.get(call.path["userId"])
        return user, store.token_sets.of_target(user.id, target)

    user, secret = await read(call, find)
    if target not in user.identities:
        raise ApiError(UNKNOWN)
    shown = IdentityView(identity=user.identities[target])
    if secret is not None and is_yes(call.query.include_token_secret):
        shown.token_secret = token_secret_view(secret)
    return shown


@operations.get(
    "/api/users/{userId}/all-identities",
    "ListUserAllIdentities",
    query=SecretQuery,
    response=AllIdentities,
    statuses=(404,),
)
async def list_all(call: Call[None, SecretQuery]) -> AllIdentities:
    """Read who a user is at every provider."""
    with_secrets = is_yes(call.query.include_token_secret)

    def find(store: Store) -> AllIdentities:
        user = store.users.get(call.path["userId"])
        kept = store.token_sets.of(user.id) if with_secrets else []
        by_target = {one.target: one for one in kept if one.target is not None}
        by_connector = {one.sso_connector_id: one for one in kept if one.sso_connector_id}
        social = []
        for target, identity in sorted(user.identities.items()):
            view = TargetIdentityView(target=target, identity=identity)
            if target in by_target:
                view.token_secret = token_secret_view(by_target[target])
            social.append(view)
        enterprise = []
        for one in store.users.sso_identities(user.id):
            shown = EnterpriseIdentityView(
                sso_identity=SsoIdentityView.of(one), sso_connector_id=one.sso_connector_id
            )
            if one.sso_connector_id in by_connector:
                shown.token_secret = token_secret_view(by_connector[one.sso_connector_id])
            enterprise.append(shown)
        return AllIdentities(social_identities=social, sso_identities=enterprise)

    return await read(call, find)


@secrets.delete("/api/secrets/{id}", "DeleteSecret", statuses=(404,))
async def delete_secret(call: Call) -> None:
    """Forget the tokens of a provider."""
    await write(call, lambda store: store.token_sets.delete(call.path["id"]))
