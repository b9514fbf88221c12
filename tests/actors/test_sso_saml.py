"""A SAML assertion is believed only if everything about it is right.

pysaml2 is the identity provider. What it would never say is said by bending its responses, before
they are signed (a provider that errs) or after (somebody in between).
"""

from __future__ import annotations

import base64
import copy
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import xmlsec
from lxml import etree

from gatehouse.actors.refusal import Refused
from gatehouse.actors.sso.configs import SamlMetadataText
from gatehouse.actors.sso.identity_providers import read_saml_metadata
from gatehouse.actors.sso.saml import (
    MAX_RESPONSE,
    Assertion,
    KeyPair,
    ServiceProvider,
    assertion_consumer_url,
    entity_id,
    user_info,
)
from tests.servers.saml_identity_provider import (
    NS,
    SAML,
    SamlIdentityProvider,
    bent,
    new_key,
    post_form,
    signed,
)

REQUEST = "ONELOGIN_1234"
DS = "{http://www.w3.org/2000/09/xmldsig#}"
Bend = Callable[[etree._Element], None]


@pytest.fixture(scope="module")
def us(company: SamlIdentityProvider) -> ServiceProvider:
    metadata = company.metadata()
    return ServiceProvider(
        entity_id("https://sp.example", "corp"),
        assertion_consumer_url("https://sp.example", "corp"),
        SamlMetadataText(metadata=metadata),
        read_saml_metadata(metadata.encode()),
    )


@pytest.fixture(scope="module")
def response(company: SamlIdentityProvider, us: ServiceProvider) -> str:
    return respond(company, us)


def respond(company: SamlIdentityProvider, us: ServiceProvider, **bends: object) -> str:
    usual = {"sp_entity_id": us.entity_id, "acs_url": us.acs_url, "in_response_to": REQUEST}
    return company.respond(**(usual | bends))  # type: ignore[arg-type]


def check(us: ServiceProvider, xml: str, request_id: str | None = REQUEST) -> Assertion:
    return us.verify(post_form(xml)["SAMLResponse"], request_id)


def refuses(us: ServiceProvider, xml: str, request_id: str | None = REQUEST) -> None:
    with pytest.raises(Refused):
        check(us, xml, request_id)


def find(root: etree._Element, path: str) -> etree._Element:
    (found,) = root.xpath(path, namespaces=NS)
    return found


def test_what_the_identity_provider_says_is_believed(us: ServiceProvider, response: str) -> None:
    assertion = check(us, response)
    assert assertion.name_id == "anna@corp"
    assert time.time() * 1000 < assertion.expires_at < time.time() * 1000 + 400_000
    info = user_info(us.config, assertion)
    assert (info["id"], info["email"], info["name"]) == ("anna@corp", "anna@corp.example", "Anna")


@pytest.mark.parametrize("assertion_too", [False, True])
def test_a_signed_response_is_believed_as_a_signed_assertion_is(
    company: SamlIdentityProvider, us: ServiceProvider, assertion_too: bool
) -> None:
    xml = respond(company, us, sign_response=True, sign_assertion=assertion_too)
    assert check(us, xml).name_id == "anna@corp"


def test_an_assertion_that_was_not_asked_for_answers_nothing(
    company: SamlIdentityProvider, us: ServiceProvider, response: str
) -> None:
    unasked = respond(company, us, in_response_to=None)
    assert check(us, unasked, None).name_id == "anna@corp"
    refuses(us, unasked)
    refuses(us, response, None)
    refuses(us, response, "ONELOGIN_other")


def test_an_unsigned_response_is_refused(
    company: SamlIdentityProvider, us: ServiceProvider, response: str
) -> None:
    refuses(us, respond(company, us, sign_assertion=False))
    root = etree.fromstring(response.encode())
    signature = find(root, "//ds:Signature")
    signature.getparent().remove(signature)
    refuses(us, etree.tostring(root).decode())


def test_a_response_by_another_key_is_refused(us: ServiceProvider) -> None:
    stranger = SamlIdentityProvider(key=new_key())
    refuses(us, respond(stranger, us))


def test_a_response_of_another_provider_is_refused(us: ServiceProvider) -> None:
    other = SamlIdentityProvider(entity_id="https://other.example", key=new_key())
    refuses(us, respond(other, us))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("//saml:NameID", "boss@corp"),
        ("//saml:Attribute[@FriendlyName='email']/saml:AttributeValue", "boss@corp.example"),
        ("//saml:Audience", "https://elsewhere.example"),
    ],
)
def test_what_is_changed_after_signing_is_refused(
    us: ServiceProvider, response: str, path: str, text: str
) -> None:
    root = etree.fromstring(response.encode())
    find(root, path).text = text
    refuses(us, etree.tostring(root).decode())


