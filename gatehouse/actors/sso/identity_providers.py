"""What identity providers say of themselves: OpenID discovery and SAML metadata.

It is fetched when an operator sets a connector up, and again for people who sign in; what was
fetched is kept for some minutes, so that a morning's crowd costs one request, and a provider that
replaces its keys is followed soon enough.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import msgspec
import trio
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Saml
from onelogin.saml2.xml_utils import OneLogin_Saml2_XML as Xml

from gatehouse.actors import certificates
from gatehouse.actors.connectors.social.backchannel import Backchannel
from gatehouse.actors.outbound import Outbound, OutboundError
from gatehouse.actors.sso.configs import (
    GOOGLE_ISSUER,
    GoogleConfig,
    OidcConfig,
    SamlConfig,
    SamlManual,
    SamlMetadataText,
    SamlMetadataUrl,
    is_web_url,
)

KEPT_MS = 5 * 60_000
"""How long what a provider said is believed without asking again."""

STALE_MS = 24 * 60 * 60_000
"""How long it is believed if the provider does not answer any more."""

RETRY_MS = 10_000
"""How long a provider is left alone that did not answer."""

MAX_KEPT = 512
MAX_CERTIFICATES = 10
"""Certificates of one identity provider: some announce the next ones beside those in use."""

MAX_DOCUMENT = 512 * 1024
"""Bytes of metadata; Microsoft's has about a hundred thousand."""

SAML_THREADS = 4
"""Assertions that are verified at the same time: that computes for some milliseconds each."""

T = TypeVar("T")


class ProviderError(Exception):
    """An identity provider cannot be used as it is. `code` is the connector code that says so:
    `invalid_config`, `invalid_metadata` or `invalid_certificate`."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@dataclass(frozen=True, slots=True)
class _Known:
    """What a provider said, or why it did not. Times are in milliseconds since the epoch."""

    ask_again_at: int
    good_until: int
    value: Any
    failure: ProviderError | None = None


class OidcMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """What is needed of an OpenID provider's metadata (OpenID Connect Discovery §3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None


@dataclass(frozen=True, slots=True)
class SamlMetadata:
    """What is needed of an identity provider's metadata; certificates are PEM."""

    entity_id: str
    sign_in_endpoint: str
    certificates: tuple[str, ...]


def oidc_config(config: OidcConfig | GoogleConfig) -> OidcConfig:
    """Google's configuration with what is known of Google."""
    if isinstance(config, OidcConfig):
        return config
    return OidcConfig(
        client_id=config.client_id,
        client_secret=config.client_secret,
        issuer=GOOGLE_ISSUER,
        scope=config.scope,
        trust_unverified_email=config.trust_unverified_email,
    )


class IdentityProviders:
    """Asks identity providers, and remembers their answers for a while.

    `backchannel` is for what has to do with one sign-in, `threads` for what computes.
    """

    def __init__(self, outbound: Outbound, clock: Callable[[], int]) -> None:
        self.backchannel = Backchannel(outbound, clock)
        self.threads = trio.CapacityLimiter(SAML_THREADS)
        self._outbound = outbound
        self._clock = clock
        self._kept: dict[str, _Known] = {}

    async def oidc(self, issuer: str, *, fresh: bool = False) -> OidcMetadata:
        """The metadata of an OpenID provider. Raises ProviderError.

        `fresh`: ask, whatever is remembered.
        """
        url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"

        async def fetch() -> OidcMetadata:
            return read_discovery(await self._get(url, "invalid_config"), issuer)

        return await self._remembered(url, fetch, fresh=fresh)

    async def saml(self, config: SamlConfig, *, fresh: bool = False) -> SamlMetadata:
        """The metadata of a SAML identity provider. Raises ProviderError."""
        match config:
            case SamlMetadataUrl(metadata_url=url):

                async def fetch() -> SamlMetadata:
                    return read_saml_metadata(await self._get(url, "invalid_metadata"))

                return await self._remembered(url, fetch, fresh=fresh)
            case SamlMetadataText():
                return read_saml_metadata(config.metadata.encode())
            case SamlManual():
                return SamlMetadata(
                    config.entity_id,
                    config.sign_in_endpoint,
                    (_certificate(config.x509_certificate),),
                )
        raise ProviderError("invalid_config", "The configuration has no metadata.")

    async def _get(self, url: str, code: str) -> bytes:
        try:
            answer = await self._outbound.get(url, {"accept": "*/*"}, limit=MAX_DOCUMENT)
        except OutboundError as error:
            raise ProviderError(code, f"The identity provider does not answer: {error}.") from None
        if not answer.succeeded:
            raise ProviderError(code, f"The identity provider answers {answer.status}.")
        return answer.body

    async def _remembered(self, key: str, fetch: Callable[[], Awaitable[T]], *, fresh: bool) -> T:
        """What is known under a key, or what `fetch` finds. Raises ProviderError.

        A provider that does not answer is not asked again at once, whoever comes; what it said
        before is believed for a day more.
        """
        now = self._clock()
        known = self._kept.get(key)
        if known is None or fresh or now >= known.ask_again_at:
            known = await self._asked(known, fetch, now)
            self._kept.pop(key, None)
            while len(self._kept) >= MAX_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = known
        if known.failure is not None and (fresh or now >= known.good_until):
            raise known.failure
        value: T = known.value
        return value

    @staticmethod
    async def _asked(
        known: _Known | None, fetch: Callable[[], Awaitable[object]], now: int
    ) -> _Known:
        try:
            return _Known(now + KEPT_MS, now + STALE_MS, await fetch())
        except ProviderError as failure:
            if known is None:
                return _Known(now + RETRY_MS, 0, None, failure)
            return replace(known, ask_again_at=now + RETRY_MS, failure=failure)


