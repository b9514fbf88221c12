"""Microsoft (Entra ID, once Azure AD): OAuth 2, and who it is from Microsoft Graph.

Whoever runs a directory can write any address into it. So an address counts only where the one
directory is named whose people are meant: with `common` or `organizations` it is left out.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from gatehouse.actors.connectors.factory import Factory, field
from gatehouse.actors.connectors.social.oauth_client import Handshake, OAuthClient
from gatehouse.actors.connectors.social.provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    CodeProvider,
    Endpoint,
    Endpoints,
    OptionalText,
    Redeemed,
    SocialUser,
    Text,
    monogram,
    social_user,
)

GRAPH = "https://graph.microsoft.com/v1.0/me"
OPEN_DIRECTORIES = ("common", "organizations")
"""Names that stand for every directory there is."""

Prompt = Literal["none", "login", "consent", "select_account"]
DirectoryId = Annotated[str, msgspec.Meta(max_length=253, pattern=r"^[A-Za-z0-9.-]+$")]


class AzureAdConfig(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The application, and the directory whose people may sign in."""

    client_id: Text
    client_secret: Text
    cloud_instance: Endpoint
    tenant_id: DirectoryId
    prompts: Annotated[tuple[Prompt, ...], msgspec.Meta(max_length=4)] = ()
    scopes: OptionalText = ""

    def __repr__(self) -> str:
        return f"<AzureAdConfig of {self.client_id!r}>"


class AzureAd(CodeProvider):
    """https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow"""

    def __init__(self, config: AzureAdConfig, graph: str = GRAPH) -> None:
        directory = f"{config.cloud_instance.rstrip('/')}/{config.tenant_id}/oauth2/v2.0"
        endpoints = Endpoints(f"{directory}/authorize", f"{directory}/token", graph)
        client = OAuthClient(
            config.client_id, config.client_secret, endpoints.authorization, endpoints.token
        )
        scopes = dict.fromkeys(["User.Read", *config.scopes.split()])
        super().__init__(client, " ".join(scopes), endpoints)
        self.config = config

    def parameters(self, handshake: Handshake) -> dict[str, str | None]:
        """Prompts as set up."""
        return {"prompt": " ".join(self.config.prompts) or None}

    async def user(self, redeemed: Redeemed) -> SocialUser:
        """By Microsoft Graph."""
        person = await redeemed.person(self.endpoints.user)
        closed = self.config.tenant_id not in OPEN_DIRECTORIES
        return social_user(
            person.get("id"),
            raw=person,
            email=person.get("mail") if closed else None,
            name=person.get("displayName"),
        )


FACTORY = Factory(
    "azuread-universal",
    "azuread",
    None,
    "Microsoft",
    "Signs people in with their Microsoft account.",
    AzureAdConfig,
    (
        CLIENT_ID,
        CLIENT_SECRET,
        field(
            "cloudInstance",
            "Cloud instance",
            required=True,
            placeholder="https://login.microsoftonline.com",
            defaultValue="https://login.microsoftonline.com",
        ),
        field("tenantId", "Tenant ID", required=True, placeholder="<tenant-id>"),
        field(
            "prompts",
            "Prompts",
            "MultiSelect",
            selectItems=[{"value": one} for one in ("none", "login", "consent", "select_account")],
        ),
        field("scopes", "Scopes", placeholder="<scope1> <scope2>"),
    ),
    provider=AzureAd,
    logo=monogram("M", "#0078d4"),
)
