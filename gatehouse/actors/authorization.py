"""What a client asked for, and what a person answered: the values that travel between actors.

The authorization request is checked once, at the authorization endpoint; from then on it is a
value that the interaction carries, so that nothing a browser brings back later can change it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from gatehouse.storage.vault import Vault

ACCOUNT_PAGES = "account-center"
"""What the account pages are called where an application is named. They get no code: they are
pages of this server, and the session is all they need."""

MAX_INTERACTION_AGE_MS = 60 * 60 * 1000
"""How long a person has to sign in after arriving: one hour, as Logto allows."""


class AuthorizationRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A validated authorization request (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1).

    `scopes` and `resources` keep the order in which they were asked for. `prompts` are the prompt
    values asked for; `max_age` is in seconds. `code_challenge` is always of method S256.
    `device_id` is the device that asks (RFC 8628); such a request has no redirect URI.
    `hinted_user` is whom the client wants tokens about, and about nobody else.

    What a page may be told besides, under Logto's names: `first_screen` is the page to begin with,
    `identifier` with which kinds of identifiers, `direct_sign_in` without any (`social:<target>`,
    `sso:<connector>`), `one_time_token` what proves an address at once, `organization_id` as whom
    to look.
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
    identifier: str | None = None
    direct_sign_in: str | None = None
    one_time_token: str | None = None
    google_one_tap_credential: str | None = None
    organization_id: str | None = None
    device_id: str | None = None
    hinted_user: str | None = None

    @property
    def asked_identifiers(self) -> tuple[str, ...]:
        """The kinds of identifiers that the client wants people to be asked for; all if empty."""
        asks = (self.first_screen or "").startswith("identifier:")
        return tuple((self.identifier or "").split()) if asks else ()

    def sealed(self, vault: Vault) -> AuthorizationRequest:
        """The request as it is kept: what could sign somebody in is sealed."""
        return self._with(lambda name, value: vault.seal(value, _place(name)))

    def opened(self, vault: Vault) -> AuthorizationRequest:
        """The request as it was made. Raises `SealError`."""
        return self._with(lambda name, value: vault.open(value, _place(name)))

    def _with(self, change: Callable[[str, str], str]) -> AuthorizationRequest:
        given = ((name, getattr(self, name)) for name in _SECRETS)
        changes = {name: change(name, value) for name, value in given if value}
        return msgspec.structs.replace(self, **changes) if changes else self


_SECRETS = ("one_time_token", "google_one_tap_credential")
"""By what of a request somebody could sign in."""


def _place(name: str) -> str:
    return f"authorization-request:{name}"


class Submission(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How somebody came to be signed in, for those who list it: nothing secret.

    `event` is what they came to do, `records` the verifications they passed, in the wire's words.
    """

    event: str
    client_id: str
    records: tuple[dict[str, Any], ...] = ()
    ip: str | None = None
    user_agent: str | None = None

    def shown(self, user_id: str) -> dict[str, Any]:
        """In Logto's words, for operators, the person and scripts."""
        where = {"ip": self.ip, "userAgent": self.user_agent}
        return {
            "interactionEvent": self.event,
            "userId": user_id,
            "verificationRecords": list(self.records),
            "signInContext": {name: value for name, value in where.items() if value is not None},
        }


class LoginResult(msgspec.Struct, frozen=True, kw_only=True, tag="login"):
    """Who signed in, how and when: the answer to a `login` interaction.

    `amr` are the methods used (RFC 8176); `auth_time` is in milliseconds since the epoch.
    """

    user_id: str
    amr: tuple[str, ...]
    auth_time: int
    acr: str | None = None
    submission: Submission | None = None


class ConsentResult(msgspec.Struct, frozen=True, kw_only=True, tag="consent"):
    """What the person let the client have: the answer to a `consent` interaction."""

    scopes: tuple[str, ...]
    resources: tuple[str, ...] = ()
