"""Apple: an ID token that comes through the browser in a form, bound by its nonce.

There is no code to redeem, so there is no secret to keep. The form's `user` field can be written by
whoever holds the browser: a name is taken from it, an address never.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from gatehouse.actors.connectors.factory import Factory, field
from gatehouse.actors.connectors.social.backchannel import Backchannel
from gatehouse.actors.connectors.social.oauth_client import (
    Handshake,
    OAuthClient,
    TokenSet,
    check_answer,
    check_issuer,
)
from gatehouse.actors.connectors.social.oidc_client import IdTokenRules, is_true, verify_id_token
from gatehouse.actors.connectors.social.provider import (
    Endpoints,
    Identified,
    OptionalText,
    SocialUser,
    Text,
    monogram,
    social_user,
)
from gatehouse.actors.refusal import Reason, Refused

ENDPOINTS = Endpoints(
    authorization="https://appleid.apple.com/auth/authorize",
    jwks="https://appleid.apple.com/auth/keys",
    issuers=("https://appleid.apple.com",),
)

MAX_USER = 4096
"""Characters of the form's `user` field."""


class AppleConfig(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The identifier that is registered with Apple."""

    client_id: Text
    scope: OptionalText = ""


class _Name(msgspec.Struct, frozen=True, rename="camel"):
    first_name: str = ""
    last_name: str = ""


class _Person(msgspec.Struct, frozen=True):
    name: _Name = _Name()


class Apple:
    """https://developer.apple.com/documentation/signinwithapple"""

    sessionless: ClassVar[bool] = False
    renews: ClassVar[bool] = False

    def __init__(self, config: AppleConfig, endpoints: Endpoints = ENDPOINTS) -> None:
        self.config = config
        self.endpoints = endpoints
        self._client = OAuthClient(config.client_id, "", endpoints.authorization, "")

    def authorization_uri(self, handshake: Handshake, scope: str | None = None) -> str:
        """With a name or an address in the scope, Apple answers by form only."""
        return self._client.authorization_uri(
            msgspec.structs.replace(handshake, code_verifier=None),
            scope=scope or self.config.scope,
            response_type="code id_token",
            response_mode="form_post",
            nonce=handshake.nonce,
        )

    async def identify(
        self, backchannel: Backchannel, handshake: Handshake, answer: Mapping[str, Any]
    ) -> Identified:
        """By the ID token of the form. Raises `Refused`."""
        check_answer(handshake, answer)
        check_issuer(answer, self.endpoints.issuers)
        token = answer.get("id_token")
        if not isinstance(token, str) or handshake.nonce is None:
            raise Refused(Reason.ID_TOKEN_INVALID)
        rules = IdTokenRules(
            jwks_uri=self.endpoints.jwks,
            audience=self.config.client_id,
            issuers=self.endpoints.issuers,
        )
        claims = await verify_id_token(backchannel, rules, token, nonce=handshake.nonce)
        return Identified(_user(claims, answer.get("user")))

    async def refresh(self, backchannel: Backchannel, refresh_token: str) -> TokenSet:
        """There is nothing to renew."""
        raise Refused(Reason.CONNECTOR_NEEDS_SESSION)


def _user(claims: Mapping[str, Any], told: object) -> SocialUser:
    """Apple tells a name once, at the very first sign-in; some of its tokens say `"true"`."""
    name = _Name()
    if isinstance(told, str) and len(told) <= MAX_USER:
        try:
            name = msgspec.json.decode(told, type=_Person).name
        except (msgspec.MsgspecError, RecursionError):
            name = _Name()
    verified = is_true(claims.get("email_verified"), also_text=True)
    return social_user(
        claims.get("sub"),
        raw=claims,
        email=claims.get("email") if verified else None,
        name=" ".join(filter(None, (name.first_name, name.last_name))),
    )


FACTORY = Factory(
    "apple-universal",
    "apple",
    None,
    "Apple",
    "Signs people in with their Apple account.",
    AppleConfig,
    (
        field("clientId", "Identifier", required=True, placeholder="<registered-identifier>"),
        field("scope", "Scope", "MultilineText", placeholder="email name"),
    ),
    provider=Apple,
    logo=monogram("A", "#000"),
)
