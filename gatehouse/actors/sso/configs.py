"""What operators say of an identity provider, by the kind of provider.

A configuration is kept as it is understood: fields that nothing reads are dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET, UnsetType

GOOGLE_ISSUER = "https://accounts.google.com"
REQUIRED_SCOPES = ("openid", "profile", "email")

MAX_URL = 2048
MAX_METADATA = 200_000
"""Characters of SAML metadata that are pasted; an identity provider's own has some thousands."""

Short = Annotated[str, msgspec.Meta(max_length=1024)]
Url = Annotated[str, msgspec.Meta(max_length=MAX_URL, pattern="^https?://")]
SignatureAlgorithm = Literal[
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
]


class InvalidSsoConfig(Exception):  # noqa: N818 - named for what it is
    """A configuration that cannot be used. The message says why, and repeats no value of it."""


class Protocol(StrEnum):
    """How an identity provider is spoken to."""

    OIDC = "oidc"
    SAML = "saml"


class OidcConfig(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A client registered with an OpenID provider."""

    client_id: Short
    client_secret: Short
    issuer: Url
    scope: Short | UnsetType = UNSET
    trust_unverified_email: bool = False

    @property
    def scopes(self) -> str:
        """What is asked for: always an ID token with profile and email, and what is configured."""
        configured = () if self.scope is UNSET else self.scope.replace("+", " ").split()
        return " ".join(dict.fromkeys((*REQUIRED_SCOPES, *configured)))


class GoogleConfig(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A client registered with Google; `offline_access` asks for a refresh token."""

    client_id: Short
    client_secret: Short
    scope: Short | UnsetType = UNSET
    trust_unverified_email: bool = False
    offline_access: bool | UnsetType = UNSET


class AttributeMapping(msgspec.Struct, frozen=True, kw_only=True):
    """Which attributes of an assertion hold what; `nameID` is the subject's name."""

    id: Short | UnsetType = UNSET
    email: Short | UnsetType = UNSET
    name: Short | UnsetType = UNSET

    def attribute(self, field: str) -> str:
        """The name of the attribute that holds this."""
        given = getattr(self, field)
        return DEFAULT_MAPPING[field] if given is UNSET else given


DEFAULT_MAPPING = {"id": "nameID", "email": "email", "name": "name"}


class SamlConfig(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What every SAML configuration may say."""

    attribute_mapping: AttributeMapping | UnsetType = UNSET
    sign_authn_request: bool | UnsetType = UNSET
    request_signature_algorithm: SignatureAlgorithm | UnsetType = UNSET

    @property
    def mapping(self) -> AttributeMapping:
        """Which attributes hold what."""
        given = self.attribute_mapping
        return AttributeMapping() if given is UNSET else given

    @property
    def signs_requests(self) -> bool:
        """Whether the identity provider wants our requests signed."""
        return self.sign_authn_request is True


class SamlMetadataUrl(SamlConfig, frozen=True, kw_only=True):
    """The identity provider publishes its metadata."""

    metadata_url: Url


class SamlMetadataText(SamlConfig, frozen=True, kw_only=True):
    """The metadata was pasted."""

    metadata: Annotated[str, msgspec.Meta(max_length=MAX_METADATA)]


class SamlManual(SamlConfig, frozen=True, kw_only=True):
    """The parts of the metadata that matter were typed in."""

    entity_id: Short
    sign_in_endpoint: Url
    x509_certificate: Annotated[str, msgspec.Meta(max_length=20_000)] = msgspec.field(
        name="x509Certificate"
    )


@dataclass(frozen=True, slots=True)
class SsoProvider:
    """A kind of identity provider that can be connected."""

    provider_name: str
    protocol: Protocol
    name: str
    description: str
    kinds: tuple[type[msgspec.Struct], ...]
    """What a configuration may be; the first that fits."""

    def parse(self, config: object) -> Any:
        """A configuration as values. Raises InvalidSsoConfig."""
        reasons = []
        for kind in self.kinds:
            try:
                return msgspec.convert(config, kind)
            except msgspec.ValidationError as error:
                reasons.append(str(error))
        raise InvalidSsoConfig(reasons[-1])

    def normalized(self, config: object) -> dict[str, Any]:
        """A configuration as it is stored. Raises InvalidSsoConfig."""
        stored: dict[str, Any] = msgspec.to_builtins(self.parse(config))
        return stored


PROVIDERS: Mapping[str, SsoProvider] = {
    one.provider_name: one
    for one in (
        SsoProvider(
            "OIDC",
            Protocol.OIDC,
            "OIDC",
            "Any identity provider that speaks OpenID Connect.",
            (OidcConfig,),
        ),
        SsoProvider(
            "SAML",
            Protocol.SAML,
            "SAML",
            "Any identity provider that speaks SAML 2.0.",
            (SamlMetadataUrl, SamlMetadataText, SamlManual),
        ),
        SsoProvider(
            "AzureAD",
            Protocol.SAML,
            "Microsoft Entra ID (SAML)",
            "Microsoft's directory, once called Azure AD, through SAML 2.0.",
            (SamlMetadataUrl, SamlMetadataText, SamlManual),
        ),
        SsoProvider(
            "AzureAdOidc",
            Protocol.OIDC,
            "Microsoft Entra ID (OIDC)",
            "Microsoft's directory, once called Azure AD, through OpenID Connect.",
            (OidcConfig,),
        ),
        SsoProvider(
            "GoogleWorkspace",
            Protocol.OIDC,
            "Google Workspace",
            "The accounts that a company gives its people at Google.",
            (GoogleConfig,),
        ),
        SsoProvider(
            "Okta",
            Protocol.OIDC,
            "Okta",
            "Okta's directory of customers, employees and partners.",
            (OidcConfig,),
        ),
    )
}


def is_web_url(text: str) -> bool:
    """Whether a browser may be sent there."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and len(text) <= MAX_URL