def _set(path: str, **attributes: str | None) -> Bend:
    def bend(root: etree._Element) -> None:
        element = find(root, path)
        for name, value in attributes.items():
            if value is None:
                element.attrib.pop(name, None)
            else:
                element.set(name, value)

    return bend


def _drop(path: str) -> Bend:
    def bend(root: etree._Element) -> None:
        element = find(root, path)
        element.getparent().remove(element)

    return bend


def _text(path: str, text: str) -> Bend:
    def bend(root: etree._Element) -> None:
        find(root, path).text = text

    return bend


CONFIRMATION = "//saml:SubjectConfirmationData"
PAST, FUTURE, FAR = "2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z", "2199-01-01T00:00:00Z"


@pytest.mark.parametrize(
    "bend",
    [
        pytest.param(_set("//saml:Conditions", NotOnOrAfter=PAST), id="expired"),
        pytest.param(_set("//saml:Conditions", NotBefore=FUTURE, NotOnOrAfter=FAR), id="not yet"),
        pytest.param(_drop("//saml:Conditions"), id="no conditions"),
        pytest.param(_text("//saml:Audience", "https://sp.example/other"), id="wrong audience"),
        pytest.param(_drop("//saml:AudienceRestriction"), id="no audience"),
        pytest.param(_set(CONFIRMATION, Recipient="https://sp.example/"), id="wrong recipient"),
        pytest.param(
            _set(CONFIRMATION, Recipient="https://sp.example/api/authn/single-sign-on/saml/corp/x"),
            id="longer recipient",
        ),
        pytest.param(_set(CONFIRMATION, Recipient=None), id="no recipient"),
        pytest.param(_set(CONFIRMATION, NotOnOrAfter=PAST), id="confirmed too long ago"),
        pytest.param(_set(CONFIRMATION, NotOnOrAfter=None), id="confirmed forever"),
        pytest.param(_set(CONFIRMATION, NotOnOrAfter=FUTURE), id="confirmed for decades"),
        pytest.param(_set(CONFIRMATION, InResponseTo="other"), id="another request"),
        pytest.param(_set(CONFIRMATION, InResponseTo=None), id="no request"),
        pytest.param(
            _set(
                "//saml:SubjectConfirmation",
                Method="urn:oasis:names:tc:SAML:2.0:cm:sender-vouches",
            ),
            id="not a bearer",
        ),
        pytest.param(_drop("//saml:SubjectConfirmation"), id="no confirmation"),
        pytest.param(_set("/samlp:Response", Destination="https://sp.example/"), id="destination"),
        pytest.param(_set("/samlp:Response", InResponseTo="other"), id="response to another"),
        pytest.param(_set("/samlp:Response", InResponseTo=None), id="response to none"),
        pytest.param(_set("/samlp:Response", Version="1.1"), id="version"),
        pytest.param(_text("//saml:Assertion/saml:Issuer", "https://x.example"), id="issuer"),
        pytest.param(_text("/samlp:Response/saml:Issuer", "https://x.example"), id="sender"),
        pytest.param(
            _set("//samlp:StatusCode", Value="urn:oasis:names:tc:SAML:2.0:status:Responder"),
            id="no success",
        ),
        pytest.param(_drop("//saml:NameID"), id="nobody"),
        pytest.param(_text("//saml:NameID", ""), id="no name"),
        pytest.param(_text("//saml:NameID", "x" * 1000), id="a name too long"),
        pytest.param(_drop("//saml:AuthnStatement"), id="nobody authenticated"),
    ],
)
def test_an_assertion_that_is_not_for_us_and_now_is_refused(
    company: SamlIdentityProvider, us: ServiceProvider, response: str, bend: Bend
) -> None:
    check(us, bent(response, company.key, lambda root: None))
    refuses(us, bent(response, company.key, bend))


def _evil(assertion: etree._Element, *, same_id: bool = False) -> etree._Element:
    evil = copy.deepcopy(assertion)
    for signature in evil.findall("ds:Signature", NS):
        evil.remove(signature)
    find(evil, "./saml:Subject/saml:NameID").text = "boss@corp"
    if not same_id:
        evil.set("ID", "id-evil")
    return evil


def _wrapped_before(root: etree._Element, assertion: etree._Element) -> None:
    assertion.addprevious(_evil(assertion))


def _wrapped_after(root: etree._Element, assertion: etree._Element) -> None:
    assertion.addnext(_evil(assertion))


def _wrapped_in_extensions(root: etree._Element, assertion: etree._Element) -> None:
    evil = _evil(assertion)
    root.replace(assertion, evil)
    extensions = etree.Element(f"{{{NS['samlp']}}}Extensions")
    extensions.append(assertion)
    root.find("saml:Issuer", NS).addnext(extensions)


def _wrapped_in_evil(root: etree._Element, assertion: etree._Element) -> None:
    evil = _evil(assertion)
    root.replace(assertion, evil)
    evil.append(assertion)


