"""What an application is to the authorization server: a client (RFC 6749 §2).

Applications are stored in the shape of the API that manages them. What a grant asks of a client
(may it, must it, for how long) is derived here once, when the application is read, and never
decided anywhere else.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gatehouse.actors.family import RefreshPolicy
from gatehouse.actors.redirect_uris import (
    matches_pattern,
    origin_matches,
    portless,
    with_wildcards,
)
from gatehouse.storage.records import Application, ApplicationSecret

ID_TOKEN_TTL_S = 3600
REFRESH_TOKEN_TTL_S = 14 * 24 * 3600
_DAY_S = 24 * 3600

AUTHORIZATION_CODE = "authorization_code"
REFRESH_TOKEN = "refresh_token"  # noqa: S105
CLIENT_CREDENTIALS = "client_credentials"
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105

_PUBLIC_TYPES = frozenset({"Native", "SPA"})
_SIGN_IN_GRANTS = frozenset({AUTHORIZATION_CODE, REFRESH_TOKEN})
_DEVICE_GRANTS = frozenset({DEVICE_CODE, REFRESH_TOKEN})
"""Of a native application that is made for devices; it has no redirect URI."""
_GRANTS = {
    "Native": _SIGN_IN_GRANTS,
    "SPA": _SIGN_IN_GRANTS,
    "Traditional": _SIGN_IN_GRANTS,
    "Protected": _SIGN_IN_GRANTS,
    "MachineToMachine": frozenset({CLIENT_CREDENTIALS}),
    "SAML": frozenset({AUTHORIZATION_CODE}),
}
_ORIGIN = re.compile(r"https?://[^/?#]+")


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """A secret and when it expires (ms since the epoch; None: never)."""

    value: bytes
    expires_at: int | None

    def __repr__(self) -> str:
        return "ClientSecret()"


@dataclass(frozen=True, slots=True)
class Client:
    """An application as the authorization server sees it. Times to live are in seconds.

    `public` clients cannot keep a secret (RFC 6749 §2.1). `keys` are the public keys (JWK) that a
    confidential client registered to authenticate with. `always_refresh`: a refresh token even
    without `offline_access`. `wants_sid`: its id tokens and logout tokens name the session.
    `backchannel_logout_uri` is where it wants to hear that a session ended.
    `max_grants`: of one user's grants for it, so many are good at once; None is any number.
    `access_controlled`: only whom a rule names may use it (`application_access.py`).
    """

    id: str
    name: str
    public: bool
    third_party: bool
    grant_types: frozenset[str]
    redirect_uris: tuple[str, ...]
    loopback_uris: frozenset[str]
    post_logout_redirect_uris: tuple[str, ...]
    origins: frozenset[str]
    secrets: tuple[ClientSecret, ...]
    keys: tuple[Mapping[str, Any], ...]
    id_token_ttl: int
    refresh: RefreshPolicy
    always_refresh: bool
    wants_sid: bool
    backchannel_logout_uri: str | None
    max_grants: int | None
    access_controlled: bool

    def authenticates(self, secret: str, now: int) -> bool:
        """Whether the secret is one of the client's (RFC 6749 §2.3.1), in constant time."""
        presented = secret.encode()
        matches = [
            hmac.compare_digest(known.value, presented)
            for known in self.secrets
            if known.expires_at is None or now < known.expires_at
        ]
        return any(matches)

    def had(self, secret: str, now: int) -> bool:
        """Whether the secret was the client's and has expired."""
        presented = secret.encode()
        return any(
            hmac.compare_digest(known.value, presented)
            for known in self.secrets
            if known.expires_at is not None and known.expires_at <= now
        )

    def redirects_to(self, uri: str) -> bool:
        """Whether this redirect URI is registered (RFC 9700 §2.1): see `redirect_uris.py`."""
        if "*" in uri:
            return False
        if uri in self.redirect_uris or portless(uri) in self.loopback_uris:
            return True
        return any(matches_pattern(one, uri) for one in with_wildcards(self.redirect_uris))

    def signs_out_to(self, uri: str) -> bool:
        """Whether this is a registered `post_logout_redirect_uri`."""
        if "*" in uri:
            return False
        patterns = with_wildcards(self.post_logout_redirect_uris)
        return uri in self.post_logout_redirect_uris or any(
            matches_pattern(one, uri) for one in patterns
        )

    def allows_origin(self, origin: str) -> bool:
        """Whether scripts of this origin may read the client's token responses."""
        return origin in self.origins or any(
            origin_matches(one, origin) for one in with_wildcards(self.redirect_uris)
        )


def client_of(application: Application, secrets: Iterable[ApplicationSecret]) -> Client:
    """The client that an application is.

    The codes of SAML applications are redeemed by this server alone: they have no secret.
    """
    registered = application.oidc_client_metadata
    custom = application.custom_client_metadata
    device = application.type == "Native" and custom.is_device_flow
    grants = _DEVICE_GRANTS if device else _GRANTS.get(application.type, frozenset())
    if grants and custom.allow_token_exchange and not application.is_third_party:
        grants |= {TOKEN_EXCHANGE}
    redirect_uris = tuple(registered.redirect_uris)
    public = application.type in _PUBLIC_TYPES
    known = [(secret.value, secret.expires_at) for secret in secrets]
    if application.secret:
        known.append((application.secret, None))
    rotate = True if custom.rotate_refresh_token is None else custom.rotate_refresh_token
    return Client(
        id=application.id,
        name=application.name,
        public=public,
        third_party=application.is_third_party,
        grant_types=grants,
        redirect_uris=redirect_uris,
        loopback_uris=_loopback(redirect_uris) if application.type == "Native" else frozenset(),
        post_logout_redirect_uris=tuple(registered.post_logout_redirect_uris),
        origins=frozenset(custom.cors_allowed_origins or ()) | _origins(redirect_uris),
        secrets=() if public else tuple(ClientSecret(v.encode(), end) for v, end in known),
        keys=() if public else tuple((registered.jwks or {}).get("keys", ())),
        id_token_ttl=custom.id_token_ttl or ID_TOKEN_TTL_S,
        refresh=RefreshPolicy(
            ttl=1000 * _refresh_ttl(custom.refresh_token_ttl_in_days, custom.refresh_token_ttl),
            rotate=public or rotate,
            extend=application.type != "SPA",
        ),
        always_refresh=bool(custom.always_issue_refresh_token) and application.type != "Native",
        wants_sid=bool(registered.backchannel_logout_session_required),
        backchannel_logout_uri=registered.backchannel_logout_uri or None,
        max_grants=custom.max_allowed_grants,
        access_controlled=application.app_level_access_control_enabled,
    )


def _refresh_ttl(days: int | None, seconds: int | None) -> int:
    return days * _DAY_S if days else seconds or REFRESH_TOKEN_TTL_S


def _origins(uris: Iterable[str]) -> frozenset[str]:
    found = (_ORIGIN.match(uri) for uri in uris)
    return frozenset(origin[0] for origin in found if origin is not None)


def _loopback(uris: Iterable[str]) -> frozenset[str]:
    found = (portless(uri) for uri in uris)
    return frozenset(uri for uri in found if uri is not None)
