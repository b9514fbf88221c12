"""A SAML identity provider for tests: pysaml2 makes the messages, python-xmlsec signs them.

pysaml2 usually runs the program xmlsec1. Here the same library is called in the process, so that
nothing has to be installed that PyPI does not have.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import xmlsec
from lxml import etree
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.config import IdPConfig
from saml2.saml import NAMEID_FORMAT_PERSISTENT, NameID
from saml2.server import Server
from saml2.sigver import ASSERT_XPATH, CryptoBackend, SecurityContext

from gatehouse.actors.certificates import SelfSigned, self_signed

DAYS = 30
SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
DS = "http://www.w3.org/2000/09/xmldsig#"
NS = {"saml": SAML, "samlp": SAMLP, "ds": DS, "xenc": "http://www.w3.org/2001/04/xmlenc#"}


def new_key() -> SelfSigned:
    """A key of an identity provider."""
    return self_signed("idp.example.com", int(datetime.now(UTC).timestamp() * 1000), DAYS)


def sign_element(xml: bytes | str, element_id: str, key: SelfSigned) -> str:
    """Fill the signature template of the element with this ID."""
    root = etree.fromstring(xml.encode() if isinstance(xml, str) else xml)
    for element in root.iter():
        if isinstance(element.tag, str) and "ID" in element.attrib:
            xmlsec.tree.add_ids(element, ["ID"])
    (signature,) = root.xpath(
        f"//ds:Signature[ds:SignedInfo/ds:Reference/@URI='#{element_id}']", namespaces=NS
    )
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(key.private_key, xmlsec.KeyFormat.PEM)
    context.sign(signature)
    return etree.tostring(root).decode()


def encrypt_element(
    element: etree._Element, template: etree._Element, certificate: str, key_type: str
) -> None:
    """Put what a template of XML Encryption says in the element's place."""
    kind = {"des": xmlsec.KeyData.DES, "aes": xmlsec.KeyData.AES}[key_type.partition("-")[0]]
    manager = xmlsec.KeysManager()
    manager.add_key(xmlsec.Key.from_memory(certificate, xmlsec.KeyFormat.CERT_PEM))
    context = xmlsec.EncryptionContext(manager)
    bits = int(key_type.partition("-")[2])
    context.key = xmlsec.Key.generate(kind, bits, xmlsec.KeyDataType.SESSION)
    element.getparent().append(template)
    context.encrypt_xml(template, element)


class InProcess(CryptoBackend):
    """Signs as pysaml2 asks, without a program of its own."""

    def __init__(self, key: SelfSigned) -> None:
        super().__init__()
        self.key = key

    def version(self) -> str:
        return xmlsec.__version__

    def sign_statement(
        self, statement: str, node_name: str, key_file: str, node_id: str, *_: Any
    ) -> str:
        return sign_element(statement, node_id, self.key)

    def encrypt_assertion(
        self,
        statement: Any,
        enc_key: str,
        template: Any,
        key_type: str = "des-192",
        node_xpath: str | None = None,
        node_id: str | None = None,
    ) -> str:
        root = etree.fromstring(str(statement).encode())
        (assertion,) = root.xpath(node_xpath or ASSERT_XPATH)
        certificate = Path(enc_key).read_text()
        encrypt_element(assertion, etree.fromstring(str(template).encode()), certificate, key_type)
        return etree.tostring(root).decode()


