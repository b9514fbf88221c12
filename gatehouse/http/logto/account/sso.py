"""`/api/my-account/sso-identities`: the tokens that one's company gave."""

from __future__ import annotations

from pydantic import BaseModel

from gatehouse.actors.connectors.social.oauth_client import TokenSet
from gatehouse.actors.sso.tokens import access_token
from gatehouse.http.call import Call
from gatehouse.http.logto.account.access import account_operations, check_scope, person_of
from gatehouse.http.wire import Maybe

IDENTITIES = "identities"
"""The scope that lets an application know who somebody is elsewhere."""

operations = account_operations()


class ThirdPartyToken(BaseModel):
    """An access token of another provider, by the names of RFC 6749 §5.1."""

    access_token: str
    scope: Maybe[str] = None
    token_type: Maybe[str] = None
    expires_in: Maybe[int] = None


def token_view(tokens: TokenSet) -> ThirdPartyToken:
    """A token as this API shows it."""
    given = {
        name: value
        for name in ThirdPartyToken.model_fields
        if (value := getattr(tokens, name)) is not None
    }
    return ThirdPartyToken(**given)


@operations.get(
    "/api/my-account/sso-identities/{connectorId}/access-token",
    "GetEnterpriseSsoIdentityAccessToken",
    response=ThirdPartyToken,
    statuses=(400, 401, 403, 404),
)
async def get_access_token(call: Call) -> ThirdPartyToken:
    """Get the access token that one's company gave, renewed if it is old."""
    check_scope(call, IDENTITIES, 403)
    tokens = await access_token(call.core, person_of(call).subject, call.path["connectorId"])
    return token_view(tokens)