def read_discovery(body: bytes, issuer: str) -> OidcMetadata:
    """The metadata that an OpenID provider answered. Raises ProviderError.

    It has to be about this issuer (OpenID Connect Discovery §4.3); Microsoft's, which speaks for
    many tenants, has a placeholder there that the ID token fills.
    """
    try:
        metadata = msgspec.json.decode(body, type=OidcMetadata)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ProviderError("invalid_config", "This is no OpenID provider's metadata.") from None
    if metadata.issuer.rstrip("/") != issuer.rstrip("/") and "{tenantid}" not in metadata.issuer:
        raise ProviderError("invalid_config", "The metadata is of another issuer.")
    endpoints = (
        metadata.authorization_endpoint,
        metadata.token_endpoint,
        metadata.jwks_uri,
        *((metadata.userinfo_endpoint,) if metadata.userinfo_endpoint is not None else ()),
    )
    if not all(is_web_url(url) for url in endpoints):
        raise ProviderError("invalid_config", "An endpoint of the provider is no web address.")
    return metadata


def read_saml_metadata(body: bytes) -> SamlMetadata:
    """The first identity provider of a metadata document (SAML 2.0 Metadata §2.4.3).

    Document types and entities are refused. Raises ProviderError.
    """
    try:
        document = Xml.to_etree(body)
        (entity, *_) = Xml.query(document, "//md:EntityDescriptor[md:IDPSSODescriptor]")
        (idp, *_) = Xml.query(entity, "./md:IDPSSODescriptor")
        (endpoint, *_) = Xml.query(
            idp, f"./md:SingleSignOnService[@Binding='{Saml.BINDING_HTTP_REDIRECT}']"
        )
    except Exception:
        # lxml, its guard and an unpacking that fails have no error in common.
        raise ProviderError(
            "invalid_metadata", "This is no metadata of an identity provider with redirects."
        ) from None
    entity_id, location = entity.get("entityID") or "", endpoint.get("Location") or ""
    if not entity_id or not is_web_url(location):
        raise ProviderError("invalid_metadata", "The metadata lacks an entity id or an endpoint.")
    nodes = Xml.query(
        idp,
        "./md:KeyDescriptor[not(@use='encryption')]/ds:KeyInfo/ds:X509Data/ds:X509Certificate",
    )
    found = tuple(dict.fromkeys(_certificate(Xml.element_text(node) or "") for node in nodes))
    if not found or len(found) > MAX_CERTIFICATES:
        raise ProviderError("invalid_certificate", "The metadata has no certificate, or too many.")
    return SamlMetadata(entity_id, location, found)


def _certificate(text: str) -> str:
    try:
        return certificates.pem(certificates.read_certificate(text))
    except ValueError:
        raise ProviderError("invalid_certificate", "The certificate cannot be read.") from None
