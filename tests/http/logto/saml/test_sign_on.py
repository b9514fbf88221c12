"""Signing in at service providers, which python3-saml plays, by assertions of a running server."""

from __future__ import annotations

import zlib
from base64 import b64decode, b64encode
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import trio
import xmlsec
from lxml import etree
from onelogin.saml2.utils import OneLogin_Saml2_Utils

from gatehouse.actors.certificates import self_signed
from tests.http.contract import CONTRACT
from tests.http.logto.saml.service_provider import (
    ACS_URL,
    EMAIL,
    ENTITY_ID,
    KEY,
    PERSISTENT,
    TRANSIENT,
    UNSPECIFIED,
    Browser,
    ServiceProvider,
    form_of,
    query_of,
)
from tests.http.running import DEMO_USER, Server

AUTHN = "/api/saml/{id}/authn"
CALLBACK = CONTRACT["GetSamlApplicationCallback"]["path"]
SP_KEY = {"encryptAssertion": False, "certificate": KEY.certificate}
ENCRYPTED = {**SP_KEY, "encryptAssertion": True, "encryptThenSign": True}
SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"
SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SHA1_DIGEST = "http://www.w3.org/2000/09/xmldsig#sha1"
SHA1 = "http://www.w3.org/2000/09/xmldsig#rsa-sha1"


async def _demo_user(server: Server) -> dict[str, Any]:
    api = server.api(await server.management_token())
    (user,) = await api("ListUsers", query={"search.username": DEMO_USER})
    return dict(user)


async def test_a_service_provider_signs_its_user_in_by_redirect(server: Server) -> None:
    provider = await ServiceProvider.register(
        server, attributeMapping={"username": "uid", "name": "displayName", "shoe_size": "x"}
    )
    browser = Browser(server)
    url, request_id = provider.login_url()
    answer = await browser.sign_in(await browser.go(url))
    auth = provider.accept(answer, request_id)
    assert auth.get_errors() == [], auth.get_last_error_reason()
    user = await _demo_user(server)
    assert auth.get_nameid() == user["id"]
    assert auth.get_nameid_format() == PERSISTENT
    assert auth.get_attribute("uid") == [DEMO_USER]
    assert form_of(answer)["RelayState"] == "/after"
    assert "Location" not in answer.headers
    assert "no-store" in answer.headers["cache-control"]


async def test_the_audit_log_tells_of_requests_and_answers(server: Server) -> None:
    provider = await ServiceProvider.register(server)
    browser = Browser(server)
    await browser.sign_in(await browser.go(provider.login_url()[0]))
    api = server.api(await server.management_token())
    with trio.fail_after(30):
        while True:
            entries = await api("ListLogs", query={"applicationId": provider.application_id})
            keys = {entry["key"] for entry in entries}
            if {"SamlApplication.AuthnRequest", "SamlApplication.Callback"} <= keys:
                break
            await trio.sleep(0.05)
    assert "SAMLResponse" not in str(entries)


async def test_a_service_provider_signs_its_user_in_by_post(server: Server) -> None:
    provider = await ServiceProvider.register(server)
    browser = Browser(server)
    url, request_id = provider.login_url()
    xml = _inflate(query_of(url)["SAMLRequest"])
    path = CONTRACT["CreateSamlAuthn"]["path"].replace("{id}", provider.application_id)
    form = {"SAMLRequest": b64encode(xml).decode(), "RelayState": "/deep?x=<1>"}
    answer = await browser.sign_in(await browser.go(path, form=form))
    auth = provider.accept(answer, request_id)
    assert auth.get_errors() == [], auth.get_last_error_reason()
    assert form_of(answer)["RelayState"] == "/deep?x=<1>"
    user = await _demo_user(server)
    assert auth.get_attribute("sub") == [user["id"]]


