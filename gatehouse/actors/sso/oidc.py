"""Speaking OpenID Connect to a company's identity provider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jwt

from gatehouse.actors.connectors.social.backchannel import Backchannel
from gatehouse.actors.connectors.social.oauth_client import (
    Handshake,
    OAuthClient,
    TokenSet,
    check_issuer,
    code_of,
)
from gatehouse.actors.connectors.social.oidc_client import IdTokenRules, verify_id_token
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.shown import camel
from gatehouse.actors.sso.configs import GoogleConfig, OidcConfig
from gatehouse.actors.sso.identity_providers import OidcMetadata, oidc_config

ISSUED_WITHIN_S = 600
"""How old an ID token may be that comes with a fresh code."""

TENANT = "{tenantid}"
"""Where the issuer of Microsoft's metadata for many tenants has the tenant."""

_STANDARD = frozenset(
    {
        *("sub", "name", "picture", "email", "email_verified", "phone", "phone_verified"),
        *("iss", "aud", "exp", "iat", "nbf", "nonce", "azp", "at_hash", "c_hash", "auth_time"),
    }
)


def authorization_uri(
    config: OidcConfig | GoogleConfig, metadata: OidcMetadata, handshake: Handshake
) -> str:
    """Where to send the browser (OpenID Connect Core §3.1.2.1)."""
    settings = oidc_config(config)
    more: dict[str, str | None] = {}
    if isinstance(config, GoogleConfig):
        offline = config.offline_access is True
        more = {
            "prompt": "consent select_account" if offline else "select_account",
            "access_type": "offline" if offline else None,
            "include_granted_scopes": "true",
        }
    return client_of(settings, metadata).authorization_uri(
        handshake, scope=settings.scopes, nonce=handshake.nonce, **more
    )


async def identify(
    backchannel: Backchannel,
    config: OidcConfig | GoogleConfig,
    metadata: OidcMetadata,
    handshake: Handshake,
    answer: Mapping[str, Any],
) -> tuple[dict[str, Any], TokenSet]:
    """What the provider says of whoever comes back with this answer, and its tokens.

    Raises `Refused`.
    """
    settings = oidc_config(config)
    code = code_of(handshake, answer)
    many = TENANT in metadata.issuer
    check_issuer(answer, () if many else (metadata.issuer,))
    tokens = await client_of(settings, metadata).redeem(backchannel, handshake, code)
    rules = IdTokenRules(
        jwks_uri=metadata.jwks_uri,
        audience=settings.client_id,
        issuers=(_issuer(metadata, tokens.id_token),),
        max_age=ISSUED_WITHIN_S,
    )
    claims = await verify_id_token(backchannel, rules, tokens.id_token, nonce=handshake.nonce)
    if metadata.userinfo_endpoint is not None and tokens.access_token is not None:
        told = await backchannel.protected(metadata.userinfo_endpoint, tokens.access_token)
        # OpenID Connect Core §5.3.2: otherwise the token could be somebody else's.
        if not isinstance(told, dict) or told.get("sub") != claims["sub"]:
            raise Refused(Reason.CONNECTOR_RESPONSE_INVALID)
        claims = {**claims, **told}
    return user_info(claims, trust_unverified_email=settings.trust_unverified_email), tokens


def user_info(claims: Mapping[str, Any], *, trust_unverified_email: bool) -> dict[str, Any]:
    """Claims as a person's details: an email address only if the provider vouches for it."""
    verified = claims.get("email_verified")
    email_counts = trust_unverified_email if verified is None else verified is True
    chosen = {
        "id": claims["sub"],
        "name": claims.get("name"),
        "avatar": claims.get("picture"),
        "email" if email_counts else "unverifiedEmail": claims.get("email"),
        "phone" if claims.get("phone_verified") is True else "unverifiedPhone": claims.get("phone"),
    }
    rest = {camel(name): value for name, value in claims.items() if name not in _STANDARD}
    return {**rest, **{name: value for name, value in chosen.items() if value}}


def client_of(config: OidcConfig | GoogleConfig, metadata: OidcMetadata) -> OAuthClient:
    """We, as the provider knows us."""
    settings = oidc_config(config)
    return OAuthClient(
        client_id=settings.client_id,
        client_secret=settings.client_secret,
        authorization_endpoint=metadata.authorization_endpoint,
        token_endpoint=metadata.token_endpoint,
        authentication="client_secret_basic",
    )


def _issuer(metadata: OidcMetadata, id_token: str | None) -> str:
    """Who must have issued the ID token; of many tenants, the one that it names."""
    if TENANT not in metadata.issuer or id_token is None:
        return metadata.issuer
    try:
        tenant = jwt.decode(id_token, options={"verify_signature": False}).get("tid")
    except jwt.PyJWTError:
        raise Refused(Reason.ID_TOKEN_INVALID) from None
    return metadata.issuer.replace(TENANT, str(tenant))