@dataclass
class SamlIdentityProvider:
    """The identity provider of a company. What it says can be bent for every answer."""

    entity_id: str = "https://idp.example.com/metadata"
    sign_in_endpoint: str = "https://idp.example.com/sso"
    key: SelfSigned = field(default_factory=new_key)

    def __post_init__(self) -> None:
        self._server: Server | None = None
        self._known: tuple[str, str | None] | None = None

    def metadata(self) -> str:
        """What it publishes of itself."""
        certificate = "".join(self.key.certificate.splitlines()[1:-1])
        return (
            f'<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" '
            f'entityID="{self.entity_id}"><md:IDPSSODescriptor '
            f'protocolSupportEnumeration="{SAMLP}"><md:KeyDescriptor use="signing">'
            f'<ds:KeyInfo xmlns:ds="{DS}"><ds:X509Data><ds:X509Certificate>{certificate}'
            f"</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
            f'<md:SingleSignOnService Binding="{BINDING_HTTP_REDIRECT}" '
            f'Location="{self.sign_in_endpoint}"/></md:IDPSSODescriptor></md:EntityDescriptor>'
        )

    def server(self, sp_entity_id: str, acs_url: str, sp_metadata: str | None) -> Server:
        """pysaml2's identity provider, which knows this service provider."""
        if self._server is None or self._known != (acs_url, sp_metadata):
            sp = sp_metadata or (
                f'<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" '
                f'entityID="{sp_entity_id}"><md:SPSSODescriptor '
                f'protocolSupportEnumeration="{SAMLP}"><md:AssertionConsumerService index="0" '
                f'Binding="{BINDING_HTTP_POST}" Location="{acs_url}"/></md:SPSSODescriptor>'
                f"</md:EntityDescriptor>"
            )
            config = IdPConfig()
            config.load(
                {
                    "entityid": self.entity_id,
                    "service": {
                        "idp": {
                            "endpoints": {
                                "single_sign_on_service": [
                                    (self.sign_in_endpoint, BINDING_HTTP_REDIRECT)
                                ]
                            },
                            "policy": {"default": {"lifetime": {"minutes": 5}}},
                        }
                    },
                    "metadata": {"inline": [sp]},
                    "xmlsec_binary": "/bin/true",
                }
            )
            self._server = Server(config=config)
            self._server.sec = SecurityContext(
                InProcess(self.key), key_file="unused", cert_file="", metadata=self._server.metadata
            )
            self._server.sec.my_cert = "".join(self.key.certificate.splitlines()[1:-1])
            self._known = (acs_url, sp_metadata)
        return self._server

    def request(self, url: str) -> tuple[etree._Element, str]:
        """The AuthnRequest and the RelayState that a browser brings."""
        query = parse_qs(urlsplit(url).query)
        text = zlib.decompress(base64.b64decode(query["SAMLRequest"][0]), -15)
        return etree.fromstring(text), query["RelayState"][0]

    def answer(
        self,
        url: str,
        name: str = "anna@corp",
        attributes: dict[str, str] | None = None,
        **bent: Any,
    ) -> dict[str, str]:
        """The form that the browser posts for the request in `url`."""
        request, relay_state = self.request(url)
        (issuer,) = request.xpath("saml:Issuer/text()", namespaces=NS)
        response = self.respond(
            sp_entity_id=issuer,
            acs_url=request.get("AssertionConsumerServiceURL"),
            in_response_to=request.get("ID"),
            name=name,
            attributes=attributes,
            **bent,
        )
        return post_form(response, relay_state)

    def respond(
        self,
        *,
        sp_entity_id: str,
        acs_url: str,
        in_response_to: str | None,
        name: str = "anna@corp",
        attributes: dict[str, str] | None = None,
        sign_response: bool = False,
        sign_assertion: bool = True,
        sp_metadata: str | None = None,
    ) -> str:
        """A response of pysaml2 as XML; encrypted, if the metadata of the other side say so."""
        server = self.server(sp_entity_id, acs_url, sp_metadata)
        return str(
            server.create_authn_response(
                identity=attributes or {"email": "anna@corp.example", "name": "Anna"},
                in_response_to=in_response_to,
                destination=acs_url,
                sp_entity_id=sp_entity_id,
                name_id=NameID(format=NAMEID_FORMAT_PERSISTENT, text=name),
                authn={"class_ref": "urn:oasis:names:tc:SAML:2.0:ac:classes:Password"},
                sign_response=sign_response,
                sign_assertion=sign_assertion,
                encrypt_assertion=sp_metadata is not None,
                sign_alg="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
                digest_alg="http://www.w3.org/2001/04/xmlenc#sha256",
            )
        )


def post_form(response: str, relay_state: str | None = None) -> dict[str, str]:
    """What a browser posts to the assertion consumer service (SAML 2.0 Bindings §3.5.4)."""
    form = {"SAMLResponse": base64.b64encode(response.encode()).decode()}
    return form if relay_state is None else form | {"RelayState": relay_state}


def bent(response: str, key: SelfSigned, bend: Callable[[etree._Element], None]) -> str:
    """The response after `bend` changed it, with the assertion signed anew."""
    root = etree.fromstring(response.encode())
    for signature in root.xpath("//ds:Signature", namespaces=NS):
        signature.getparent().remove(signature)
    bend(root)
    (assertion,) = root.xpath("//saml:Assertion", namespaces=NS)
    return signed(root, assertion, key)


def signed(
    root: etree._Element,
    element: etree._Element,
    key: SelfSigned,
    method: Any = xmlsec.constants.TransformRsaSha256,
    digest: Any = xmlsec.constants.TransformSha256,
    bend: Callable[[etree._Element], None] = lambda signature: None,
) -> str:
    """The document with this element signed (SAML 2.0 Core §5.4), `bend` changing what is."""
    template = xmlsec.template.create(root, xmlsec.constants.TransformExclC14N, method)
    issuer = element.find("saml:Issuer", NS)
    issuer.addnext(template)
    reference = xmlsec.template.add_reference(template, digest, uri=f"#{element.get('ID')}")
    xmlsec.template.add_transform(reference, xmlsec.constants.TransformEnveloped)
    xmlsec.template.add_transform(reference, xmlsec.constants.TransformExclC14N)
    bend(template)
    return sign_element(etree.tostring(root), element.get("ID"), key)
