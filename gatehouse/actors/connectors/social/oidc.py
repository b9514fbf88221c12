"""Any provider of OpenID Connect."""

from __future__ import annotations

import re
from typing import Annotated

import msgspec

from gatehouse.actors.connectors.factory import Factory, field
from gatehouse.actors.connectors.social.oauth2 import (
    AUTHORIZATION_ENDPOINT,
    CLIENT_AUTHENTICATION,
    CUSTOM,
    TOKEN_ENDPOINT,
    StandardConfig,
)
from gatehouse.actors.connectors.social.oauth_client import Handshake
from gatehouse.actors.connectors.social.oidc_client import (
    ALGORITHMS,
    LEEWAY_S,
    IdTokenRules,
    is_true,
    verify_id_token,
)
from gatehouse.actors.connectors.social.provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    SCOPE,
    CodeProvider,
    Endpoint,
    Endpoints,
    OptionalText,
    Redeemed,
    SocialUser,
    monogram,
    social_user,
)

MAX_LIST = 16
"""Issuers or algorithms that an operator may name."""

_SPAN = re.compile(r"(\d{1,9})\s*(s|secs?|seconds?|m|mins?|minutes?|h|hours?|d|days?)?")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}

Seconds = int | OptionalText
OneOrMore = OptionalText | Annotated[tuple[OptionalText, ...], msgspec.Meta(max_length=MAX_LIST)]


class Verification(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What ID tokens of the provider have to be. Spans are seconds, or text such as "5 minutes".

    The audience is this server, always: another one that is set up here is read and ignored.
    """

    jwks_uri: Endpoint
    issuer: OneOrMore = ()
    audience: OneOrMore = ()
    algorithms: Annotated[tuple[OptionalText, ...], msgspec.Meta(max_length=MAX_LIST)] = ()
    clock_tolerance: Seconds = LEEWAY_S
    max_token_age: Seconds | None = None
    subject: OptionalText | None = None
    typ: OptionalText | None = None

    def __post_init__(self) -> None:
        seconds(self.clock_tolerance)
        if self.max_token_age is not None:
            seconds(self.max_token_age)
        if unknown := set(self.algorithms) - set(ALGORITHMS):
            raise ValueError(f"no such algorithm is accepted: {', '.join(sorted(unknown))}")

    def rules(self, audience: str) -> IdTokenRules:
        """The same, as the checks read it."""
        return IdTokenRules(
            jwks_uri=self.jwks_uri,
            audience=audience,
            issuers=(self.issuer,) if isinstance(self.issuer, str) else self.issuer,
            algorithms=self.algorithms or ALGORITHMS,
            leeway=seconds(self.clock_tolerance),
            max_age=None if self.max_token_age is None else seconds(self.max_token_age),
            subject=self.subject,
            type=self.typ,
        )


class RequestOptions(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Optional parameters of an authentication request (OpenID Connect Core §3.1.2.1)."""

    response_mode: OptionalText | None = None
    display: OptionalText | None = None
    prompt: OptionalText | None = None
    max_age: OptionalText | None = None
    ui_locales: OptionalText | None = None
    id_token_hint: OptionalText | None = None
    login_hint: OptionalText | None = None
    acr_values: OptionalText | None = None


class OidcConfig(StandardConfig, frozen=True, kw_only=True, rename="camel"):
    """Besides, how ID tokens are verified and what is believed of them."""

    scope: OptionalText
    accept_string_typed_boolean_claims: bool = False
    trust_unverified_email: bool = False
    id_token_verification_config: Verification
    auth_request_optional_config: RequestOptions = RequestOptions()


class Oidc(CodeProvider):
    """OpenID Connect Core §3.1."""

    sessionless = False

    def __init__(self, config: OidcConfig) -> None:
        rules = config.id_token_verification_config.rules(config.client_id)
        endpoints = Endpoints(
            config.authorization_endpoint, config.token_endpoint, issuers=rules.issuers
        )
        super().__init__(config.client(), _with_openid(config.scope), endpoints)
        self.config = config
        self.rules = rules

    def parameters(self, handshake: Handshake) -> dict[str, str | None]:
        """The nonce, and what is set up."""
        options = self.config.auth_request_optional_config
        asked = {name: getattr(options, name) for name in options.__struct_fields__}
        return {**asked, "nonce": handshake.nonce}

    async def user(self, redeemed: Redeemed) -> SocialUser:
        """By the ID token, which has to come from who gave the code (RFC 9207)."""
        issuer = redeemed.answer.get("iss")
        claims = await verify_id_token(
            redeemed.backchannel,
            self.rules,
            redeemed.tokens.id_token,
            nonce=redeemed.handshake.nonce,
            issuer=None if issuer is None else str(issuer),
        )
        also_text = self.config.accept_string_typed_boolean_claims
        verified = is_true(claims.get("email_verified"), also_text=also_text)
        trusted = self.config.trust_unverified_email and claims.get("email_verified") is None
        phone_verified = (claims.get(name) for name in ("phone_number_verified", "phone_verified"))
        told = any(is_true(claim, also_text=also_text) for claim in phone_verified)
        return social_user(
            claims["sub"],
            raw=claims,
            email=claims.get("email") if verified or trusted else None,
            phone=(claims.get("phone_number") or claims.get("phone")) if told else None,
            name=claims.get("name"),
            avatar=claims.get("picture"),
        )


def seconds(span: int | str) -> int:
    """A span of time, given in seconds or in words. Raises ValueError."""
    if isinstance(span, int):
        if span < 0:
            raise ValueError("a span of time is not negative")
        return span
    found = _SPAN.fullmatch(span.strip())
    if found is None:
        raise ValueError("not a span of time")
    return int(found[1]) * _UNITS[(found[2] or "s")[0]]


def _with_openid(scope: str) -> str:
    """Core §3.1.2.1: the scope has to have `openid` in it."""
    scopes = re.split(r"[ +]+", scope.strip())
    return " ".join(filter(None, dict.fromkeys([*scopes, "openid"])))


FACTORY = Factory(
    "oidc",
    "oidc",
    None,
    "OIDC",
    "Signs people in through any provider of OpenID Connect.",
    OidcConfig,
    (
        AUTHORIZATION_ENDPOINT,
        TOKEN_ENDPOINT,
        CLIENT_ID,
        CLIENT_SECRET,
        *CLIENT_AUTHENTICATION,
        {**SCOPE, "required": True},
        field(
            "acceptStringTypedBooleanClaims",
            "Accept booleans as text",
            "Switch",
            defaultValue=False,
            description="Read claims such as `email_verified` also where they are text.",
        ),
        field(
            "trustUnverifiedEmail",
            "Trust unverified email",
            "Switch",
            defaultValue=False,
            description="Believe `email` where the provider does not say whether it is verified.",
        ),
        field(
            "idTokenVerificationConfig",
            "ID token verification",
            "Json",
            required=True,
            defaultValue={"jwksUri": "<jwks-uri>"},
        ),
        field("authRequestOptionalConfig", "Optional parameters", "Json", defaultValue={}),
        CUSTOM,
    ),
    provider=Oidc,
    standard=True,
    stores_tokens=True,
    logo=monogram("O", "#f78c40"),
)
