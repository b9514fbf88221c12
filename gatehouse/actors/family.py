"""All tokens that follow from one authorization: one actor, so one place that decides.

docs/diagrams/family.mmd draws it, and a test holds the drawing to the code.

A family begins with an authorization code. Redeeming it, rotating the refresh token, giving out
opaque access tokens and revoking are turns of this actor, so two nodes never both redeem a code,
and what is revoked is revoked everywhere in the same instant. A family that has ended does not
exist: its tokens, however genuine, lead nowhere.

**Two tabs and lost answers.** A refresh token that is rotated stays good for `REFRESH_GRACE_MS`:
whoever presents it in that time receives the newest refresh token of the family, the same that the
first one received. After that, presenting it means that two parties hold the family's tokens, one
of which may be a thief, and the family is revoked (RFC 9700 §4.14.2).

No token is stored, only numbers (see `tokens.py`).
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from enum import Enum

import msgspec

from gatehouse.actors.tokens import Purpose
from gatehouse.engine.actor import Address, Kind, Turn, keep

OFFLINE_ACCESS = "offline_access"
"""The scope that lets tokens outlive the session (OpenID Connect Core §11)."""

ORGANIZATIONS = "urn:logto:scope:organizations"
"""The scope that lets a client know its user's organizations, and act in them."""

ORGANIZATION_ROLES = "urn:logto:scope:organization_roles"
"""The scope that lets a client know what its user's roles there are."""

CODE_AGE_MS = 60_000
"""How long an authorization code is good: as long as a slow redirect takes (RFC 6749 §4.1.2)."""

REFRESH_GRACE_MS = 30_000
"""How long a spent refresh token still leads to its successor: longer than the time after which
clients give up on an answer and try again, short enough that a stolen token is soon noticed."""

MAX_FAMILY_AGE_MS = 365 * 24 * 60 * 60 * 1000
"""Rotation never carries a family beyond a year: then the user signs in again."""

MAX_ROTATIONS_IN_GRACE = 16
"""Spent tokens remembered; a client that refreshes faster gets its newest token unrotated."""

MAX_ACCESS_TOKENS = 32
"""Opaque access tokens of one family that are good at once; more than that ends the oldest."""


class AccessToken(msgspec.Struct, frozen=True, array_like=True):
    """An opaque access token: its number, when it expires, and what it allows."""

    number: int
    expires_at: int
    issued_at: int
    scopes: tuple[str, ...]


