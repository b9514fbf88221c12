"""Assertions that are encrypted for us are read, and nothing is followed that they lead to.

Whoever encrypts may be anybody: our certificate is in our metadata. Only the signature inside says
whose the assertion is, and it is seen after decrypting.
"""

from __future__ import annotations

import copy
import dataclasses
from pathlib import Path

import pytest
from lxml import etree
from saml2.sigver import pre_encryption_part

from gatehouse.actors.sso.configs import SamlMetadataText
from gatehouse.actors.sso.identity_providers import read_saml_metadata
from gatehouse.actors.sso.saml import KeyPair, ServiceProvider
from tests.actors.test_sso_saml import DS, Bend, check, find, refuses, respond
from tests.servers.saml_identity_provider import (
    SAML,
    SamlIdentityProvider,
    bent,
    encrypt_element,
    new_key,
)

XENC = "{http://www.w3.org/2001/04/xmlenc#}"
AES = "http://www.w3.org/2001/04/xmlenc#aes256-cbc"
OAEP = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"
KEY = new_key()


@pytest.fixture(scope="module")
def us(company: SamlIdentityProvider) -> ServiceProvider:
    """We, with a key that assertions can be encrypted for."""
    metadata = company.metadata()
    return ServiceProvider(
        "https://sp.example/enterprise-sso/corp",
        "https://sp.example/api/authn/single-sign-on/saml/corp",
        SamlMetadataText(metadata=metadata),
        read_saml_metadata(metadata.encode()),
        KeyPair(KEY.private_key, KEY.certificate),
        (KEY.private_key,),
    )


@pytest.fixture(scope="module")
def response(company: SamlIdentityProvider, us: ServiceProvider) -> str:
    return respond(company, us)


@pytest.mark.parametrize("whole", [False, True], ids=["assertion", "response too"])
def test_an_assertion_that_is_encrypted_for_us_is_read(
    company: SamlIdentityProvider, us: ServiceProvider, whole: bool
) -> None:
    xml = respond(company, us, sp_metadata=us.own_metadata(), sign_response=whole)
    assert "EncryptedAssertion" in xml
    assert "anna@corp" not in xml
    assertion = check(us, xml)
    assert (assertion.name_id, assertion.attributes["email"]) == ("anna@corp", "anna@corp.example")
    refuses(us, xml, "another request")
    refuses(dataclasses.replace(us, decryption_keys=()), xml)
    stranger = new_key().private_key
    refuses(dataclasses.replace(us, decryption_keys=(stranger,)), xml)
    rotated = dataclasses.replace(us, decryption_keys=(stranger, *us.decryption_keys))
    assert check(rotated, xml).name_id == "anna@corp"


def _encrypted(
    xml: str,
    path: str = "//saml:Assertion",
    data: str = AES,
    wrap: str = OAEP,
    kind: str = "aes-256",
) -> etree._Element:
    """The response with an EncryptedAssertion instead of what is at this path."""
    root = etree.fromstring(xml.encode())
    element = find(root, path)
    holder = etree.Element(f"{{{SAML}}}EncryptedAssertion")
    element.getparent().replace(element, holder)
    holder.append(element)
    template = str(pre_encryption_part(msg_enc=data, key_enc=wrap))
    encrypt_element(element, etree.fromstring(template.encode()), KEY.certificate, kind)
    return root


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (AES, "aes-256"),
        ("http://www.w3.org/2009/xmlenc11#aes256-gcm", "aes-256"),
        ("http://www.w3.org/2001/04/xmlenc#aes128-cbc", "aes-128"),
    ],
)
def test_assertions_are_decrypted_by_the_usual_algorithms(
    response: str, us: ServiceProvider, data: str, kind: str
) -> None:
    xml = etree.tostring(_encrypted(response, data=data, kind=kind)).decode()
    assert check(us, xml).name_id == "anna@corp"


def test_a_key_may_be_named_by_the_serial_number_of_its_certificate(
    response: str, us: ServiceProvider
) -> None:
    """As Microsoft does."""
    root = _encrypted(response)
    info = etree.Element(f"{DS}KeyInfo")
    serial = etree.SubElement(etree.SubElement(info, f"{DS}X509Data"), f"{DS}X509IssuerSerial")
    etree.SubElement(serial, f"{DS}X509IssuerName").text = "CN=idp.example.com"
    etree.SubElement(serial, f"{DS}X509SerialNumber").text = "12345"
    find(root, "//xenc:EncryptedKey").insert(1, info)
    assert check(us, etree.tostring(root).decode()).name_id == "anna@corp"


