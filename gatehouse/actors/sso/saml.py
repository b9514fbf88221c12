"""Speaking SAML 2.0 as a service provider: requests by redirect, assertions by POST.

python3-saml parses and verifies; documents with a document type are refused before anything looks
at them, and only what a signature covers is read. Where the library takes what is missing for
granted (an audience, a recipient, the request that is answered), it is required here; and what a
signature or an encrypted assertion may be made of is looked at before libxmlsec follows it.

Everything in this file computes: it is called on threads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from msgspec import UNSET
from onelogin.saml2.auth import OneLogin_Saml2_Auth
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Saml
from onelogin.saml2.response import OneLogin_Saml2_Response
from onelogin.saml2.settings import OneLogin_Saml2_Settings
from onelogin.saml2.utils import OneLogin_Saml2_Utils
from onelogin.saml2.xml_utils import OneLogin_Saml2_XML

from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.saml.encryption import decrypt
from gatehouse.actors.saml.signing import is_plain
from gatehouse.actors.sso.configs import SamlConfig
from gatehouse.actors.sso.identity_providers import SamlMetadata

MAX_RESPONSE = 200_000
"""Characters of a response in base64; one with hundreds of groups has some ten thousands."""

MAX_LIFE_S = 24 * 60 * 60
"""How long an assertion may be good for: so long it is remembered that it was used."""

MAX_ID = 512
"""Characters of the ids in a response that are kept."""

DEFAULT_ALGORITHM = Saml.RSA_SHA256


def entity_id(public_url: str, connector_id: str) -> str:
    """Who we are to the identity provider of a connector."""
    return f"{public_url}/enterprise-sso/{connector_id}"


def assertion_consumer_url(public_url: str, connector_id: str) -> str:
    """Where the identity provider of a connector sends its assertions."""
    return f"{public_url}/api/authn/single-sign-on/saml/{connector_id}"


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A key of ours with its certificate, as PEM."""

    private_key: str
    certificate: str

    def __repr__(self) -> str:
        return "<KeyPair>"


@dataclass(frozen=True, slots=True)
class AuthnRequest:
    """A request that was made: its id, and where to send the browser with it."""

    id: str
    url: str


@dataclass(frozen=True, slots=True)
class Assertion:
    """What a verified assertion says. `expires_at` is in milliseconds since the epoch."""

    id: str
    name_id: str
    attributes: Mapping[str, str | list[str]]
    expires_at: int


@dataclass(frozen=True, slots=True)
class ServiceProvider:
    """We, as the identity provider of one connector knows us.

    `entity_id` is our name, which is the audience of assertions; `acs_url` where we receive them.
    `signing_key` is what requests are signed with, `decryption_keys` (PEM) what assertions may be
    encrypted for.
    """

    entity_id: str
    acs_url: str
    config: SamlConfig
    metadata: SamlMetadata
    signing_key: KeyPair | None = None
    decryption_keys: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<ServiceProvider {self.entity_id!r}>"

    def request(self, relay_state: str) -> AuthnRequest:
        """Ask who somebody is (SAML 2.0 Core §3.4, Bindings §3.4)."""
        auth = OneLogin_Saml2_Auth(self._received, old_settings=self._settings(telling=True))
        url = auth.login(return_to=relay_state)
        return AuthnRequest(auth.get_last_request_id(), url)

    def own_metadata(self) -> str:
        """What identity providers want to know of us (SAML 2.0 Metadata §2.4.4)."""
        text: bytes | str = self._settings(telling=True).get_sp_metadata()
        return text.decode() if isinstance(text, bytes) else text

    def verify(self, response: str, request_id: str | None) -> Assertion:
        """The assertion of a response that answers our request, or none if that is `None`.

        Raises `Refused(AUTHORIZATION_FAILED)` for whatever is wrong with it.
        """
        if len(response) > MAX_RESPONSE:
            raise Refused(Reason.AUTHORIZATION_FAILED)
        try:
            parsed = _Response(self, self._settings(), response)
            parsed.is_valid(self._received, request_id=request_id, raise_exceptions=True)
            return parsed.assertion(request_id)
        except Refused:
            raise
        except Exception:
            # The library, lxml and xmlsec have no error in common, and none may be repeated to
            # whoever sent the response.
            raise Refused(Reason.AUTHORIZATION_FAILED) from None

    @property
    def _received(self) -> dict[str, str]:
        """The request as the library wants it: where we are, not what a header says."""
        parts = urlsplit(self.acs_url)
        return {
            "https": "on" if parts.scheme == "https" else "off",
            "http_host": parts.netloc,
            "script_name": parts.path,
        }

    def _settings(self, *, telling: bool = False) -> OneLogin_Saml2_Settings:
        """What the library has to know.

        `telling`: it writes what we tell a provider, with our key and what we would like to have.
        """
        config, key = self.config, self.signing_key if telling else None
        algorithm = config.request_signature_algorithm
        sp: dict[str, Any] = {
            "entityId": self.entity_id,
            "assertionConsumerService": {"url": self.acs_url, "binding": Saml.BINDING_HTTP_POST},
            "NameIDFormat": Saml.NAMEID_UNSPECIFIED,
        }
        if key is not None:
            sp |= {"privateKey": key.private_key, "x509cert": key.certificate}
        return OneLogin_Saml2_Settings(
            {
                "strict": True,
                "debug": False,
                "sp": sp,
                "idp": {
                    "entityId": self.metadata.entity_id,
                    "singleSignOnService": {
                        "url": self.metadata.sign_in_endpoint,
                        "binding": Saml.BINDING_HTTP_REDIRECT,
                    },
                    "x509certMulti": {"signing": list(self.metadata.certificates)},
                },
                "security": {
                    # Metadata that an operator hands over as a file must not run out.
                    "metadataValidUntil": "",
                    "metadataCacheDuration": "",
                    "authnRequestsSigned": telling and config.signs_requests,
                    "signatureAlgorithm": DEFAULT_ALGORITHM if algorithm is UNSET else algorithm,
                    "requestedAuthnContext": False,
                    "wantAttributeStatement": False,
                    "rejectDeprecatedAlgorithm": True,
                    "wantAssertionsSigned": telling,
                    "wantAssertionsEncrypted": key is not None and bool(self.decryption_keys),
                    "allowRepeatAttributeName": True,
                    "failOnAuthnContextMismatch": False,
                },
            }
        )