@pytest.mark.parametrize("format_", [PERSISTENT, EMAIL, TRANSIENT, UNSPECIFIED])
async def test_users_are_named_in_the_format_that_was_chosen(server: Server, format_: str) -> None:
    provider = await ServiceProvider.register(server, nameIdFormat=format_)
    api = server.api(await server.management_token())
    user = await _demo_user(server)
    await api("UpdateUser", userId=user["id"], json={"primaryEmail": "demo@example.com"})
    browser = Browser(server)
    url, request_id = provider.login_url()
    auth = provider.accept(await browser.sign_in(await browser.go(url)), request_id)
    assert auth.get_errors() == [], auth.get_last_error_reason()
    assert auth.get_nameid_format() == format_
    if format_ == EMAIL:
        assert auth.get_nameid() == "demo@example.com"
        assert auth.get_attribute("email") == ["demo@example.com"]
    elif format_ == TRANSIENT:
        assert user["id"] not in auth.get_nameid()
    else:
        assert auth.get_nameid() == user["id"]


async def test_who_has_no_email_address_cannot_be_named_by_it(server: Server) -> None:
    provider = await ServiceProvider.register(server, nameIdFormat=EMAIL)
    browser = Browser(server)
    answer = await browser.sign_in(await browser.go(provider.login_url()[0]))
    assert answer.status_code == 400
    assert answer.json()["code"] == "application.saml.missing_email_address"


@pytest.mark.parametrize("then_sign", [True, False], ids=["encrypt-then-sign", "sign-then-encrypt"])
async def test_an_assertion_is_encrypted_for_its_service_provider(
    server: Server, then_sign: bool
) -> None:
    provider = await ServiceProvider.register(
        server,
        security={"wantAssertionsEncrypted": True, "wantMessagesSigned": then_sign},
        encryption={**ENCRYPTED, "encryptThenSign": then_sign},
        attributeMapping={"username": "uid"},
    )
    browser = Browser(server)
    url, request_id = provider.login_url()
    answer = await browser.sign_in(await browser.go(url))
    document = b64decode(form_of(answer)["SAMLResponse"])
    user = await _demo_user(server)
    assert DEMO_USER.encode() not in document
    assert user["id"].encode() not in document
    auth = provider.accept(answer, request_id)
    assert auth.get_errors() == [], auth.get_last_error_reason()
    assert (auth.get_nameid(), auth.get_attribute("uid")) == (user["id"], [DEMO_USER])
    signed = etree.fromstring(document).findall(SIGNATURE)
    assert len(signed) == then_sign, "who decrypts first would find this signature broken"
    stranger = self_signed("stranger.example", 1_700_000_000_000, 36_500)
    provider.settings["sp"] |= {"privateKey": stranger.private_key}
    with pytest.raises(xmlsec.Error):
        provider.accept(answer, request_id)


async def test_a_user_may_begin_here_and_the_response_answers_no_request(server: Server) -> None:
    provider = await ServiceProvider.register(server)
    browser = Browser(server)
    query = {
        "client_id": provider.application_id,
        "redirect_uri": server.url + CALLBACK.replace("{id}", provider.application_id),
        "response_type": "code",
        "scope": "openid profile",
    }
    started = await browser.go(f"/oidc/auth?{urlencode(query)}")
    started.status_code = 302
    started.headers["location"] = f"/oidc/auth?{urlencode(query)}"
    answer = await browser.sign_in(started)
    auth = provider.accept(answer, None)
    assert auth.get_errors() == [], auth.get_last_error_reason()
    assert b"InResponseTo" not in b64decode(form_of(answer)["SAMLResponse"])


async def test_keys_are_rotated_without_a_refused_user(server: Server) -> None:
    provider = await ServiceProvider.register(server)
    api = server.api(await server.management_token())
    id_ = provider.application_id
    made = await api("CreateSamlApplicationSecret", id=id_, json={"lifeSpanInYears": 1})
    browser = Browser(server)
    url, request_id = provider.login_url()
    auth = provider.accept(await browser.sign_in(await browser.go(url)), request_id)
    assert auth.get_errors() == []
    await api("UpdateSamlApplicationSecret", id=id_, secretId=made["id"], json={"active": True})
    url, request_id = provider.login_url()
    answer = await browser.sign_in(await browser.go(url))
    assert provider.accept(answer, request_id).get_errors() == ["invalid_response"]
    await provider.read_metadata()
    assert provider.accept(answer, request_id).get_errors() == []