class Family(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The state of a token family. Times are milliseconds since the epoch.

    `user_id` is None where a client acts for itself. `scopes` and `resources` are what was
    granted, in the order asked for. `refresh_number` is the number of the newest refresh token,
    0 if there is none; `spent` are the tokens before it with the time each was rotated.
    """

    client_id: str
    user_id: str | None
    scopes: tuple[str, ...]
    created_at: int
    expires_at: int
    resources: tuple[str, ...] = ()
    redirect_uri: str | None = None
    code_challenge: str | None = None
    code_expires_at: int = 0
    redeemed: bool = False
    nonce: str | None = None
    session_id: str | None = None
    sid: str | None = None
    auth_time: int | None = None
    amr: tuple[str, ...] = ()
    acr: str | None = None
    auth_time_wanted: bool = False
    refresh_number: int = 0
    refresh_expires_at: int = 0
    spent: tuple[tuple[int, int], ...] = ()
    access_number: int = 0
    access_tokens: tuple[AccessToken, ...] = ()

    def access_token(self, number: int, now: int) -> AccessToken | None:
        """The opaque access token of this number, if it is good."""
        for token in self.access_tokens:
            if token.number == number and now < token.expires_at:
                return token
        return None

    def refreshable(self, number: int, now: int) -> bool:
        """Whether presenting the refresh token of this number would be answered."""
        if not self.redeemed or now >= self.refresh_expires_at:
            return False
        return number >= self.refresh_number or self._in_grace(number, now)

    def _in_grace(self, number: int, now: int) -> bool:
        return any(spent == number and now - at <= REFRESH_GRACE_MS for spent, at in self.spent)


FAMILY = Kind("family", Family)


def address(tenant: str, family_id: str) -> Address[Family]:
    """Where the family of this id is."""
    return FAMILY.at(tenant, family_id)


class Refusal(Enum):
    """Why a grant is not honoured; the client hears `invalid_grant` for each of them."""

    GONE = "the grant expired, was revoked or never existed"
    OTHER_CLIENT = "the grant was issued to another client"
    REDIRECT_URI = "redirect_uri is not the one the code was issued for"
    CODE_VERIFIER = "code_verifier does not match the code_challenge"
    SCOPE = "a scope was asked for that was not granted"
    ORGANIZATIONS = "the scope urn:logto:scope:organizations was not granted"
    RESOURCE = "a resource was asked for that was not granted"
    REPLAYED = "the grant was used before; everything issued from it is revoked"


@dataclass(frozen=True, slots=True)
class RefreshPolicy:
    """How the client's refresh tokens live: `ttl` in milliseconds.

    `rotate`: each use yields a successor. `extend`: the successor lives for `ttl` again; otherwise
    it ends when its predecessor would have (browser-based apps, which keep tokens in scripts'
    reach).
    """

    ttl: int
    rotate: bool
    extend: bool


@dataclass(frozen=True, slots=True)
class AccessWish:
    """The access token that is wanted.

    `resource` is whom it shall be for (RFC 8707 §2.2); `default_resource` is taken if none is named
    and it was granted. Without either the token is opaque and lives for `ttl` ms. `scopes` narrows
    what it allows (RFC 6749 §6); None is all that was granted. `organization` is the audience of a
    token for an organization: it needs no resource, but leave to act in organizations, and so does
    one for a resource `on_behalf` of an organization.
    """

    ttl: int
    scopes: tuple[str, ...] | None = None
    resource: str | None = None
    default_resource: str | None = None
    organization: str | None = None
    on_behalf: bool = False

    def target(self, granted: tuple[str, ...]) -> str | None:
        """The resource the token is for, None if it shall be opaque."""
        if self.organization is not None:
            return self.organization
        if self.resource is None and self.default_resource in granted:
            return self.default_resource
        return self.resource

    def refusal(self, state: Family) -> Refusal | None:
        """Why the wish goes beyond what was granted, if it does."""
        within = self.organization is not None or self.on_behalf
        if within and ORGANIZATIONS not in state.scopes:
            return Refusal.ORGANIZATIONS
        if self.resource is not None and self.resource not in state.resources:
            return Refusal.RESOURCE
        if self.scopes is not None and not set(self.scopes) <= set(state.scopes):
            return Refusal.SCOPE
        return None


@dataclass(frozen=True, slots=True)
class Granted:
    """What a grant yields: the family, and what to write out of it.

    `refresh_number` is 0 if there is no refresh token. `access_number` is the opaque access
    token's; it is 0 if the token is to be signed for `resource`. `scopes` are what it may allow.
    """

    family: Family
    refresh_number: int
    access_number: int
    scopes: tuple[str, ...]
    resource: str | None = None


@dataclass(frozen=True, slots=True)
class Open:
    """An authorization was given: the family comes into being, and its code with it."""

    family: Family

    def apply(self, state: Family | None, now: int, /) -> Turn[Family, None]:
        """Family ids are random and used once; a repeated message changes nothing."""
        if state is not None:
            return keep(state, None)
        return Turn(self.family, None, expires_at=self.family.expires_at)


@dataclass(frozen=True, slots=True)
class OpenForClient:
    """A client acts for itself (RFC 6749 §4.4), or by an exchanged token for a user (RFC 8693):
    a family of one opaque access token.

    `ttl` is in milliseconds.
    """

    client_id: str
    scopes: tuple[str, ...]
    ttl: int
    user_id: str | None = None

    def apply(self, state: Family | None, now: int, /) -> Turn[Family, Granted]:
        """No code and no refresh token (RFC 6749 §4.4.3)."""
        fresh = Family(
            client_id=self.client_id,
            user_id=self.user_id,
            scopes=self.scopes,
            created_at=now,
            expires_at=now + self.ttl,
            redeemed=True,
        )
        return _granted(fresh, AccessWish(self.ttl), now)


@dataclass(frozen=True, slots=True)
class RedeemCode:
    """The client presents the authorization code (RFC 6749 §4.1.3).

    `challenge` is the S256 challenge computed from the verifier that was presented, None if none
    was (RFC 7636 §4.6). `refresh` is None if the client has no refresh tokens; else it gets one
    where `offline_access` was granted, or always if `always_refresh`.
    """

    client_id: str
    redirect_uri: str | None
    challenge: str | None
    refresh: RefreshPolicy | None
    access: AccessWish
    always_refresh: bool = False

    def apply(self, state: Family | None, now: int, /) -> Turn[Family, Granted | Refusal]:
        """The first to present it wins; a second time revokes all that the first received."""
        if state is None:
            return keep(state, Refusal.GONE)
        refusal = self._refusal(state, now)
        if refusal is not None:
            return Turn(None if refusal is Refusal.REPLAYED else state, refusal)
        redeemed = msgspec.structs.replace(state, redeemed=True)
        if self.refresh is not None and (self.always_refresh or OFFLINE_ACCESS in state.scopes):
            redeemed = msgspec.structs.replace(
                redeemed,
                refresh_number=1,
                refresh_expires_at=_refresh_end(state, self.refresh, now),
            )
        return _granted(redeemed, self.access, now)

    def _refusal(self, state: Family, now: int) -> Refusal | None:
        checks = (
            (state.client_id != self.client_id, Refusal.OTHER_CLIENT),
            (state.redeemed, Refusal.REPLAYED),
            (now >= state.code_expires_at, Refusal.GONE),
            (state.redirect_uri != self.redirect_uri, Refusal.REDIRECT_URI),
            (not _same(state.code_challenge, self.challenge), Refusal.CODE_VERIFIER),
        )
        failed = next((refusal for failed, refusal in checks if failed), None)
        return failed or self.access.refusal(state)


@dataclass(frozen=True, slots=True)
class Refresh:
    """The client presents a refresh token of this number (RFC 6749 §6)."""

    client_id: str
    number: int
    policy: RefreshPolicy
    access: AccessWish

    def apply(self, state: Family | None, now: int, /) -> Turn[Family, Granted | Refusal]:
        """Rotates, repeats the newest token within the grace, or revokes.

        A number beyond the newest was issued by a turn that Redis lost in a failover: its MAC
        shows that it is genuine, so it counts as the newest.
        """
        if state is None or not state.redeemed or now >= state.refresh_expires_at:
            return keep(state, Refusal.GONE)
        if state.client_id != self.client_id:
            return keep(state, Refusal.OTHER_CLIENT)
        if not state.refreshable(self.number, now):
            return Turn(None, Refusal.REPLAYED)
        refusal = self.access.refusal(state)
        if refusal is not None:
            return keep(state, refusal)
        if self.number >= state.refresh_number:
            state = self._rotate(state, now)
        return _granted(state, self.access, now)

    def _rotate(self, state: Family, now: int) -> Family:
        spent = tuple((n, at) for n, at in state.spent if now - at <= REFRESH_GRACE_MS)
        too_fast = len(spent) >= MAX_ROTATIONS_IN_GRACE
        if not self.policy.rotate or too_fast:
            return msgspec.structs.replace(state, refresh_number=self.number)
        return msgspec.structs.replace(
            state,
            refresh_number=self.number + 1,
            refresh_expires_at=(
                _refresh_end(state, self.policy, now)
                if self.policy.extend
                else state.refresh_expires_at
            ),
            spent=(*spent, (self.number, now)),
        )


@dataclass(frozen=True, slots=True)
class Revoke:
    """A client revokes a token (RFC 7009 §2.1). The reply says whether it was the client's own."""

    client_id: str
    purpose: Purpose
    number: int

    def apply(self, state: Family | None, now: int, /) -> Turn[Family, bool]:
        """A refresh token takes the family with it, an access token only itself."""
        if state is None:
            return keep(state, True)
        if state.client_id != self.client_id:
            return keep(state, False)
        if self.purpose is not Purpose.ACCESS_TOKEN:
            return Turn(None, True)
        left = tuple(token for token in state.access_tokens if token.number != self.number)
        if len(left) == len(state.access_tokens):
            return keep(state, True)
        return Turn(
            msgspec.structs.replace(state, access_tokens=left), True, expires_at=state.expires_at
        )


@dataclass(frozen=True, slots=True)
class End:
    """The family ends: its session did, or its user may not use it any more."""

    def apply(self, state: Family | None, now: int, /) -> Turn[Family, None]:
        """Ending twice is no error."""
        return keep(state, None) if state is None else Turn(None, None)


def _same(challenge: str | None, presented: str | None) -> bool:
    """A verifier without a challenge is refused like a challenge without a verifier: either means
    that the authorization request was tampered with (RFC 9700 §2.1.1, PKCE downgrade)."""
    if challenge is None or presented is None:
        return challenge is presented
    return hmac.compare_digest(challenge.encode(), presented.encode())


def _refresh_end(state: Family, policy: RefreshPolicy, now: int) -> int:
    return min(now + policy.ttl, state.created_at + MAX_FAMILY_AGE_MS)


def _granted(state: Family, wish: AccessWish, now: int) -> Turn[Family, Granted]:
    """Add the opaque access token if one is wanted, forget expired ones and bound the rest."""
    resource = wish.target(state.resources)
    scopes = state.scopes if wish.scopes is None else wish.scopes
    tokens = tuple(token for token in state.access_tokens if now < token.expires_at)
    number = 0
    if resource is None:
        number = state.access_number + 1
        added = AccessToken(number, now + wish.ttl, now, scopes)
        tokens = (*tokens, added)[-MAX_ACCESS_TOKENS:]
    ends = (state.code_expires_at, state.refresh_expires_at, *(t.expires_at for t in tokens))
    state = msgspec.structs.replace(
        state,
        access_number=max(number, state.access_number),
        access_tokens=tokens,
        expires_at=max(ends),
    )
    reply = Granted(state, state.refresh_number, number, scopes, resource)
    return Turn(state, reply, expires_at=state.expires_at)
