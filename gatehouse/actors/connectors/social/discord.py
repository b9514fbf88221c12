"""Discord: OAuth 2 with its user endpoint."""

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

ENDPOINTS = Endpoints(
    authorization="https://discord.com/oauth2/authorize",
    token="https://discord.com/api/v10/oauth2/token",  # noqa: S106
    user="https://discord.com/api/v10/users/@me",
)
AVATARS = "https://cdn.discordapp.com/avatars"


class Discord(CodeProvider):
    """https://discord.com/developers/docs/topics/oauth2"""

    def __init__(self, config: ClientConfig, endpoints: Endpoints = ENDPOINTS) -> None:
        super().__init__(config.client(endpoints), config.scope or "identify email", endpoints)

    async def user(self, redeemed: Redeemed) -> SocialUser:
        """By the user endpoint."""
        person = await redeemed.person(self.endpoints.user)
        picture = person.get("avatar")
        return social_user(
            person.get("id"),
            raw=person,
            email=person.get("email") if person.get("verified") is True else None,
            name=person.get("username"),
            avatar=f"{AVATARS}/{person.get('id')}/{picture}" if picture else None,
        )


FACTORY = Factory(
    "discord-universal",
    "discord",
    None,
    "Discord",
    "Signs people in with their Discord account.",
    ClientConfig,
    CLIENT_FORM,
    provider=Discord,
    logo=monogram("D", "#5865f2"),
)
