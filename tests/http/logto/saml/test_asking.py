"""How users are asked: anew each time, or not at all; and what is said if nobody comes."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import httpx
import pytest
from lxml import etree

from gatehouse.actors.certificates import pem, read_certificate
from gatehouse.actors.saml.signing import is_signed_by
from tests.http.contract import CONTRACT
from tests.http.logto.saml.service_provider import Browser, ServiceProvider, form_of, query_of
from tests.http.running import Server

CALLBACK = CONTRACT["GetSamlApplicationCallback"]["path"]
PROTOCOL = "{urn:oasis:names:tc:SAML:2.0:protocol}"
STATUS = "urn:oasis:names:tc:SAML:2.0:status:"
INSTANT = "//*[local-name()='AuthnStatement']/@AuthnInstant"


def _document(answer: httpx.Response) -> etree._Element:
    return etree.fromstring(b64decode(form_of(answer)["SAMLResponse"]))


def _statuses(answer: httpx.Response) -> list[str]:
    found = _document(answer).iter(f"{PROTOCOL}StatusCode")
    return [one.get("Value").removeprefix(STATUS) for one in found]


async def _signed_in(server: Server, provider: ServiceProvider) -> tuple[Browser, httpx.Response]:
    browser = Browser(server)
    return browser, await browser.sign_in(await browser.go(provider.login_url()[0]))


@pytest.mark.parametrize("asks", [{}, {"force_authn": True}], ids=["plain", "ForceAuthn"])
async def test_who_is_signed_in_is_asked_again(server: Server, asks: dict[str, bool]) -> None:
    provider = await ServiceProvider.register(server)
    browser, _ = await _signed_in(server, provider)
    page = await browser.follow(await browser.go(provider.login_url(**asks)[0]))
    assert page.headers["location"].startswith("/sign-in")


async def test_a_passive_request_is_answered_without_a_page(server: Server) -> None:
    provider = await ServiceProvider.register(server)
    browser, first = await _signed_in(server, provider)
    url, request_id = provider.login_url(is_passive=True)
    answer = await browser.follow(await browser.go(url))
    auth = provider.accept(answer, request_id)
    assert auth.get_errors() == [], auth.get_last_error_reason()
    proved = _document(first).xpath(INSTANT)
    assert _document(answer).xpath(INSTANT) == proved, "that is when they proved who they are"


async def test_a_passive_request_for_nobody_is_told_so(server: Server) -> None:
    provider = await ServiceProvider.register(server)
    url, request_id = provider.login_url(is_passive=True)
    browser = Browser(server)
    answer = await browser.follow(await browser.go(url))
    assert _statuses(answer) == ["Responder", "NoPassive"]
    assert form_of(answer)["RelayState"] == "/after"
    document = _document(answer)
    assert document.get("InResponseTo") == request_id
    assert "Assertion" not in etree.tostring(document).decode()
    assert is_signed_by(document, pem(read_certificate(provider.settings["idp"]["x509cert"])))
    auth = provider.accept(answer, request_id)
    assert auth.get_errors() == ["invalid_response"]
    assert "NoPassive" in auth.get_last_error_reason()
    again = await browser.go(str(answer.request.url))
    assert again.json()["code"] == "oidc.access_denied", "the request waits no more"


async def test_nobody_is_asked_and_proves_it_anew(server: Server) -> None:
    provider = await ServiceProvider.register(server)
    browser, _ = await _signed_in(server, provider)
    url, _ = provider.login_url(is_passive=True, force_authn=True)
    assert "NoPassive" in _statuses(await browser.follow(await browser.go(url)))


async def test_who_signed_out_here_is_nobody_to_service_providers(server: Server) -> None:
    provider = await ServiceProvider.register(server)
    browser, _ = await _signed_in(server, provider)
    page = await browser.go(f"/oidc/session/end?client_id={provider.application_id}")
    form = {**dict(_hidden(page)), "logout": "yes"}
    await browser.follow(await browser.go("/oidc/session/end/confirm", form=form))
    url, _ = provider.login_url(is_passive=True)
    assert "NoPassive" in _statuses(await browser.follow(await browser.go(url)))


def _hidden(page: httpx.Response) -> list[tuple[str, str]]:
    fields = etree.HTML(page.text).iter("input")
    return [(one.get("name"), one.get("value", "")) for one in fields]


@pytest.mark.parametrize(
    ("error", "status"),
    [("access_denied", "RequestDenied"), ("server_error", "AuthnFailed")],
)
async def test_a_service_provider_is_told_that_its_user_does_not_come(
    server: Server, error: str, status: str
) -> None:
    provider = await ServiceProvider.register(server)
    browser = Browser(server)
    started = await browser.go(provider.login_url()[0])
    state = query_of(started.headers["location"])["state"]
    path = CALLBACK.replace("{id}", provider.application_id)
    for wrong in (f"{path}?error={error}", f"{path}?error={error}&state=wrong"):
        assert (await browser.go(wrong)).status_code == 400
    answer = await browser.go(f"{path}?error={error}&state={state}")
    assert _statuses(answer) == ["Responder", status]


async def test_relay_states_are_bounded_and_only_carried(server: Server) -> None:
    provider = await ServiceProvider.register(server)
    browser = Browser(server)
    refused: dict[str, Any] = (await browser.go(provider.login_url("x" * 513)[0])).json()
    assert refused["code"] == "guard.invalid_input"
    hostile = 'https://evil.example/"><script>alert(1)</script>' + "x" * 400
    answer = await browser.sign_in(await browser.go(provider.login_url(hostile)[0]))
    assert form_of(answer)["RelayState"] == hostile
    assert "<script>alert" not in answer.text
