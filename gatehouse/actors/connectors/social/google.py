"""Google: OpenID Connect, and its One Tap, whose ID token comes through the browser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import unquote

import msgspec

from gatehouse.actors.connectors.factory import Factory, field
from gatehouse.actors.connectors.social.backchannel import Backchannel
from gatehouse.actors.connectors.social.oauth_client import Handshake
from gatehouse.actors.connectors.social.oidc_client import (
    IdTokenRules,
    is_true,
    verify_id_token,
)
from gatehouse.actors.connectors.social.provider import (
    CLIENT_FORM,
    ClientConfig,
    CodeProvider,
    Endpoints,
    Identified,
    Redeemed,
    SocialUser,
    monogram,
    social_user,
)

ENDPOINTS = Endpoints(
    authorization="https://accounts.google.com/o/oauth2/v2/auth",
    token="https://oauth2.googleapis.com/token",  # noqa: S106
    user="https://openidconnect.googleapis.com/v1/userinfo",
    jwks="https://www.googleapis.com/oauth2/v3/certs",
    issuers=("https://accounts.google.com", "accounts.google.com"),
)
CREDENTIAL = "credential"
"""The field in which One Tap gives its ID token."""

Prompt = Literal["none", "consent", "select_account"]


class OneTap(msgspec.Struct, frozen=True, rename="camel"):
    """How One Tap behaves in pages that offer it."""

    is_enabled: bool = False
    auto_select: bool = False
    close_on_tap_outside: bool = True
    itp_support: bool = True


class GoogleConfig(ClientConfig, frozen=True, kw_only=True, rename="camel"):
    """Google wants to be told, besides, what it asks people and whether it may be asked later."""

    prompts: Annotated[tuple[Prompt, ...], msgspec.Meta(max_length=3)] = ()
    offline_access: bool = False
    one_tap: OneTap = OneTap()


class Google(CodeProvider):
    """https://developers.google.com/identity/openid-connect/openid-connect"""

    def __init__(self, config: GoogleConfig, endpoints: Endpoints = ENDPOINTS) -> None:
        super().__init__(
            config.client(endpoints), config.scope or "openid profile email", endpoints
        )
        self.config = config

    def parameters(self, handshake: Handshake) -> dict[str, str | None]:
        """`access_type=offline` is how Google spells the wish for a refresh token."""
        return {
            "nonce": handshake.nonce,
            "prompt": " ".join(self.config.prompts) or None,
            "access_type": "offline" if self.config.offline_access else None,
        }

    async def identify(
        self, backchannel: Backchannel, handshake: Handshake, answer: Mapping[str, Any]
    ) -> Identified:
        """By the code; some libraries pass it on as it stood in the address."""
        code = answer.get("code")
        if isinstance(code, str):
            answer = {**answer, "code": unquote(code)}
        return await super().identify(backchannel, handshake, answer)

    async def one_tap(
        self, backchannel: Backchannel, credential: str, nonce: str | None = None
    ) -> Identified:
        """Who the ID token of One Tap is about. The caller has made sure whose browser sent it.

        `nonce` is what the page gave to One Tap, where it is a page of ours.
        """
        claims = await verify_id_token(backchannel, self._rules, credential, nonce=nonce)
        return Identified(_user(claims))

    async def user(self, redeemed: Redeemed) -> SocialUser:
        """By the ID token; where the scopes bring none, by the user info endpoint."""
        token, nonce = redeemed.tokens.id_token, redeemed.handshake.nonce
        if token is None:
            return _user(await redeemed.person(self.endpoints.user))
        return _user(await verify_id_token(redeemed.backchannel, self._rules, token, nonce=nonce))

    @property
    def _rules(self) -> IdTokenRules:
        return IdTokenRules(
            jwks_uri=self.endpoints.jwks,
            audience=self.config.client_id,
            issuers=self.endpoints.issuers,
        )


def _user(claims: Mapping[str, Any]) -> SocialUser:
    verified = is_true(claims.get("email_verified"))
    return social_user(
        claims.get("sub"),
        raw=claims,
        email=claims.get("email") if verified else None,
        name=claims.get("name"),
        avatar=claims.get("picture"),
    )


FACTORY = Factory(
    "google-universal",
    "google",
    None,
    "Google",
    "Signs people in with their Google account.",
    GoogleConfig,
    (
        *CLIENT_FORM,
        field(
            "prompts",
            "Prompts",
            "MultiSelect",
            selectItems=[{"value": one} for one in ("none", "consent", "select_account")],
            defaultValue=["select_account"],
        ),
        field(
            "offlineAccess",
            "Offline access",
            "Switch",
            defaultValue=False,
            description="Ask for a refresh token. Google gives one only after a consent prompt.",
        ),
    ),
    provider=Google,
    stores_tokens=True,
    logo=monogram("G", "#4285f4"),
)
