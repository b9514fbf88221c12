"""Facebook: OAuth 2 with the Graph API. It gives no refresh tokens, but longer-lived ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from gatehouse.actors.connectors.factory import Factory
from gatehouse.actors.connectors.social.backchannel import Backchannel
from gatehouse.actors.connectors.social.oauth_client import TokenSet, with_query
from gatehouse.actors.connectors.social.provider import (
    CLIENT_FORM,
    ClientConfig,
    CodeProvider,
    Endpoints,
    Redeemed,
    SocialUser,
    monogram,
    social_user,
)

ENDPOINTS = Endpoints(
    authorization="https://www.facebook.com/v13.0/dialog/oauth",
    token="https://graph.facebook.com/v13.0/oauth/access_token",  # noqa: S106
    user="https://graph.facebook.com/v13.0/me",
)


class Facebook(CodeProvider):
    """https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow"""

    renews: ClassVar[bool] = False

    def __init__(self, config: ClientConfig, endpoints: Endpoints = ENDPOINTS) -> None:
        super().__init__(
            config.client(endpoints), config.scope or "email,public_profile", endpoints
        )

    async def user(self, redeemed: Redeemed) -> SocialUser:
        """By the Graph API, which tells an address only once it is confirmed."""
        url = with_query(self.endpoints.user, {"fields": "id,name,email,picture"})
        person = await redeemed.person(url)
        return social_user(
            person.get("id"),
            raw=person,
            email=person.get("email"),
            name=person.get("name"),
            avatar=_picture(person),
        )

    async def lasting(self, backchannel: Backchannel, tokens: TokenSet) -> TokenSet:
        """A token that is good for about two months, in exchange for the one of about an hour."""
        form = {
            "grant_type": "fb_exchange_token",
            "fb_exchange_token": tokens.access_token,
        }
        return await self.client.ask(backchannel, form)


def _picture(person: Mapping[str, Any]) -> object:
    for name in ("picture", "data", "url"):
        inner = person.get(name)
        if not isinstance(inner, dict):
            return inner
        person = inner
    return None


FACTORY = Factory(
    "facebook-universal",
    "facebook",
    None,
    "Facebook",
    "Signs people in with their Facebook account.",
    ClientConfig,
    CLIENT_FORM,
    provider=Facebook,
    stores_tokens=True,
    logo=monogram("f", "#0866ff"),
)
