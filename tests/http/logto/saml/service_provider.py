"""A service provider (python3-saml) and a browser between it and the server."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from onelogin.saml2.auth import OneLogin_Saml2_Auth
from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser

from gatehouse.actors.certificates import SelfSigned, self_signed
from tests.http.contract import CONTRACT, Api, check_answer, operation_at
from tests.http.proof import note
from tests.http.running import DEMO_PASSWORD, DEMO_USER, Server

ENTITY_ID = "https://sp.example/metadata"
ACS_URL = "https://sp.example/acs"
POST_BINDING = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
REDIRECT_BINDING = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
EMAIL = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
UNSPECIFIED = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
KEY: SelfSigned = self_signed("sp.example", 1_700_000_000_000, 36_500)
CONFIG: dict[str, Any] = {
    "name": "Payroll",
    "entityId": ENTITY_ID,
    "acsUrl": {"binding": POST_BINDING, "url": ACS_URL},
}


@dataclass
class Browser:
    """One browser: it keeps cookies and goes where it is sent, on this server."""

    server: Server
    cookies: dict[str, str] = field(default_factory=dict)

    async def go(self, url: str, *, form: dict[str, str] | None = None) -> httpx.Response:
        """One request, whose redirect is not followed."""
        url = url.removeprefix(self.server.core.public_url)
        headers = {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if form is None:
            answer = await self.server.client.get(url, headers=headers)
        else:
            answer = await self.server.client.post(url, data=form, headers=headers)
        self.keep(answer)
        if operation_id := operation_at(answer.request.method, urlsplit(url).path):
            check_answer(operation_id, answer)
        return answer

    def keep(self, answer: httpx.Response) -> None:
        """Remember the cookies of an answer."""
        for line in answer.headers.get_list("set-cookie"):
            name, _, rest = line.partition("=")
            self.cookies[name] = rest.partition(";")[0]

    async def follow(self, answer: httpx.Response) -> httpx.Response:
        """Where redirects lead, short of a page that asks."""
        while answer.status_code in (302, 303):
            if answer.headers["location"].startswith("/sign-in"):
                break
            answer = await self.go(answer.headers["location"])
        return answer

    async def sign_in(self, started: httpx.Response) -> httpx.Response:
        """From the redirect to the sign-in page to what the callback answers."""
        assert started.status_code == 302, started.text
        page = await self.go(started.headers["location"])
        assert page.headers["location"].startswith("/sign-in"), page.text
        headers = {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        api = Api(self.server.client)
        await api("InitInteraction", json={"interactionEvent": "SignIn"}, headers=headers)
        password = {
            "identifier": {"type": "username", "value": DEMO_USER},
            "password": DEMO_PASSWORD,
        }
        made = await api("CreatePasswordVerification", json=password, headers=headers)
        await api("IdentifyUser", json=made, headers=headers)
        submitted = await api("SubmitInteraction", headers=headers)
        return await self.follow(await self.go(submitted["redirectTo"]))


@dataclass
class ServiceProvider:
    """The other side of one SAML application, which believes the server's metadata."""

    server: Server
    application_id: str
    settings: dict[str, Any]

    @classmethod
    async def register(
        cls, server: Server, *, security: dict[str, Any] | None = None, **config: Any
    ) -> ServiceProvider:
        """Register an application and read the server's metadata."""
        api = server.api(await server.management_token())
        made = await api("CreateSamlApplication", json={**CONFIG, **config})
        provider = cls(server, made["id"], {})
        await provider.read_metadata(security)
        return provider

    async def read_metadata(self, security: dict[str, Any] | None = None) -> None:
        """Take the server's metadata over."""
        path = CONTRACT["ListSamlApplicationMetadata"]["path"].replace("{id}", self.application_id)
        document = await self.server.client.get(path)
        note("ListSamlApplicationMetadata", document.status_code)
        assert document.status_code == 200, document.text
        parsed = OneLogin_Saml2_IdPMetadataParser.parse(document.text)
        self.settings = {
            "strict": True,
            "sp": {
                "entityId": ENTITY_ID,
                "assertionConsumerService": {"url": ACS_URL, "binding": POST_BINDING},
                "NameIDFormat": UNSPECIFIED,
                "x509cert": KEY.certificate,
                "privateKey": KEY.private_key,
            },
            "idp": parsed["idp"],
            "security": {
                "wantAssertionsSigned": True,
                "wantMessagesSigned": True,
                "rejectDeprecatedAlgorithm": True,
                "allowRepeatAttributeName": False,
                **(security or {}),
            },
        }

    def auth(self, form: dict[str, str] | None = None) -> OneLogin_Saml2_Auth:
        """python3-saml as the service provider would call it."""
        request = {
            "https": "on",
            "http_host": "sp.example",
            "script_name": "/acs",
            "get_data": {},
            "post_data": form or {},
        }
        return OneLogin_Saml2_Auth(request, self.settings)

    def login_url(self, relay_state: str = "/after", **asks: bool) -> tuple[str, str]:
        """Where the service provider sends its user, and the id of the request."""
        auth = self.auth()
        return auth.login(return_to=relay_state, **asks), str(auth.get_last_request_id())

    def accept(self, answer: httpx.Response, request_id: str | None) -> OneLogin_Saml2_Auth:
        """What the service provider makes of the form that the browser brings."""
        auth = self.auth(form_of(answer))
        auth.process_response(request_id=request_id)
        return auth


def form_of(answer: httpx.Response) -> dict[str, str]:
    """The fields of a form that submits itself to the service provider."""
    assert answer.status_code == 200, answer.text
    action = re.search(r'<form method="post" action="([^"]*)"', answer.text)
    assert action is not None
    assert unescape(action[1]) == ACS_URL
    fields = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', answer.text)
    return {unescape(name): unescape(value) for name, value in fields}


def query_of(url: str) -> dict[str, str]:
    """The query of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