# What must not work


async def test_a_code_answers_one_request_once(server: Server) -> None:
    provider = await ServiceProvider.register(server)
    browser = Browser(server)
    cookies: dict[str, str] = {}
    url, _ = provider.login_url()
    answer = await browser.sign_in(await _kept(browser, url, cookies))
    form_of(answer)
    replayed = await browser.go(str(answer.request.url))
    assert replayed.status_code == 400
    browser.cookies.update(cookies)
    replayed = await browser.go(str(answer.request.url))
    assert replayed.json()["code"] == "application.saml.sp_initiated_saml_sso_session_not_found"


async def _kept(browser: Browser, url: str, cookies: dict[str, str]) -> Any:
    started = await browser.go(url)
    cookies.update(browser.cookies)
    return started


async def test_another_browser_cannot_take_the_answer(server: Server) -> None:
    provider = await ServiceProvider.register(server)
    thief, victim = Browser(server), Browser(server)
    started = await thief.go(provider.login_url()[0])
    page = await thief.go(started.headers["location"])
    assert page.status_code == 303
    state = query_of(started.headers["location"])["state"]
    path = CALLBACK.replace("{id}", provider.application_id)
    answer = await victim.go(f"{path}?code={'a' * 43}&state={state}")
    assert answer.json()["code"] == (
        "application.saml.sp_initiated_saml_sso_session_not_found_in_cookies"
    )
    await victim.go(provider.login_url()[0])
    answer = await victim.go(f"{path}?code={'a' * 43}&state={state}")
    assert answer.json()["code"] == "application.saml.state_mismatch"


@pytest.mark.parametrize("query", ["", "state=x", "code=x", "code=&state="])
async def test_a_callback_without_a_code_of_ours_is_refused(server: Server, query: str) -> None:
    provider = await ServiceProvider.register(server)
    path = CALLBACK.replace("{id}", provider.application_id)
    answer = await Browser(server).go(f"{path}?{query}")
    assert answer.status_code == 400
    refused = await Browser(server).go(f"{path}?error=access_denied&state=x&iss=y")
    assert refused.json()["code"] == "oidc.access_denied"


async def test_another_application_is_not_answered(server: Server) -> None:
    ours = await ServiceProvider.register(server)
    other = await ServiceProvider.register(server, name="Other")
    browser = Browser(server)
    started = await browser.go(ours.login_url()[0])
    location = started.headers["location"]
    state = query_of(location)["state"]
    path = CALLBACK.replace("{id}", other.application_id)
    answer = await browser.go(f"{path}?code={'a' * 43}&state={state}")
    assert answer.json()["code"] == "application.saml.sp_initiated_saml_sso_session_not_found"


def _inflate(encoded: str) -> bytes:
    return zlib.decompress(b64decode(encoded), -15)


def _deflate(document: bytes) -> str:
    compress = zlib.compressobj(9, zlib.DEFLATED, -15)
    return b64encode(compress.compress(document) + compress.flush()).decode()


def _request(**attributes: str | None) -> bytes:
    fields: dict[str, str | None] = {
        "ID": "_1",
        "Version": "2.0",
        "IssueInstant": "2026-01-01T00:00:00Z",
        "AssertionConsumerServiceURL": ACS_URL,
        **attributes,
    }
    given = " ".join(f'{name}="{value}"' for name, value in fields.items() if value is not None)
    return (
        f'<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" {given}>'
        f'<saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">{ENTITY_ID}</saml:Issuer>'
        "</samlp:AuthnRequest>"
    ).encode()


