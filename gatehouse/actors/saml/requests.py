"""Reading an AuthnRequest: what a service provider asks, by either binding.

A request asks for nothing that is secret, so it may be unsigned (core 3.4.1.1); the answer goes to
the registered address whatever it says. But one that is signed is checked against the service
provider's certificate, if there is one, and refused if it does not fit.
"""

from __future__ import annotations

import re
import zlib
from base64 import b64decode
from binascii import Error as Base64Error
from dataclasses import dataclass
from urllib.parse import unquote_plus

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from lxml import etree

from gatehouse.actors.saml.signing import is_signed_by
from gatehouse.actors.saml.xml import (
    ASSERTION,
    MAX_DOCUMENT_BYTES,
    PROTOCOL,
    SIGNATURE,
    NotXml,
    read_document,
    text_of,
)

POST_BINDING = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
REDIRECT_BINDING = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
MAX_ENCODED = 96 * 1024
"""Characters of an encoded request: a whole document in base64."""

_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,127}")
"""An identifier (core 1.3.4, an NCName)."""
_TRUE = ("true", "1")
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
_ALGORITHM = re.compile(
    r"http://www\.w3\.org/2001/04/xmldsig-more#(rsa|ecdsa)-(sha256|sha384|sha512)"
)


class BadRequest(Exception):  # noqa: N818 - named for what came
    """No AuthnRequest that can be answered. `problem` is a fixed sentence for developers."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class AuthnRequest:
    """What a service provider asks (core 3.4.1).

    `force_authn`: who is signed in has to prove it anew; `is_passive`: nobody may be asked.
    """

    id: str
    issuer: str
    destination: str | None = None
    acs_url: str | None = None
    protocol_binding: str | None = None
    force_authn: bool = False
    is_passive: bool = False


def read_redirect(query: bytes, certificate: str | None) -> AuthnRequest:
    """The request in a query string (bindings 3.4.4). Raises `BadRequest`."""
    fields = _raw_fields(query)
    compressed = _decoded(unquote_plus(fields.get("SAMLRequest", "")))
    root = _root(_inflated(compressed))
    if "Signature" in fields and certificate is not None:
        _check_query_signature(fields, certificate)
    return _request(root)


def read_post(encoded: str, certificate: str | None) -> AuthnRequest:
    """The request in a form's field (bindings 3.5.4). Raises `BadRequest`."""
    root = _root(_decoded(encoded))
    signed = root.find(f".//{{{SIGNATURE}}}Signature") is not None
    if signed and certificate is not None and not is_signed_by(root, certificate):
        raise BadRequest("the signature does not fit")
    return _request(root)


def _request(root: etree._Element) -> AuthnRequest:
    if root.tag != f"{{{PROTOCOL}}}AuthnRequest" or root.get("Version") != "2.0":
        raise BadRequest("this is no AuthnRequest of SAML 2.0")
    id_ = root.get("ID", "")
    if not _ID.fullmatch(id_):
        raise BadRequest("the request has no ID")
    issuer = text_of(root, f"{{{ASSERTION}}}Issuer")
    if not issuer:
        raise BadRequest("the request has no Issuer")
    return AuthnRequest(
        id=id_,
        issuer=issuer,
        destination=root.get("Destination"),
        acs_url=root.get("AssertionConsumerServiceURL"),
        protocol_binding=root.get("ProtocolBinding"),
        force_authn=root.get("ForceAuthn") in _TRUE,
        is_passive=root.get("IsPassive") in _TRUE,
    )


def _root(document: bytes) -> etree._Element:
    try:
        return read_document(document)
    except NotXml:
        raise BadRequest("the request is not well-formed") from None


def _decoded(encoded: str) -> bytes:
    if len(encoded) > MAX_ENCODED:
        raise BadRequest("the request is too large")
    try:
        return b64decode("".join(encoded.split()), validate=True)
    except (Base64Error, ValueError):
        raise BadRequest("the request is not in base64") from None


def _inflated(compressed: bytes) -> bytes:
    """Inflate (RFC 1951) no further than a document may be long."""
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        document = inflate.decompress(compressed, MAX_DOCUMENT_BYTES + 1)
    except zlib.error:
        raise BadRequest("the request is not deflated") from None
    if len(document) > MAX_DOCUMENT_BYTES or not inflate.eof:
        raise BadRequest("the request is too large")
    return document


def _raw_fields(query: bytes) -> dict[str, str]:
    """The query's fields as they were written: that is what was signed."""
    fields: dict[str, str] = {}
    for part in query.decode("latin-1").split("&"):
        name, _, value = part.partition("=")
        if name in fields:
            raise BadRequest("a field is repeated")
        fields[name] = value
    return fields


def _check_query_signature(fields: dict[str, str], certificate: str) -> None:
    """Bindings 3.4.4.1."""
    algorithm = _ALGORITHM.fullmatch(unquote_plus(fields.get("SigAlg", "")))
    if algorithm is None:
        raise BadRequest("the signature's algorithm is not known or too weak")
    kind, digest = algorithm.groups()
    names = [name for name in ("SAMLRequest", "RelayState", "SigAlg") if name in fields]
    signed = "&".join(f"{name}={fields[name]}" for name in names).encode("latin-1")
    signature = _decoded(unquote_plus(fields["Signature"]))
    try:
        key = x509.load_pem_x509_certificate(certificate.encode()).public_key()
        if kind == "rsa" and isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, signed, padding.PKCS1v15(), _HASHES[digest])
        elif kind == "ecdsa" and isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, signed, ec.ECDSA(_HASHES[digest]))
        else:
            raise BadRequest("the signature does not fit")
    except (InvalidSignature, ValueError):
        raise BadRequest("the signature does not fit") from None
