"""`/api/users/{userId}/sso-identities`: who a user is at a company's identity provider."""

from __future__ import annotations

from pydantic import Field

from gatehouse.http.call import Call
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.management.organization_collections import missing_is
from gatehouse.http.logto.management.store import Store, read
from gatehouse.http.operation import Operations
from gatehouse.http.wire import JsonObject, Maybe, Query, View, Wire, is_yes
from gatehouse.storage.identities import Secret
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


class TokenSecretView(View):
    """What may be known of a provider's tokens."""

    tenant_id: str
    id: str
    user_id: str
    type: str
    metadata: JsonObject
    created_at: int
    updated_at: int
    identity_id: str
    connector_id: Maybe[str] = None
    target: Maybe[str] = None
    sso_connector_id: Maybe[str] = None
    issuer: Maybe[str] = None


class UserSsoIdentity(Wire):
    """The identity that was asked for."""

    sso_identity: SsoIdentityView
    token_secret: Maybe[TokenSecretView] = None


@operations.get(
    "/api/users/{userId}/sso-identities/{ssoConnectorId}",
    "GetUserSsoIdentity",
    query=SecretQuery,
    response=UserSsoIdentity,
    statuses=(404,),
)
async def get_identity(call: Call[None, SecretQuery]) -> UserSsoIdentity:
    """Read who a user is at the identity provider of a connector."""

    connector_id = call.path["ssoConnectorId"]

    def find(store: Store) -> tuple[SsoIdentity, Secret | None]:
        user = store.users.get(call.path["userId"])
        with missing_is("user.enterprise_sso_identity_not_exists"):
            identity = store.sso_identities.of_user(user.id, connector_id)
        return identity, store.token_sets.of_sso_connector(user.id, connector_id)

    identity, secret = await read(call, find)
    shown = UserSsoIdentity(sso_identity=SsoIdentityView.of(identity))
    if secret is not None and is_yes(call.query.include_token_secret):
        shown.token_secret = token_secret_view(secret)
    return shown


def token_secret_view(secret: Secret) -> TokenSecretView:
    """A token set as it is shown: nothing of the tokens, and nothing that it has not."""
    told = {name: getattr(secret, name) for name in TokenSecretView.model_fields}
    return TokenSecretView.model_construct(
        **{name: value for name, value in told.items() if value is not None}
    )