GOOD = _request()
XXE = b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + GOOD.replace(
    ENTITY_ID.encode(), b"&x;"
)
LAUGHS = (
    b'<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    + GOOD.replace(ENTITY_ID.encode(), b"&b;")
)
HOSTILE = {
    "no XML": b"hello",
    "nothing": b"",
    "an external entity": XXE,
    "entities within entities": LAUGHS,
    "another document": GOOD.replace(b"AuthnRequest", b"LogoutRequest"),
    "another version": _request(Version="1.1"),
    "no id": _request(ID=None),
    "an id that is none": _request(ID="1 2"),
    "no issuer": GOOD.replace(b"saml:Issuer", b"saml:Isuer"),
    "another address": _request(AssertionConsumerServiceURL="https://evil.example/acs"),
    "another destination": _request(Destination="https://evil.example/sso"),
    "another binding": _request(ProtocolBinding="urn:oasis:names:tc:SAML:2.0:bindings:SOAP"),
    "depth": b"<a>" * 500 + b"</a>" * 500,
    "NUL": GOOD.replace(b"_1", b"_\x00"),
}


async def test_hostile_requests_are_refused_by_both_bindings(server: Server) -> None:
    provider = await ServiceProvider.register(server)
    path = AUTHN.replace("{id}", provider.application_id)
    browser = Browser(server)
    for name, document in HOSTILE.items():
        by_redirect = await browser.go(f"{path}?SAMLRequest={quote(_deflate(document), safe='')}")
        by_post = await browser.go(path, form={"SAMLRequest": b64encode(document).decode()})
        for answer in (by_redirect, by_post):
            assert answer.status_code == 400, name
            code = answer.json()["code"]
            assert code in ("application.saml.invalid_saml_request", "guard.invalid_input"), name
            assert "root:" not in answer.text
    known = ENTITY_ID.encode()
    for stranger in (b"https://stranger.example", known + b"<!-- -->.evil.example"):
        request = GOOD.replace(known, stranger)
        answer = await browser.go(path, form={"SAMLRequest": b64encode(request).decode()})
        assert answer.json()["code"] == "application.saml.auth_request_issuer_not_match"


@pytest.mark.parametrize(
    "encoded",
    [
        _deflate(b" " * 5_000_000),
        _deflate(GOOD)[:-20],
        _deflate(GOOD) + "!!!!",
        "%%%",
        b64encode(GOOD).decode(),
    ],
    ids=["a deflate bomb", "cut short", "no base64", "no base64 at all", "not deflated"],
)
async def test_what_cannot_be_inflated_is_refused(server: Server, encoded: str) -> None:
    provider = await ServiceProvider.register(server)
    path = AUTHN.replace("{id}", provider.application_id)
    answer = await Browser(server).go(f"{path}?SAMLRequest={quote(encoded, safe='')}")
    assert answer.status_code == 400
    assert answer.json()["code"] == "application.saml.invalid_saml_request"


async def test_a_signature_by_redirect_is_checked_if_there_is_a_certificate(
    server: Server,
) -> None:
    provider = await ServiceProvider.register(
        server,
        security={"authnRequestsSigned": True, "signatureAlgorithm": SHA256},
        encryption=SP_KEY,
    )
    url, _ = provider.login_url()
    assert (await Browser(server).go(url)).status_code == 302
    forged = [
        url.replace("RelayState=%2Fafter", "RelayState=%2Felsewhere"),
        url.replace("RelayState=%2Fafter&", ""),
        f"{url[:-12]}AAAAAAAAAA%3D%3D",
        url.replace(quote(SHA256, safe=""), quote(SHA1, safe="")),
        f"{url}&RelayState=%2Ftwice",
    ]
    for one in forged:
        assert one != url
        answer = await Browser(server).go(one)
        assert answer.status_code == 400, one


