"""Reading requests of anybody, and writing responses about anybody."""

from __future__ import annotations

import zlib
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import pytest
import xmlsec
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gatehouse.actors.certificates import SelfSigned, self_signed
from gatehouse.actors.saml.requests import BadRequest, read_post, read_redirect
from gatehouse.actors.saml.responses import (
    EMAIL,
    PERSISTENT,
    NoNameId,
    Occasion,
    Provider,
    name_id,
    write_response,
)
from gatehouse.actors.saml.signing import is_signed_by
from gatehouse.actors.saml.xml import (
    ASSERTION,
    MAX_DEPTH,
    MAX_DOCUMENT_BYTES,
    NotXml,
    read_document,
)
from tests.servers.saml_identity_provider import signed

NOW = 1_700_000_000_000
KEY: SelfSigned = self_signed("idp.example", NOW, 30)
PROVIDER = Provider(
    issuer="https://id.example/saml/a",
    audience="https://sp.example",
    acs_url="https://sp.example/acs",
    name_id_format=PERSISTENT,
    private_key=KEY.private_key,
    certificate=KEY.certificate,
    attribute_mapping={"name": "displayName", "roles": "roles", "email": "mail"},
)


@given(st.binary(max_size=300))
@settings(max_examples=100, deadline=None)
def test_whatever_comes_is_read_or_refused(raw: bytes) -> None:
    compress = zlib.compressobj(9, zlib.DEFLATED, -15)
    deflated = compress.compress(raw) + compress.flush()
    for encoded in (raw, deflated):
        query = f"SAMLRequest={quote(b64encode(encoded).decode(), safe='')}".encode()
        with suppress(BadRequest):
            read_redirect(query + b"&Signature=x&SigAlg=y", KEY.certificate)
    with suppress(BadRequest):
        read_redirect(raw, KEY.certificate)
    for text in (raw.decode("latin-1"), b64encode(raw).decode()):
        with suppress(BadRequest):
            read_post(text, KEY.certificate)


@given(st.text(max_size=60))
@settings(max_examples=20, deadline=None)
def test_whatever_a_user_is_called_the_response_is_well_formed_and_cannot_be_changed(
    name: str,
) -> None:
    name = name.encode("utf-8", "ignore").decode()
    claims = {"sub": "ada", "name": name, "roles": [name, 1]}
    document = write_response(PROVIDER, Occasion(now=NOW), claims)
    root = etree.fromstring(document)
    values = [one.text or "" for one in root.iter(f"{{{ASSERTION}}}AttributeValue")]
    assert len(values) == 2
    assert not is_signed_by(_changed(root), KEY.certificate)


def _changed(root: etree._Element) -> etree._Element:
    assertion = root.find(f"{{{ASSERTION}}}Assertion")
    assert assertion is not None
    for signature in assertion.findall("{http://www.w3.org/2000/09/xmldsig#}Signature"):
        assertion.remove(signature)
    return root


def test_who_is_named_by_an_address_has_shown_that_it_is_theirs() -> None:
    with pytest.raises(NoNameId) as missing:
        name_id(EMAIL, {"sub": "a"})
    assert missing.value.missing == "email"
    with pytest.raises(NoNameId) as missing:
        name_id(EMAIL, {"sub": "a", "email": "a@b.example", "email_verified": False})
    assert missing.value.missing == "email_verified"


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<a>",
        b"<!DOCTYPE a><a/>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b"<a>" * (MAX_DEPTH + 2) + b"</a>" * (MAX_DEPTH + 2),
        b"<a>" + b" " * MAX_DOCUMENT_BYTES + b"</a>",
    ],
)
def test_documents_are_small_shallow_and_plain(document: bytes) -> None:
    with pytest.raises(NotXml):
        read_document(document)


def _signed(bend: Callable[[etree._Element], None]) -> etree._Element:
    """A request that is signed by its service provider, `bend` changing how."""
    root = etree.fromstring(
        '<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_1">'
        '<saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">sp</saml:Issuer>'
        "</samlp:AuthnRequest>"
    )
    return etree.fromstring(signed(root, root, KEY, bend=bend))


def _file(signature: etree._Element) -> None:
    xmlsec.template.add_reference(
        signature, xmlsec.constants.TransformSha256, uri=Path(__file__).as_uri()
    )


def _object(signature: etree._Element) -> None:
    etree.SubElement(signature, "{http://www.w3.org/2000/09/xmldsig#}Object").text = "more"


@pytest.mark.parametrize("bend", [_file, _object])
def test_a_signature_is_of_the_request_and_of_nothing_else(
    bend: Callable[[etree._Element], None],
) -> None:
    assert is_signed_by(_signed(lambda signature: None), KEY.certificate)
    assert not is_signed_by(_signed(bend), KEY.certificate)
