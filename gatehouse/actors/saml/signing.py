"""XML signatures (XML Signature 1.1) by libxmlsec.

Signing takes milliseconds of processor time: call these in a thread.
"""

from __future__ import annotations

from typing import Any

import xmlsec
from lxml import etree

from gatehouse.actors.saml.xml import ASSERTION, SIGNATURE

_STRONG = frozenset(
    f"http://www.w3.org/2001/04/xmldsig-more#{kind}-{digest}"
    for kind in ("rsa", "ecdsa")
    for digest in ("sha256", "sha384", "sha512")
)
_TRANSFORMS = frozenset(
    {
        "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
        "http://www.w3.org/2001/10/xml-exc-c14n#",
        "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
    }
)
_constants: Any = xmlsec.constants


def is_signed_by(root: etree._Element, certificate: str) -> bool:
    """Whether the document's own signature covers the whole of it, and this certificate made it.

    There is one signature, a child of the root, with one reference to the root and nothing that
    would transform what is signed: else something other than what is read could be what is signed.
    """
    signatures = root.findall(f".//{{{SIGNATURE}}}Signature")
    if len(signatures) != 1 or signatures[0].getparent() is not root:
        return False
    signature = signatures[0]
    references = signature.findall(f".//{{{SIGNATURE}}}Reference")
    method = signature.find(f"{{{SIGNATURE}}}SignedInfo/{{{SIGNATURE}}}SignatureMethod")
    transforms = signature.findall(f".//{{{SIGNATURE}}}Transform")
    if (
        len(references) != 1
        or references[0].get("URI") != f"#{root.get('ID')}"
        or method is None
        or method.get("Algorithm") not in _STRONG
        or not {one.get("Algorithm") for one in transforms} <= _TRANSFORMS
    ):
        return False
    named = root.xpath("//@ID[. = $id]", id=root.get("ID"))
    if len(named) != 1 or root.xpath("//@xml:id"):  # nothing else may answer to the name
        return False
    xmlsec.tree.add_ids(root, ["ID"])
    context = xmlsec.SignatureContext()
    try:
        context.key = xmlsec.Key.from_memory(certificate, _constants.KeyDataFormatCertPem)
        context.verify(signature)
    except xmlsec.Error:
        return False
    return True


def sign(element: etree._Element, private_key: str, certificate: str) -> None:
    """Sign an element that has an ID; the signature follows its Issuer (core 5.4.1)."""
    signature = xmlsec.template.create(
        element, _constants.TransformExclC14N, _constants.TransformRsaSha256, ns="ds"
    )
    issuer = element.find(f"{{{ASSERTION}}}Issuer")
    if issuer is None:
        raise ValueError("what is signed has an Issuer")
    issuer.addnext(signature)
    reference = xmlsec.template.add_reference(
        signature, _constants.TransformSha256, uri=f"#{element.get('ID')}"
    )
    xmlsec.template.add_transform(reference, _constants.TransformEnveloped)
    xmlsec.template.add_transform(reference, _constants.TransformExclC14N)
    xmlsec.template.add_x509_data(xmlsec.template.ensure_key_info(signature))
    xmlsec.tree.add_ids(element, ["ID"])
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(private_key, _constants.KeyDataFormatPem)
    context.key.load_cert_from_memory(certificate, _constants.KeyDataFormatPem)
    context.sign(signature)
