"""Any identity provider that speaks SAML 2.0, as a social connector: Logto's older way to SAML.

Here the operator chooses our entity id and where assertions are received. The assertion arrives at
that address and not with the browser's answer, so that there is an exchange in between: see
`social_saml`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from msgspec import UNSET

from gatehouse.actors.connectors.factory import Factory, field
from gatehouse.actors.connectors.social.backchannel import Backchannel
from gatehouse.actors.connectors.social.oauth2 import ProfileMap
from gatehouse.actors.connectors.social.oauth_client import Handshake, TokenSet
from gatehouse.actors.connectors.social.provider import (
    Endpoint,
    Identified,
    OptionalText,
    SocialUser,
    Text,
    monogram,
    social_user,
)
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.sso.configs import MAX_METADATA, SamlMetadataText, SignatureAlgorithm
from gatehouse.actors.sso.identity_providers import ProviderError, read_saml_metadata
from gatehouse.actors.sso.saml import (
    DEFAULT_ALGORITHM,
    Assertion,
    KeyPair,
    ServiceProvider,
)

Pem = Annotated[str, msgspec.Meta(max_length=20_000)]


class SamlSocialConfig(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Who we are to the identity provider, and what it publishes of itself."""

    entity_id: Text = msgspec.field(name="entityID")
    x509_certificate: Pem = msgspec.field(name="x509Certificate")
    idp_metadata_xml: Annotated[str, msgspec.Meta(max_length=MAX_METADATA)]
    assertion_consumer_service_url: Endpoint
    sign_authn_request: bool = False
    request_signature_algorithm: SignatureAlgorithm = DEFAULT_ALGORITHM
    private_key: Pem | None = None
    private_key_pass: OptionalText | None = None
    encrypt_assertion: bool = False
    enc_private_key: Pem | None = None
    enc_private_key_pass: OptionalText | None = None
    authn_request_binding: Literal["HTTP-Redirect"] = "HTTP-Redirect"
    assertion_binding: Literal["HTTP-POST"] = "HTTP-POST"
    profile_map: ProfileMap = ProfileMap()

    def __post_init__(self) -> None:
        """Raises ValueError for what could not be used."""
        if self.sign_authn_request:
            self.signing_key()
        self.decryption_keys()
        try:
            read_saml_metadata(self.idp_metadata_xml.encode())
        except ProviderError as error:
            raise ValueError(str(error)) from None

    def __repr__(self) -> str:
        return f"<SamlSocialConfig of {self.entity_id!r}>"

    def signing_key(self) -> KeyPair:
        """What requests are signed with, no longer encrypted. Raises ValueError."""
        plain = _plain(self.private_key, self.private_key_pass)
        return KeyPair(plain, self.x509_certificate)

    def decryption_keys(self) -> tuple[str, ...]:
        """What assertions are encrypted for, if they are. Raises ValueError."""
        if not self.encrypt_assertion:
            return ()
        return (_plain(self.enc_private_key, self.enc_private_key_pass),)


def _plain(private_key: str | None, password: str | None) -> str:
    """A private key as PEM without a password. Raises ValueError."""
    try:
        key = serialization.load_pem_private_key(
            (private_key or "").encode(), password.encode() if password else None
        )
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("the private key cannot be read") from None
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


class SamlSocial:
    """SAML 2.0, Web Browser SSO Profile."""

    sessionless: ClassVar[bool] = False
    renews: ClassVar[bool] = False

    def __init__(self, config: SamlSocialConfig) -> None:
        self.config = config

    def service_provider(self) -> ServiceProvider:
        """We, as the identity provider knows us."""
        config = self.config
        return ServiceProvider(
            config.entity_id,
            config.assertion_consumer_service_url,
            SamlMetadataText(
                metadata="",
                sign_authn_request=config.sign_authn_request or UNSET,
                request_signature_algorithm=config.request_signature_algorithm,
            ),
            read_saml_metadata(config.idp_metadata_xml.encode()),
            config.signing_key() if config.sign_authn_request else None,
            config.decryption_keys(),
        )

    def user(self, assertion: Assertion) -> SocialUser:
        """Who the assertion is about, in the words that were set up. Raises `Refused`."""
        raw: dict[str, Any] = {"id": assertion.name_id, **assertion.attributes}
        names = self.config.profile_map
        told = {name: raw.get(getattr(names, name)) for name in ProfileMap.__struct_fields__}
        return social_user(told.pop("id"), raw=raw, **told)

    def authorization_uri(self, handshake: Handshake, scope: str | None = None) -> str:
        """There is none without an exchange that is kept. Raises `Refused`."""
        raise Refused(Reason.CONNECTOR_NEEDS_SESSION)

    async def identify(
        self, backchannel: Backchannel, handshake: Handshake, answer: Mapping[str, Any]
    ) -> Identified:
        """The browser's answer does not say. Raises `Refused`."""
        raise Refused(Reason.CONNECTOR_NEEDS_SESSION)

    async def refresh(self, backchannel: Backchannel, refresh_token: str) -> TokenSet:
        """SAML has no tokens. Raises `Refused`."""
        raise Refused(Reason.TOKEN_STORAGE_NOT_SUPPORTED)


FACTORY = Factory(
    "saml",
    "saml",
    None,
    "SAML",
    "Any identity provider that speaks SAML 2.0.",
    SamlSocialConfig,
    form=(
        field("entityID", "Our entity ID", required=True, placeholder="<sp-entity-id>"),
        field(
            "assertionConsumerServiceUrl",
            "Assertion consumer service URL",
            required=True,
            placeholder="https://<this server>/api/authn/saml/<connector-id>",
        ),
        field("x509Certificate", "Our certificate", "MultilineText", required=True),
        field("idpMetadataXml", "The provider's metadata", "MultilineText", required=True),
        field("signAuthnRequest", "Sign requests", "Switch", defaultValue=False),
        field("privateKey", "Private key", "MultilineText", isConfidential=True),
        field("privateKeyPass", "Password of the private key", isConfidential=True),
        field("encryptAssertion", "Read encrypted assertions", "Switch", defaultValue=False),
        field("encPrivateKey", "Decryption private key", "MultilineText", isConfidential=True),
        field("encPrivateKeyPass", "Password of the decryption key", isConfidential=True),
        field("profileMap", "Profile map", "Json", defaultValue={}),
    ),
    provider=SamlSocial,
    standard=True,
    logo=monogram("S", "#5b6472"),
)
