"""Reading XML of strangers, and the names that SAML uses.

A document is small, has no document type and no entities, and is read without ever opening a file
or an address. Whatever else comes is not XML to us.
"""

from __future__ import annotations

from lxml import etree

PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"
ASSERTION = "urn:oasis:names:tc:SAML:2.0:assertion"
METADATA = "urn:oasis:names:tc:SAML:2.0:metadata"
SIGNATURE = "http://www.w3.org/2000/09/xmldsig#"

MAX_DOCUMENT_BYTES = 64 * 1024
"""An AuthnRequest has about one kilobyte; one with a certificate has four."""

MAX_DEPTH = 32
"""Elements within elements."""

_TOO_DEEP = etree.XPath(f"boolean({'/*' * (MAX_DEPTH + 2)})")


class NotXml(Exception):  # noqa: N818 - named for what came
    """What came is not an XML document that is read here."""


def read_document(raw: bytes) -> etree._Element:
    """The root element. Raises `NotXml`."""
    if not raw or len(raw) > MAX_DOCUMENT_BYTES:
        raise NotXml
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(raw, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise NotXml from None
    document = root.getroottree().docinfo
    if document.doctype or document.internalDTD is not None:
        raise NotXml
    if _TOO_DEEP(root):
        raise NotXml
    return root


def text_of(element: etree._Element, path: str) -> str | None:
    """The text of the one child element at `path` (`{namespace}Name`), if it is there."""
    found = element.findall(path)
    if len(found) != 1:
        return None
    return "".join(found[0].itertext()).strip()


def write_document(root: etree._Element) -> bytes:
    """The document as it is sent."""
    return bytes(etree.tostring(root))