def _wrapped_in_signature(root: etree._Element, assertion: etree._Element) -> None:
    evil = _evil(assertion)
    root.replace(assertion, evil)
    signature = assertion.find("ds:Signature", NS)
    evil.insert(1, signature)
    inner = etree.SubElement(signature, f"{{{NS['ds']}}}Object")
    inner.append(assertion)


def _wrapped_under_one_id(root: etree._Element, assertion: etree._Element) -> None:
    evil = _evil(assertion, same_id=True)
    root.replace(assertion, evil)
    evil.insert(1, assertion.find("ds:Signature", NS))
    advice = etree.SubElement(evil, f"{{{SAML}}}Advice")
    advice.append(assertion)


def _wrapped_in_a_response(root: etree._Element, assertion: etree._Element) -> None:
    inner = copy.deepcopy(root)
    root.replace(assertion, _evil(assertion))
    extensions = etree.Element(f"{{{NS['samlp']}}}Extensions")
    extensions.append(inner)
    root.find("saml:Issuer", NS).addnext(extensions)


@pytest.mark.parametrize(
    "wrap",
    [
        _wrapped_before,
        _wrapped_after,
        _wrapped_in_extensions,
        _wrapped_in_evil,
        _wrapped_in_signature,
        _wrapped_under_one_id,
        _wrapped_in_a_response,
    ],
)
@pytest.mark.parametrize("whole", [False, True])
def test_a_wrapped_assertion_is_refused(
    company: SamlIdentityProvider,
    us: ServiceProvider,
    wrap: Callable[[etree._Element, etree._Element], None],
    whole: bool,
) -> None:
    """XML signature wrapping: the signed assertion is kept for the signature, another is read."""
    xml = respond(company, us, sign_response=whole)
    root = etree.fromstring(xml.encode())
    wrap(root, find(root, "/samlp:Response/saml:Assertion"))
    refuses(us, etree.tostring(root).decode())


@pytest.mark.parametrize("between", ["<!-- -->", "<!---->", "<!-- a --><?b?>"])
def test_a_comment_does_not_cut_a_name_short(
    company: SamlIdentityProvider, us: ServiceProvider, between: str
) -> None:
    """Comments are not signed, so that anybody may put one into what is."""
    given = {"email": "boss@corp.example.evil.example", "name": "Boss.evil"}
    xml = respond(company, us, name="boss@corp.evil.example", attributes=given)
    commented = xml.replace(".evil", f"{between}.evil")
    assertion = check(us, commented)
    assert assertion.name_id == "boss@corp.evil.example"
    assert {name: assertion.attributes[name] for name in given} == given


