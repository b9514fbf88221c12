"""A server that companies are connected to, and their identity providers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec

from gatehouse.storage.records import User
from gatehouse.storage.sso_connectors import SsoConnector, SsoConnectors
from gatehouse.storage.tenants import SignInExperiences
from gatehouse.storage.users import Users
from tests.http.contract import check_answer
from tests.http.logto.experience.browsing import Browser
from tests.http.running import TENANT, Server
from tests.servers.identity_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    IdentityProvider,
    open_identity_provider,
)
from tests.servers.saml_identity_provider import SamlIdentityProvider

PAGE = "https://app.example/callback/sso"
STATE = "the page's state"


@dataclass
class Office:
    """A server to which companies are connected."""

    server: Server
    company: SamlIdentityProvider
    provider: IdentityProvider

    async def browser(self, event: str = "SignIn") -> Browser:
        browser = await Browser(self.server.core, self.server.client).arrive()
        return await browser.start(event)

    async def connect(self, protocol: str = "SAML", **fields: Any) -> str:
        """Connect a company; the connector's id."""
        config = {"metadata": self.company.metadata()}
        if protocol != "SAML":
            config = {
                "clientId": CLIENT_ID,
                "clientSecret": CLIENT_SECRET,
                "issuer": self.provider.issuer,
            }
        record = SsoConnector(
            provider_name=protocol,
            connector_name=fields.pop("name", protocol),
            config=msgspec.json.encode(fields.pop("config", config)).decode(),
            **{"domains": ["corp.example"], **fields},
        )
        made = await self.server.core.db.write(lambda tx: SsoConnectors(tx, TENANT).create(record))
        return made.id

    async def settle(self, **settings: Any) -> None:
        core = self.server.core
        await core.db.write(lambda tx: SignInExperiences(tx, TENANT).change(**settings))
        core.directory.forget()

    async def begin(self, browser: Browser, connector: str) -> tuple[str, str]:
        """The verification, and where the browser is sent."""
        reply = await browser(
            "CreateEnterpriseSsoVerification",
            connectorId=connector,
            json={"state": STATE, "redirectUri": PAGE},
        )
        return reply["verificationId"], reply["authorizationUri"]

    async def post(self, connector: str, form: dict[str, str]) -> httpx.Response:
        """What the browser posts from the identity provider's page."""
        answer = await self.server.client.post(
            f"/api/authn/single-sign-on/saml/{connector}", data=form
        )
        check_answer("AssertSingleSignOnSaml", answer)
        return answer

    async def passed(self, browser: Browser, connector: str, protocol: str = "SAML") -> str:
        """Through the company and back again; the verification's id."""
        verification, uri = await self.begin(browser, connector)
        if protocol == "SAML":
            answer = await self.post(connector, self.company.answer(uri))
            assert answer.status_code == 302, answer.text
            assert answer.headers["location"].startswith(f"{PAGE}?")
            data = dict(parse_qs(urlsplit(answer.headers["location"]).query))
            assert data == {"state": [STATE]}
            data = {"state": STATE}
        else:
            data = await self.provider.visit(uri)
        await self.verify(browser, connector, verification, data)
        return verification

    async def verify(
        self, browser: Browser, connector: str, verification: str, data: dict[str, Any]
    ) -> None:
        reply = await browser(
            "VerifyEnterpriseSsoVerification",
            connectorId=connector,
            json={"verificationId": verification, "connectorData": data},
        )
        assert reply["verificationId"] == verification

    async def users(self) -> list[User]:
        found = await self.server.core.db.read(lambda tx: Users(tx, TENANT).search().items)
        return [user for user in found if user.username != "demo"]

    async def add_user(self, **fields: Any) -> User:
        return await self.server.core.db.write(lambda tx: Users(tx, TENANT).create(User(**fields)))


@asynccontextmanager
async def open_office(server: Server, company: SamlIdentityProvider) -> AsyncIterator[Office]:
    """An OpenID provider beside the company's SAML one, and single sign-on switched on."""
    async with open_identity_provider() as provider:
        provider.person = {
            "sub": "anna-7",
            "name": "Anna",
            "email": "anna@corp.example",
            "email_verified": True,
        }
        office = Office(server, company, provider)
        await office.settle(single_sign_on_enabled=True)
        yield office
