"""Encrypted assertions (XML Encryption 1.1, core 6) by libxmlsec: written for others, read for us.

What is read comes from strangers and is decrypted before any signature has been looked at. So it
may say nothing that would have the library fetch something, and only use algorithms that tell
nothing of our key to who tries: RSA with OAEP, never PKCS #1 1.5.

This takes milliseconds of processor time: call these in a thread.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Any

import xmlsec
from lxml import etree

from gatehouse.actors.saml.xml import ASSERTION, SIGNATURE

ENCRYPTION = "http://www.w3.org/2001/04/xmlenc#"
_ENCRYPTION_11 = "http://www.w3.org/2009/xmlenc11#"
_ELEMENT = f"{ENCRYPTION}Element"

_DATA_METHODS = frozenset(
    {f"{ENCRYPTION}aes{bits}-cbc" for bits in (128, 192, 256)}
    | {f"{_ENCRYPTION_11}aes{bits}-gcm" for bits in (128, 192, 256)}
    | {f"{ENCRYPTION}tripledes-cbc"}  # what pysaml2 uses
)
_KEY_METHODS = frozenset({f"{ENCRYPTION}rsa-oaep-mgf1p", f"{_ENCRYPTION_11}rsa-oaep"})

_READ = frozenset(
    {
        *(
            f"{{{ENCRYPTION}}}{name}"
            for name in (
                *("EncryptedData", "EncryptedKey", "EncryptionMethod", "CipherData"),
                *("CipherValue", "OAEPparams", "ReferenceList", "DataReference"),
            )
        ),
        *(
            f"{{{SIGNATURE}}}{name}"
            for name in (
                *("KeyInfo", "KeyName", "DigestMethod", "X509Data", "X509Certificate"),
                *("X509IssuerSerial", "X509IssuerName", "X509SerialNumber", "X509SKI"),
                "X509SubjectName",
            )
        ),
        f"{{{_ENCRYPTION_11}}}MGF",
    }
)
"""What may stand in an encrypted assertion: nothing that refers to something elsewhere."""

_constants: Any = xmlsec.constants


def encrypt(assertion: etree._Element, certificate: str) -> None:
    """Put an EncryptedAssertion in the assertion's place, for who has the certificate's key.

    Raises ValueError for a certificate that cannot encrypt.
    """
    parent = assertion.getparent()
    if parent is None:
        raise ValueError("an assertion stands in a response")
    holder = etree.SubElement(parent, f"{{{ASSERTION}}}EncryptedAssertion")
    parent.replace(assertion, holder)
    holder.append(assertion)
    template = xmlsec.template.encrypted_data_create(
        holder, _constants.TransformAes256Cbc, type=_constants.TypeEncElement, ns="xenc"
    )
    xmlsec.template.encrypted_data_ensure_cipher_value(template)
    info = xmlsec.template.encrypted_data_ensure_key_info(template, ns="ds")
    wrapped = xmlsec.template.add_encrypted_key(info, _constants.TransformRsaOaep)
    xmlsec.template.encrypted_data_ensure_cipher_value(wrapped)
    try:
        manager = xmlsec.KeysManager()
        manager.add_key(xmlsec.Key.from_memory(certificate, _constants.KeyDataFormatCertPem))
        context = xmlsec.EncryptionContext(manager)
        context.key = xmlsec.Key.generate(_constants.KeyDataAes, 256, _constants.KeyDataTypeSession)
        context.encrypt_xml(template, assertion)
    except xmlsec.Error:
        raise ValueError("the certificate cannot encrypt") from None


def decrypt(response: etree._Element, private_keys: Iterable[str]) -> bytes:
    """The response with its assertion instead of what was encrypted for one of the keys (PEM).

    Raises ValueError if no key fits, or for anything else than one encrypted assertion.
    """
    (holder,) = response.findall(f"{{{ASSERTION}}}EncryptedAssertion")
    if not _is_plain(holder):
        raise ValueError("this is not encrypted as an assertion is")
    (data,) = holder
    data.set("Type", _ELEMENT)
    attempts = (_decrypted(data, private_key) for private_key in private_keys)
    assertion = next((plain for plain in attempts if plain is not None), None)
    if not isinstance(assertion, etree._Element) or assertion.tag != f"{{{ASSERTION}}}Assertion":
        raise ValueError("no key fits, or this is no assertion")
    # It is put in its place as text: lxml would give it the prefixes that the response has for its
    # namespaces, and its signature covers those that it came with.
    place = etree.Element(f"_{secrets.token_hex(16)}")
    text = etree.tostring(assertion, with_tail=False)
    response.replace(holder, place)
    return bytes(etree.tostring(response)).replace(f"<{place.tag}/>".encode(), text)


def _is_plain(holder: etree._Element) -> bool:
    """One EncryptedData whose key is beside it, by algorithms that are fit for use."""
    inside = [one for one in holder.iterdescendants() if isinstance(one.tag, str)]
    data = holder.findall(f"{{{ENCRYPTION}}}EncryptedData")
    keys = holder.findall(f".//{{{ENCRYPTION}}}EncryptedKey")
    within = f"{{{ENCRYPTION}}}EncryptedData/{{{SIGNATURE}}}KeyInfo/{{{ENCRYPTION}}}EncryptedKey"
    return (
        {one.tag for one in inside} <= _READ
        and len(holder) == len(data) == len(keys) == len(holder.findall(within)) == 1
        and data[0].get("Type", _ELEMENT) == _ELEMENT
        and _methods(data[0]) <= _DATA_METHODS
        and _methods(keys[0]) <= _KEY_METHODS
    )


def _methods(encrypted: etree._Element) -> set[str]:
    found = encrypted.findall(f"{{{ENCRYPTION}}}EncryptionMethod")
    return {one.get("Algorithm", "") for one in found} or {""}


def _decrypted(data: etree._Element, private_key: str) -> Any:
    """What is encrypted, now in the place of its cipher, or None if the key does not fit."""
    try:
        manager = xmlsec.KeysManager()
        manager.add_key(xmlsec.Key.from_memory(private_key, _constants.KeyDataFormatPem))
        return xmlsec.EncryptionContext(manager).decrypt(data)
    except xmlsec.Error:
        return None