def _at(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


@pytest.mark.parametrize(
    ("bend", "good"),
    [
        (lambda: _set("//saml:Conditions", NotBefore=_at(240)), True),
        (lambda: _set("//saml:Conditions", NotBefore=_at(360)), False),
        (lambda: _set("//saml:Conditions", NotBefore=None, NotOnOrAfter=_at(-240)), True),
        (lambda: _set("//saml:Conditions", NotBefore=None, NotOnOrAfter=_at(-360)), False),
        (lambda: _set(CONFIRMATION, NotOnOrAfter=_at(60)), True),
        (lambda: _set(CONFIRMATION, NotOnOrAfter=_at(-10)), False),
    ],
    ids=["fast", "too fast", "slow", "too slow", "presented in time", "presented late"],
)
def test_clocks_may_differ_by_five_minutes(
    company: SamlIdentityProvider,
    us: ServiceProvider,
    response: str,
    bend: Callable[[], Bend],
    good: bool,
) -> None:
    xml = bent(response, company.key, bend())
    if good:
        assert check(us, xml).name_id == "anna@corp"
    else:
        refuses(us, xml)


def _unsigned(response: str) -> etree._Element:
    root = etree.fromstring(response.encode())
    signature = find(root, "//ds:Signature")
    signature.getparent().remove(signature)
    return root


@pytest.mark.parametrize(
    ("method", "digest"),
    [
        (xmlsec.constants.TransformRsaSha1, xmlsec.constants.TransformSha1),
        (xmlsec.constants.TransformRsaSha256, xmlsec.constants.TransformSha1),
        (xmlsec.constants.TransformRsaSha1, xmlsec.constants.TransformSha256),
        (xmlsec.constants.TransformRsaSha224, xmlsec.constants.TransformSha256),
    ],
)
def test_signatures_by_weak_algorithms_are_refused(
    company: SamlIdentityProvider,
    us: ServiceProvider,
    response: str,
    method: object,
    digest: object,
) -> None:
    root = _unsigned(response)
    assertion = find(root, "//saml:Assertion")
    refuses(us, signed(root, assertion, company.key, method, digest))


def test_signatures_by_strong_algorithms_are_believed(
    company: SamlIdentityProvider, us: ServiceProvider, response: str
) -> None:
    root = _unsigned(response)
    assertion = find(root, "//saml:Assertion")
    method, digest = xmlsec.constants.TransformRsaSha512, xmlsec.constants.TransformSha512
    assert check(us, signed(root, assertion, company.key, method, digest)).name_id == "anna@corp"


def _file(signature: etree._Element) -> None:
    xmlsec.template.add_reference(
        signature, xmlsec.constants.TransformSha256, uri=Path(__file__).as_uri()
    )


def _manifest(signature: etree._Element) -> None:
    inside = etree.SubElement(etree.SubElement(signature, f"{DS}Object"), f"{DS}Manifest")
    inside.append(copy.deepcopy(find(signature, "./ds:SignedInfo/ds:Reference")))


def _object(signature: etree._Element) -> None:
    etree.SubElement(signature, f"{DS}Object").text = "more"


def _xpath(signature: etree._Element) -> None:
    transforms = find(signature, "./ds:SignedInfo/ds:Reference/ds:Transforms")
    transform = etree.SubElement(transforms, f"{DS}Transform")
    transform.set("Algorithm", "http://www.w3.org/TR/1999/REC-xpath-19991116")
    etree.SubElement(transform, f"{DS}XPath").text = "true()"


@pytest.mark.parametrize("bend", [_file, _manifest, _object, _xpath])
def test_a_signature_of_anything_else_is_refused_though_it_is_the_providers(
    company: SamlIdentityProvider, us: ServiceProvider, response: str, bend: Bend
) -> None:
    """What a signature refers to would be opened and computed before it is known whose it is."""
    root = _unsigned(response)
    assertion = find(root, "//saml:Assertion")
    refuses(us, signed(root, assertion, company.key, bend=bend))


@pytest.mark.parametrize(
    "declaration",
    [
        '<!DOCTYPE x [<!ENTITY who SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE x [<!ENTITY who "boss@corp">]>',
        '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
        '<!ENTITY who "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">',
    ],
)
def test_entities_and_document_types_are_refused(
    us: ServiceProvider, response: str, declaration: str
) -> None:
    refuses(us, declaration + response)
    refuses(us, declaration + response.replace("anna@corp<", "&who;<"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "%",
        base64.b64encode(b"no xml").decode(),
        base64.b64encode(b"<a/>").decode(),
        base64.b64encode(b"\x00\xff").decode(),
        base64.b64encode(b"<a>" * 20_000).decode(),
        "A" * (MAX_RESPONSE + 1),
    ],
)
def test_what_is_no_response_is_refused(us: ServiceProvider, text: str) -> None:
    with pytest.raises(Refused):
        us.verify(text, REQUEST)


def test_a_request_says_who_asks_and_where_to_answer(
    company: SamlIdentityProvider, us: ServiceProvider
) -> None:
    made = us.request("the relay state")
    assert made.url.startswith(company.sign_in_endpoint)
    request, relay_state = company.request(made.url)
    assert (request.get("ID"), relay_state) == (made.id, "the relay state")
    assert request.get("AssertionConsumerServiceURL") == us.acs_url
    assert "Signature" not in parse_qs(urlsplit(made.url).query)


def test_a_request_is_signed_where_the_provider_wants_it(us: ServiceProvider) -> None:
    """SAML 2.0 Bindings §3.4.4.1: the signature is over the query as it is sent."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    from gatehouse.actors.certificates import read_certificate

    key = new_key()
    config = SamlMetadataText(metadata="", sign_authn_request=True)
    signing = ServiceProvider(
        us.entity_id,
        us.acs_url,
        config,
        us.metadata,
        KeyPair(key.private_key, key.certificate),
    )
    query = urlsplit(signing.request("relay").url).query
    sent = dict(part.split("=", 1) for part in query.split("&"))
    message = "&".join(f"{name}={sent[name]}" for name in ("SAMLRequest", "RelayState", "SigAlg"))
    public = read_certificate(key.certificate).public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    made = base64.b64decode(parse_qs(query)["Signature"][0])
    public.verify(made, message.encode(), padding.PKCS1v15(), hashes.SHA256())
    assert "PRIVATE" not in repr(signing)


def test_our_metadata_say_where_we_take_assertions(us: ServiceProvider) -> None:
    root = etree.fromstring(us.own_metadata().encode())
    names = {"md": "urn:oasis:names:tc:SAML:2.0:metadata"}
    assert root.get("entityID") == us.entity_id
    (where,) = root.xpath("//md:AssertionConsumerService/@Location", namespaces=names)
    assert where == us.acs_url
    assert root.xpath("//@WantAssertionsSigned") == ["true"]
    assert not root.xpath("//@validUntil | //@cacheDuration"), "a file of it would run out"
