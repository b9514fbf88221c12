"""XML signatures (XML Signature 1.1) by libxmlsec.

Signing takes milliseconds of processor time: call these in a thread.
"""

from __future__ import annotations

from typing import Any

import xmlsec
from lxml import etree

from gatehouse.actors.saml.xml import ASSERTION, SIGNATURE

_BITS = (256, 384, 512)
_METHODS = frozenset(
    {
        f"http://www.w3.org/2001/04/xmldsig-more#{kind}-sha{bits}"
        for kind in ("rsa", "ecdsa")
        for bits in _BITS
    }
    | {f"http://www.w3.org/2007/05/xmldsig-more#sha{bits}-rsa-MGF1" for bits in _BITS}
)
_DIGESTS = frozenset(
    {
        "http://www.w3.org/2001/04/xmlenc#sha256",
        "http://www.w3.org/2001/04/xmldsig-more#sha384",
        "http://www.w3.org/2001/04/xmlenc#sha512",
    }
)
_CANONICAL = frozenset(
    f"{name}{comments}"
    for name, comments in (
        ("http://www.w3.org/2001/10/xml-exc-c14n#", ""),
        ("http://www.w3.org/2001/10/xml-exc-c14n#", "WithComments"),
        ("http://www.w3.org/TR/2001/REC-xml-c14n-20010315", ""),
        ("http://www.w3.org/TR/2001/REC-xml-c14n-20010315", "#WithComments"),
    )
)
_TRANSFORMS = _CANONICAL | {"http://www.w3.org/2000/09/xmldsig#enveloped-signature"}

_constants: Any = xmlsec.constants


def is_plain(signature: etree._Element) -> bool:
    """Whether a signature is of its parent as it stands, by algorithms that are fit for use.

    Everything that a signature refers to is opened, and every transform it names is computed,
    before anybody knows whose it is: a second reference may be to a file that never ends, and a
    transform may compute for hours. What is read could be something else than what was signed,
    too. So there is one reference, to the parent, with nothing that transforms it (core 5.4).
    """
    parent = signature.getparent()
    references = signature.findall(f".//{{{SIGNATURE}}}Reference")
    return (
        parent is not None
        and [one.get("URI") for one in references] == [f"#{parent.get('ID')}"]
        and signature.find(f"{{{SIGNATURE}}}Object") is None
        and _algorithms(signature, "SignatureMethod") <= _METHODS
        and _algorithms(signature, "DigestMethod") <= _DIGESTS
        and _algorithms(signature, "CanonicalizationMethod") <= _CANONICAL
        and _algorithms(signature, "Transform") <= _TRANSFORMS
    )


def _algorithms(signature: etree._Element, name: str) -> set[str]:
    return {one.get("Algorithm", "") for one in signature.findall(f".//{{{SIGNATURE}}}{name}")}


def is_signed_by(root: etree._Element, certificate: str) -> bool:
    """Whether the document has one signature, of the whole of it, and this certificate made it."""
    signatures = root.findall(f".//{{{SIGNATURE}}}Signature")
    if len(signatures) != 1 or signatures[0].getparent() is not root or not is_plain(signatures[0]):
        return False
    named = root.xpath("//@ID[. = $id]", id=root.get("ID"))
    if len(named) != 1 or root.xpath("//@xml:id"):  # nothing else may answer to the name
        return False
    xmlsec.tree.add_ids(root, ["ID"])
    context = xmlsec.SignatureContext()
    try:
        context.key = xmlsec.Key.from_memory(certificate, _constants.KeyDataFormatCertPem)
        context.verify(signatures[0])
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