async def test_a_signature_by_post_is_checked_if_there_is_a_certificate(server: Server) -> None:
    provider = await ServiceProvider.register(server, encryption=SP_KEY)
    path = AUTHN.replace("{id}", provider.application_id)

    async def send(document: bytes) -> int:
        form = {"SAMLRequest": b64encode(document).decode()}
        return (await Browser(server).go(path, form=form)).status_code

    signed = OneLogin_Saml2_Utils.add_sign(GOOD, KEY.private_key, KEY.certificate, False, SHA256)
    assert await send(signed) == 302
    assert await send(signed.replace(b"2026-01-01", b"2026-01-02")) == 400
    weak = OneLogin_Saml2_Utils.add_sign(GOOD, KEY.private_key, KEY.certificate, False, SHA1)
    assert await send(weak) == 400
    mixed = OneLogin_Saml2_Utils.add_sign(
        GOOD, KEY.private_key, KEY.certificate, False, SHA256, SHA1_DIGEST
    )
    assert await send(mixed) == 400
    assert await send(_wrapped(signed)) == 400
    assert await send(_named_twice(signed)) == 400
    assert await send(GOOD) == 302


def _wrapped(signed: bytes) -> bytes:
    """What was signed, hidden inside of another request (signature wrapping)."""
    original = etree.fromstring(signed)
    evil = etree.fromstring(_request(ID="_2", ForceAuthn="true"))
    (signature,) = original.findall("{http://www.w3.org/2000/09/xmldsig#}Signature")
    evil.insert(1, signature)
    etree.SubElement(evil, "{urn:oasis:names:tc:SAML:2.0:protocol}Extensions").append(original)
    return etree.tostring(evil)


def _named_twice(signed: bytes) -> bytes:
    """The same, where what was signed goes by another kind of id."""
    evil = etree.fromstring(signed)
    original = etree.fromstring(signed)
    original.set("{http://www.w3.org/XML/1998/namespace}id", original.attrib.pop("ID"))
    evil.set("ForceAuthn", "true")
    etree.SubElement(evil, "{urn:oasis:names:tc:SAML:2.0:protocol}Extensions").append(original)
    for signature in original.findall("{http://www.w3.org/2000/09/xmldsig#}Signature"):
        original.remove(signature)
    return etree.tostring(evil)


async def test_an_application_that_is_not_complete_has_no_sign_on(server: Server) -> None:
    api = server.api(await server.management_token())
    bare = (await api("CreateSamlApplication", json={"name": "Bare"}))["id"]
    path = AUTHN.replace("{id}", bare)
    form = {"SAMLRequest": b64encode(GOOD).decode()}
    answer = await Browser(server).go(path, form=form)
    assert answer.json()["code"] == "application.saml.entity_id_required"
    await api("UpdateSamlApplication", id=bare, json={"entityId": ENTITY_ID})
    answer = await Browser(server).go(path, form=form)
    assert answer.json()["code"] == "application.saml.acs_url_required"
    spa = (await api("CreateApplication", json={"name": "a", "type": "SPA"}))["id"]
    for operation, id_ in (("GetSamlAuthn", spa), ("ListSamlApplicationMetadata", spa)):
        path = CONTRACT[operation]["path"].replace("{id}", id_)
        answer = await Browser(server).go(f"{path}?SAMLRequest={_deflate(GOOD)}")
        assert answer.json()["code"] == "application.saml.saml_application_only"
    missing = await Browser(server).go("/api/saml-applications/nobody/metadata")
    assert missing.status_code == 404


async def test_codes_of_a_saml_application_buy_no_tokens(server: Server) -> None:
    provider = await ServiceProvider.register(server)
    answer = await server.client.post(
        "/oidc/token",
        data={
            "grant_type": "authorization_code",
            "client_id": provider.application_id,
            "code": "a" * 43,
            "redirect_uri": server.url + CALLBACK.replace("{id}", provider.application_id),
        },
    )
    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_client"


async def test_an_application_that_is_not_there_has_no_metadata(server: Server) -> None:
    await server.api()("ListSamlApplicationMetadata", id="nothing", expect=404)
