"""What every provider of social sign-in is: somewhere to send a person, and who they are there.

A provider's own file says what is particular to it: its endpoints, its scopes, and how its words
for a person become ours. An email address or a phone number is taken over only where the provider
has verified it, because an account may be found by it.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Protocol

import msgspec

from gatehouse.actors.addresses import is_email
from gatehouse.actors.connectors.factory import field
from gatehouse.actors.connectors.social.backchannel import Backchannel
from gatehouse.actors.connectors.social.oauth_client import (
    Handshake,
    OAuthClient,
    TokenSet,
    check_issuer,
    code_of,
)
from gatehouse.actors.refusal import Reason, Refused

MAX_ID = 256
MAX_NAME = 128
MAX_URL = 2048

MAX_RAW_BYTES = 16 * 1024
"""What a provider told of a person is kept with the account if it is no longer than this."""

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=4096, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""A setting: something, on one line."""
OptionalText = Annotated[
    str, msgspec.Meta(max_length=4096, pattern=r"^[^\x00-\x08\x0e-\x1f\x7f]*$")
]
Endpoint = Annotated[str, msgspec.Meta(max_length=2048, pattern=r"^https?://[^\x00-\x20\x7f]+$")]
Prompts = Annotated[tuple[str, ...], msgspec.Meta(max_length=4)]

_PHONE = re.compile(r"\+?[0-9][0-9 ().-]{4,20}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class SocialUser(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Who a person is at a provider. What is here of email and phone was verified there."""

    id: str
    email: str | None = None
    phone: str | None = None
    name: str | None = None
    avatar: str | None = None
    raw_data: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"<SocialUser {self.id!r}>"


@dataclass(frozen=True, slots=True)
class Identified:
    """Who came back, and the tokens that came along."""

    user: SocialUser
    tokens: TokenSet | None = None


@dataclass(frozen=True, slots=True)
class Redeemed:
    """A code that was redeemed, and with what: all there is to tell who came back."""

    backchannel: Backchannel
    handshake: Handshake
    answer: Mapping[str, Any]
    tokens: TokenSet

    async def person(self, url: str) -> dict[str, Any]:
        """What an endpoint tells of the tokens' owner. Raises `Refused`."""
        return await self.backchannel.person(url, self.tokens.access_token)


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where a provider is. What it does not have is empty."""

    authorization: str
    token: str = ""
    user: str = ""
    emails: str = ""
    jwks: str = ""
    issuers: tuple[str, ...] = ()


class SocialProvider(Protocol):
    """A provider with the credentials that this server has there.

    `sessionless`: it can be used without anything that was kept on the server meanwhile. `renews`:
    it gives refresh tokens.
    """

    sessionless: ClassVar[bool]
    renews: ClassVar[bool]

    def authorization_uri(self, handshake: Handshake, scope: str | None = None) -> str:
        """Where to send the browser; `scope` replaces the one that is set up."""
        ...

    async def identify(
        self, backchannel: Backchannel, handshake: Handshake, answer: Mapping[str, Any]
    ) -> Identified:
        """Who the authorization response is about. Raises `Refused`."""
        ...

    async def refresh(self, backchannel: Backchannel, refresh_token: str) -> TokenSet:
        """Have the tokens renewed. Raises `Refused`."""
        ...


class CodeProvider:
    """A provider of the authorization code flow (RFC 6749 §4.1); subclasses say who it is."""

    sessionless: ClassVar[bool] = True
    renews: ClassVar[bool] = True

    def __init__(self, client: OAuthClient, scope: str, endpoints: Endpoints) -> None:
        self.client = client
        self.scope = scope
        self.endpoints = endpoints

    def authorization_uri(self, handshake: Handshake, scope: str | None = None) -> str:
        """Where to send the browser."""
        asked = {"scope": scope or self.scope or None, **self.parameters(handshake)}
        return self.client.authorization_uri(handshake, **asked)

    def parameters(self, handshake: Handshake) -> dict[str, str | None]:
        """What the provider is asked besides."""
        return {}

    async def identify(
        self, backchannel: Backchannel, handshake: Handshake, answer: Mapping[str, Any]
    ) -> Identified:
        """Redeem the code, and ask who it is. Raises `Refused`."""
        code = code_of(handshake, answer)
        check_issuer(answer, self.endpoints.issuers)
        tokens = await self.client.redeem(backchannel, handshake, code)
        redeemed = Redeemed(backchannel, handshake, answer, tokens)
        return Identified(await self.user(redeemed), tokens)

    async def user(self, redeemed: Redeemed) -> SocialUser:
        """Who the tokens are about. Raises `Refused`."""
        raise NotImplementedError

    async def refresh(self, backchannel: Backchannel, refresh_token: str) -> TokenSet:
        """Have the tokens renewed. Raises `Refused`."""
        return await self.client.refresh(backchannel, refresh_token)

    async def lasting(self, backchannel: Backchannel, tokens: TokenSet) -> TokenSet:
        """The tokens as they are to be kept: as they came. Raises `Refused`."""
        return tokens


class ClientConfig(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What most providers have to be told: who this server is there."""

    client_id: Text
    client_secret: Text
    scope: OptionalText = ""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.client_id!r}>"

    def client(self, endpoints: Endpoints) -> OAuthClient:
        """The client at these endpoints."""
        return OAuthClient(
            self.client_id, self.client_secret, endpoints.authorization, endpoints.token
        )