def test_prefixes_and_white_space_of_the_response_do_not_matter(
    response: str, us: ServiceProvider
) -> None:
    xml = etree.tostring(_encrypted(response)).decode()
    protocol = 'xmlns="urn:oasis:names:tc:SAML:2.0:protocol"'
    xml = xml.replace("ns0:Response", "Response").replace("ns0:Status", "Status")
    xml = xml.replace(protocol.replace("xmlns", "xmlns:ns0"), protocol)
    xml = xml.replace("<ns1:EncryptedAssertion>", "\n <ns1:EncryptedAssertion>\n  ")
    assert xml.startswith("<Response")
    assert check(us, xml).name_id == "anna@corp"


def test_a_key_that_is_wrapped_by_pkcs1_is_not_tried(response: str, us: ServiceProvider) -> None:
    """Whoever could try would sign as we do in the end (Bleichenbacher 1998)."""
    wrap = "http://www.w3.org/2001/04/xmlenc#rsa-1_5"
    refuses(us, etree.tostring(_encrypted(response, wrap=wrap)).decode())


def test_what_a_stranger_encrypted_for_us_is_refused(
    company: SamlIdentityProvider,
    us: ServiceProvider,
    response: str,
) -> None:
    """Anybody can encrypt: our certificate is in our metadata."""
    unsigned = respond(company, us, sign_assertion=False)
    forged = respond(SamlIdentityProvider(key=new_key()), us)
    for xml in (unsigned, forged):
        refuses(us, etree.tostring(_encrypted(xml)).decode())
    beside = _encrypted(unsigned)
    beside.append(find(etree.fromstring(response.encode()), "//saml:Assertion"))
    refuses(us, etree.tostring(beside).decode())
    twice = _encrypted(response)
    twice.append(copy.deepcopy(find(twice, "saml:EncryptedAssertion")))
    refuses(us, etree.tostring(twice).decode())
    changed = response.replace("anna@", "boss@")
    refuses(us, etree.tostring(_encrypted(changed)).decode())
    refuses(us, etree.tostring(_encrypted(response, "/samlp:Response/saml:Issuer")).decode())


def _elsewhere(root: etree._Element) -> None:
    value = find(root, "//saml:EncryptedAssertion/xenc:EncryptedData/xenc:CipherData")
    value[:] = [etree.Element(f"{XENC}CipherReference", URI=Path(__file__).as_uri())]


def _retrieved(root: etree._Element) -> None:
    info = find(root, "//saml:EncryptedAssertion/xenc:EncryptedData/ds:KeyInfo")
    etree.SubElement(info, f"{DS}RetrievalMethod", URI=Path(__file__).as_uri())


def _two_keys(root: etree._Element) -> None:
    info = find(root, "//saml:EncryptedAssertion/xenc:EncryptedData/ds:KeyInfo")
    info.append(copy.deepcopy(info[0]))


def _key_outside(root: etree._Element) -> None:
    holder = find(root, "//saml:EncryptedAssertion")
    holder.append(find(holder, ".//xenc:EncryptedKey"))


def _no_method(root: etree._Element) -> None:
    data = find(root, "//saml:EncryptedAssertion/xenc:EncryptedData")
    data.remove(find(data, "xenc:EncryptionMethod"))


def _content(root: etree._Element) -> None:
    data = find(root, "//saml:EncryptedAssertion/xenc:EncryptedData")
    data.set("Type", "http://www.w3.org/2001/04/xmlenc#Content")


@pytest.mark.parametrize(
    "bend", [_elsewhere, _retrieved, _two_keys, _key_outside, _no_method, _content]
)
def test_an_encrypted_assertion_that_is_not_plain_is_not_followed(
    response: str, us: ServiceProvider, bend: Bend
) -> None:
    root = _encrypted(response)
    assert check(us, etree.tostring(root).decode())
    bend(root)
    refuses(us, etree.tostring(root).decode())


def test_a_name_that_is_encrypted_by_itself_is_not_read(
    company: SamlIdentityProvider, us: ServiceProvider, response: str
) -> None:
    def bend(root: etree._Element) -> None:
        name = find(root, "//saml:NameID")
        holder = etree.Element(f"{{{SAML}}}EncryptedID")
        name.getparent().replace(name, holder)
        holder.append(name)
        template = str(pre_encryption_part(msg_enc=AES, key_enc=OAEP))
        encrypt_element(name, etree.fromstring(template.encode()), KEY.certificate, "aes-256")

    refuses(us, bent(response, company.key, bend))


def test_our_metadata_say_what_to_encrypt_for(us: ServiceProvider) -> None:
    names = {"md": "urn:oasis:names:tc:SAML:2.0:metadata"}
    root = etree.fromstring(us.own_metadata().encode())
    assert root.xpath("//md:KeyDescriptor/@use", namespaces=names) == ["signing", "encryption"]
    assert KEY.certificate.splitlines()[1] in us.own_metadata()
    bare = dataclasses.replace(us, signing_key=None, decryption_keys=())
    assert "KeyDescriptor" not in bare.own_metadata()
    assert "PRIVATE" not in us.own_metadata() + repr(us)
