"""What a client asked for, and what a person answered: the values that travel between actors.

The authorization request is checked once, at the authorization endpoint; from then on it is a
value that the interaction carries, so that nothing a browser brings back later can change it.
"""

from __future__ import annotations

import msgspec

MAX_INTERACTION_AGE_MS = 60 * 60 * 1000
"""How long a person has to sign in after arriving: one hour, as Logto allows."""


class AuthorizationRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A validated authorization request (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1).

    `scopes` and `resources` keep the order in which they were asked for. `prompts` are the prompt
    values asked for; `max_age` is in seconds. `code_challenge` is always of method S256.
    `device_id` is the device that asks (RFC 8628); such a request has no redirect URI.
    """

    client_id: str
    redirect_uri: str
    response_mode: str = "query"
    scopes: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    state: str | None = None
    nonce: str | None = None
    code_challenge: str | None = None
    prompts: tuple[str, ...] = ()
    max_age: int | None = None
    login_hint: str | None = None
    first_screen: str | None = None
    ui_locales: str | None = None
    device_id: str | None = None


class LoginResult(msgspec.Struct, frozen=True, kw_only=True, tag="login"):
    """Who signed in, how and when: the answer to a `login` interaction.

    `amr` are the methods used (RFC 8176); `auth_time` is in milliseconds since the epoch.
    """

    user_id: str
    amr: tuple[str, ...]
    auth_time: int
    acr: str | None = None


class ConsentResult(msgspec.Struct, frozen=True, kw_only=True, tag="consent"):
    """What the person let the client have: the answer to a `consent` interaction."""

    scopes: tuple[str, ...]
    resources: tuple[str, ...] = ()