def social_user(
    id_: object,
    *,
    raw: Mapping[str, Any],
    email: object = None,
    phone: object = None,
    name: object = None,
    avatar: object = None,
) -> SocialUser:
    """A person from a provider's words: whatever is not usable is left out.

    Raises `Refused(CONNECTOR_RESPONSE_INVALID)` if there is no identifier.
    """
    known = str(id_) if isinstance(id_, int) and not isinstance(id_, bool) else id_
    if not isinstance(known, str) or not 0 < len(known) <= MAX_ID or _CONTROL.search(known):
        raise Refused(Reason.CONNECTOR_RESPONSE_INVALID)
    return SocialUser(
        id=known,
        email=email if isinstance(email, str) and is_email(email) else None,
        phone=_digits(phone),
        name=_line(name),
        avatar=_usable(avatar, re.compile(r"https?://[^\x00-\x20\x7f]+"), MAX_URL),
        raw_data=_kept(raw),
    )


def monogram(letter: str, colour: str) -> str:
    """A picture for a button: a letter on a disc, as a data URL."""
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">'
        f'<circle cx="12" cy="12" r="12" fill="{colour}"/><text x="12" y="16.5" fill="#fff" '
        f'font-family="sans-serif" font-size="13" font-weight="700" text-anchor="middle">{letter}'
        "</text></svg>"
    )
    return f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"


CLIENT_ID = field("clientId", "Client ID", required=True, placeholder="<client-id>")
CLIENT_SECRET = field(
    "clientSecret",
    "Client secret",
    required=True,
    placeholder="<client-secret>",
    isConfidential=True,
)
SCOPE = field(
    "scope",
    "Scope",
    "MultilineText",
    placeholder="Scopes with spaces between them",
    description="What people are asked to let this server see.",
)
CLIENT_FORM = (CLIENT_ID, CLIENT_SECRET, SCOPE)


def _usable(value: object, pattern: re.Pattern[str], longest: int) -> str | None:
    if isinstance(value, str) and len(value) <= longest and pattern.fullmatch(value):
        return value
    return None


def _digits(value: object) -> str | None:
    found = _usable(value, _PHONE, MAX_NAME)
    return None if found is None else re.sub(r"[^0-9]", "", found)


def _line(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    return _CONTROL.sub(" ", value).strip()[:MAX_NAME] or None


def _kept(raw: Mapping[str, Any]) -> dict[str, Any]:
    encoded = msgspec.json.encode(raw)
    if len(encoded) > MAX_RAW_BYTES or b"\\u0000" in encoded:
        return {}
    return dict(raw)
