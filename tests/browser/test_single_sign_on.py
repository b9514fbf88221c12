"""People sign in through their company, in a real browser and without a script.

The company's identity provider is another site, which posts its assertion here: so it is seen
which cookies a browser brings along, and whether the pages' own policy lets it go there.
"""

from __future__ import annotations

import html
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import problems
from tests.browser.conftest import Server
from tests.browser.test_pages import answer
from tests.browser.test_social import OpenAnywhere, open_anywhere
from tests.servers.saml_identity_provider import SamlIdentityProvider, post_form

__all__ = ["open_anywhere"]

Keep = Callable[[Page, str], Path]
SETTINGS = ("singleSignOnEnabled", "signIn")
EMAIL = "grace@corp.example"


@pytest.fixture(scope="module")
def company() -> Iterator[SamlIdentityProvider]:
    """An identity provider with a page that has one button."""
    provider = SamlIdentityProvider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if not self.path.startswith("/sso?"):
                self.send_error(404)
                return
            request, _ = provider.request(self.path)
            form = provider.answer(
                self.path, name="grace-1", attributes={"email": EMAIL, "name": "Grace"}
            )
            page = form_page(request.get("AssertionConsumerServiceURL") or "", form).encode()
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.send_header("content-length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    # Another site than 127.0.0.1, where the server under test is.
    provider.sign_in_endpoint = f"http://localhost:{server.server_port}/sso"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield provider
    server.shutdown()
    thread.join()
    server.server_close()


def form_page(action: str, form: dict[str, str]) -> str:
    inputs = "".join(
        f'<input type="hidden" name="{name}" value="{html.escape(value)}">'
        for name, value in form.items()
    )
    return (
        f"<!doctype html><title>Corp</title><form method='post' action='{html.escape(action)}'>"
        f"{inputs}<button>It is me</button></form>"
    )


@pytest.fixture
def connected(server: Server, company: SamlIdentityProvider) -> Iterator[str]:
    """A connector of the company; its id."""
    before = server.manage("GET", "/sign-in-exp")
    body = {
        "providerName": "SAML",
        "connectorName": "Corp",
        "domains": ["corp.example"],
        "branding": {"displayName": "Corp & Sons"},
        "config": {"metadata": company.metadata()},
    }
    connector = server.manage("POST", "/sso-connectors", body)["id"]
    method = {"password": True, "verificationCode": False, "isPasswordPrimary": True}
    methods = [{"identifier": name, **method} for name in ("username", "email")]
    changes = {"singleSignOnEnabled": True, "signIn": {"methods": methods}}
    server.manage("PATCH", "/sign-in-exp", changes)
    yield connector
    server.manage("PATCH", "/sign-in-exp", {name: before[name] for name in SETTINGS})
    server.manage("DELETE", f"/sso-connectors/{connector}")


def test_somebody_signs_in_through_their_company(
    open_anywhere: OpenAnywhere,
    server: Server,
    connected: str,
    keep_screenshot: Keep,
) -> None:
    for _ in range(2):
        page = open_anywhere(java_script_enabled=False)
        page.goto(server.authorize_url())
        page.get_by_role("link", name="Sign in with your company").click()
        expect(page.get_by_label("Email address at work")).to_be_focused()
        assert problems(page) == []
        keep_screenshot(page, "single-sign-on")
        page.keyboard.type(EMAIL)
        page.keyboard.press("Enter")
        page.get_by_role("button", name="It is me").click()
        assert "code" in answer(page)
    (user,) = server.manage("GET", f"/users?search={EMAIL}")
    assert (user["name"], user["primaryEmail"]) == ("Grace", EMAIL)
    server.manage("DELETE", f"/users/{user['id']}")


def test_an_application_leads_there_at_once(
    open_anywhere: OpenAnywhere, server: Server, connected: str
) -> None:
    page = open_anywhere()
    page.goto(server.authorize_url(direct_sign_in=f"sso:{connected}"))
    page.get_by_role("button", name="It is me").click()
    assert "code" in answer(page)
    (user,) = server.manage("GET", f"/users?search={EMAIL}")
    server.manage("DELETE", f"/users/{user['id']}")


def test_a_company_sends_somebody_unasked(
    open_anywhere: OpenAnywhere,
    server: Server,
    connected: str,
    company: SamlIdentityProvider,
) -> None:
    application = server.manage(
        "POST",
        "/applications",
        {
            "name": "Intranet",
            "type": "Traditional",
            "oidcClientMetadata": {
                "redirectUris": [server.callback],
                "postLogoutRedirectUris": [],
            },
        },
    )["id"]
    server.manage(
        "PUT",
        f"/sso-connectors/{connected}/idp-initiated-auth-config",
        {"defaultApplicationId": application, "autoSendAuthorizationRequest": True},
    )
    shown = server.manage("GET", f"/sso-connectors/{connected}")["providerConfig"]
    us = shown["serviceProvider"]
    response = company.respond(
        sp_entity_id=us["entityId"],
        acs_url=us["assertionConsumerServiceUrl"],
        in_response_to=None,
        name="grace-1",
        attributes={"email": EMAIL, "name": "Grace"},
    )
    page = open_anywhere()
    page.goto(company.sign_in_endpoint)
    page.set_content(form_page(us["assertionConsumerServiceUrl"], post_form(response)))
    page.get_by_role("button", name="It is me").click()
    assert "code" in answer(page)
    (user,) = server.manage("GET", f"/users?search={EMAIL}")
    server.manage("DELETE", f"/users/{user['id']}")
    server.manage("DELETE", f"/applications/{application}")
