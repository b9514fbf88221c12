"""GitHub: OAuth 2 alone, with the addresses of a person at an endpoint of their own."""

from __future__ import annotations

from gatehouse.actors.connectors.factory import Factory
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
from gatehouse.actors.refusal import Refused

ENDPOINTS = Endpoints(
    authorization="https://github.com/login/oauth/authorize",
    token="https://github.com/login/oauth/access_token",  # noqa: S106
    user="https://api.github.com/user",
    emails="https://api.github.com/user/emails",
)


class GitHub(CodeProvider):
    """https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps"""

    def __init__(self, config: ClientConfig, endpoints: Endpoints = ENDPOINTS) -> None:
        super().__init__(
            config.client(endpoints), config.scope or "read:user user:email", endpoints
        )

    async def user(self, redeemed: Redeemed) -> SocialUser:
        """By the profile and the list of addresses, which an app may have no right to see."""
        person = await redeemed.person(self.endpoints.user)
        try:
            token = redeemed.tokens.access_token
            emails = await redeemed.backchannel.protected(self.endpoints.emails, token)
        except Refused:
            emails = None
        return social_user(
            person.get("id"),
            raw={"userInfo": person, "userEmails": emails if isinstance(emails, list) else []},
            email=_verified(person.get("email"), emails),
            name=person.get("name"),
            avatar=person.get("avatar_url"),
        )


def _verified(public: object, emails: object) -> object:
    """The public address, which GitHub shows only if it is verified, or else the primary one."""
    if public or not isinstance(emails, list):
        return public
    addresses = (one for one in emails if isinstance(one, dict))
    mine = (one for one in addresses if one.get("verified") is True and one.get("primary") is True)
    return next(mine, {}).get("email")


FACTORY = Factory(
    "github-universal",
    "github",
    None,
    "GitHub",
    "Signs people in with their GitHub account.",
    ClientConfig,
    CLIENT_FORM,
    provider=GitHub,
    stores_tokens=True,
    logo=monogram("G", "#24292f"),
)