class _Response(OneLogin_Saml2_Response):  # type: ignore[misc]
    """The library's response, with what it takes for granted."""

    def __init__(
        self, sp: ServiceProvider, settings: OneLogin_Saml2_Settings, response: str
    ) -> None:
        self._sp = sp
        super().__init__(settings, response)

    def _decrypt_assertion(self, xml: Any) -> Any:
        return OneLogin_Saml2_XML.to_etree(decrypt(xml, self._sp.decryption_keys))

    def process_signed_elements(self) -> Any:
        """The library's, for signatures that may be looked at."""
        if not all(is_plain(signature) for signature in self._query("//ds:Signature")):
            raise Refused(Reason.AUTHORIZATION_FAILED)
        return super().process_signed_elements()

    def assertion(self, request_id: str | None) -> Assertion:
        """What the verified assertion says, once it says everything that it has to.

        Raises `Refused(AUTHORIZATION_FAILED)` (SAML 2.0 Profiles §4.1.4.3).
        """
        sp, now = self._sp, OneLogin_Saml2_Utils.now()
        expires = self._confirmed_until(request_id)
        assertion_id, name_id = self.get_assertion_id(), self.get_nameid()
        checks = (
            sp.entity_id in self.get_audiences(),
            self.document.get("Destination") in (None, sp.acs_url),
            self.get_in_response_to() == request_id,
            self._issuer() == sp.metadata.entity_id,
            0 < len(assertion_id or "") <= MAX_ID,
            0 < len(name_id or "") <= MAX_ID,
            expires <= now + MAX_LIFE_S,
        )
        if not all(checks):
            raise Refused(Reason.AUTHORIZATION_FAILED)
        return Assertion(assertion_id, name_id, self._given(), expires * 1000)

    def _confirmed_until(self, request_id: str | None) -> int:
        """When the last confirmation ends that is made out to us, in seconds since the epoch."""
        now = OneLogin_Saml2_Utils.now()
        ends = [0]
        for data in self._query_assertion(
            f"/saml:Subject/saml:SubjectConfirmation[@Method='{Saml.CM_BEARER}']"
            "/saml:SubjectConfirmationData"
        ):
            until = data.get("NotOnOrAfter")
            if (
                until is not None
                and data.get("Recipient") == self._sp.acs_url
                and data.get("InResponseTo") == request_id
                and OneLogin_Saml2_Utils.parse_SAML_to_time(until) > now
            ):
                ends.append(int(OneLogin_Saml2_Utils.parse_SAML_to_time(until)))
        if not any(ends):
            raise Refused(Reason.AUTHORIZATION_FAILED)
        return max(ends)

    def _issuer(self) -> str | None:
        nodes = self._query_assertion("/saml:Issuer")
        return str(nodes[0].text).strip() if len(nodes) == 1 else None

    def _given(self) -> dict[str, str | list[str]]:
        """The attributes by name; one that only has a friendly name of ours is found by that."""
        given = {**self.get_friendlyname_attributes(), **self.get_attributes()}
        return {
            str(name): texts[0] if len(texts) == 1 else texts
            for name, values in given.items()
            if (texts := [str(value) for value in values if isinstance(value, str)])
        }


def user_info(config: SamlConfig, assertion: Assertion) -> dict[str, Any]:
    """What an assertion says of a person, by the connector's mapping; the rest as it is named."""
    raw: dict[str, Any] = {**assertion.attributes, "nameID": assertion.name_id}
    mapped: dict[str, Any] = {}
    for field in ("id", "email", "name"):
        value = raw.pop(config.mapping.attribute(field), None)
        if value is not None:
            mapped[field] = value[0] if isinstance(value, list) else value
    return {**raw, **mapped}
