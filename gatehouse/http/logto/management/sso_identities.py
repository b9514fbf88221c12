"""`/api/users/{userId}/sso-identities`: who a user is at a company's identity provider."""

from __future__ import annotations

from pydantic import Field

from gatehouse.http.call import Call
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.management.organization_collections import missing_is
from gatehouse.http.logto.management.store import Store, read
from gatehouse.http.operation import Operations
from gatehouse.http.wire import JsonObject, Query, View, Wire
from gatehouse.storage.records import SsoIdentity

operations = Operations(tags=("Users",), access=MANAGEMENT, cors=CONSOLE_ONLY)


class SecretQuery(Query):
    """Whether to say what is known of the provider's tokens."""

    include_token_secret: str | None = Field(None, alias="includeTokenSecret")


class SsoIdentityView(View):
    """Who a user is at an identity provider."""

    tenant_id: str
    id: str
    user_id: str
    issuer: str
    identity_id: str
    detail: JsonObject
    created_at: int
    updated_at: int
    sso_connector_id: str


class UserSsoIdentity(Wire):
    """The identity that was asked for."""

    sso_identity: SsoIdentityView


@operations.get(
    "/api/users/{userId}/sso-identities/{ssoConnectorId}",
    "GetUserSsoIdentity",
    query=SecretQuery,
    response=UserSsoIdentity,
    statuses=(404,),
)
async def get_identity(call: Call[None, SecretQuery]) -> UserSsoIdentity:
    """Read who a user is at the identity provider of a connector."""

    def find(store: Store) -> SsoIdentity:
        user = store.users.get(call.path["userId"])
        with missing_is("user.enterprise_sso_identity_not_exists"):
            return store.sso_identities.of_user(user.id, call.path["ssoConnectorId"])

    return UserSsoIdentity(sso_identity=SsoIdentityView.of(await read(call, find)))
