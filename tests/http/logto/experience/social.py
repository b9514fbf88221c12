"""A house with a social connector whose provider is on this machine."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from gatehouse.storage.connectors import Connectors
from gatehouse.storage.identities import SocialIdentities
from gatehouse.storage.records import Connector, User
from tests.http.logto.experience.browsing import Browser
from tests.http.logto.experience.house import TENANT, House
from tests.servers.identity_provider import CLIENT_ID, CLIENT_SECRET, IdentityProvider

BACK = "https://gatehouse.example/callback/acme"
CONNECTOR = "acme"
TARGET = "acme-people"


@dataclass
class Social:
    """The house, the provider, and what goes on between them."""

    house: House
    idp: IdentityProvider

    def config(self, **settings: Any) -> dict[str, Any]:
        """How the connector is told of the provider."""
        return {
            "clientId": CLIENT_ID,
            "clientSecret": CLIENT_SECRET,
            "authorizationEndpoint": self.idp.at("authorize"),
            "tokenEndpoint": self.idp.at("token"),
            "scope": "openid profile email",
            "idTokenVerificationConfig": {
                "jwksUri": self.idp.at("jwks"),
                "issuer": self.idp.issuer,
            },
            **settings,
        }

    async def connect(
        self, id_: str = CONNECTOR, target: str = TARGET, kind: str = "oidc", **fields: Any
    ) -> None:
        """Set a connector up, in place of the one of this id."""
        config = fields.pop("config", None) or self.config()
        record = Connector(
            id=id_,
            connector_id=kind,
            config=json.dumps(config),
            metadata={"target": target, "name": {"en": "Acme"}},
            **fields,
        )

        def put(tx: Any) -> None:
            connectors = Connectors(tx, TENANT)
            if connectors.find(id_) is not None:
                connectors.delete(id_)
            connectors.create(record)

        await self.house.core.db.write(put)
        for node in self.house.nodes:
            node.core.directory.forget()

    async def link(self, user_id: str, identity_id: str = "person-1") -> User:
        """Give a user an identity at the provider."""
        details = {"id": identity_id}
        return await self.house.core.db.write(
            lambda tx: SocialIdentities(tx, TENANT).link(user_id, TARGET, identity_id, details)
        )

    async def owner(self, identity_id: str = "person-1") -> User | None:
        """Whose identity it is."""
        return await self.house.core.db.read(
            lambda tx: SocialIdentities(tx, TENANT).find_user(TARGET, identity_id)
        )

    async def begin(self, browser: Browser, connector: str = CONNECTOR) -> tuple[str, str]:
        """Begin a verification: its id, and where the browser is sent."""
        reply = await browser(
            "CreateSocialVerification",
            connectorId=connector,
            json={"state": "the page's own", "redirectUri": BACK},
        )
        return reply["verificationId"], reply["authorizationUri"]

    async def verify(self, browser: Browser, **changes: Any) -> str:
        """Go to the provider and come back; the verification's id."""
        verification_id, uri = await self.begin(browser)
        answer = {**await self.idp.visit(uri), **changes}
        body = {"connectorData": answer, "verificationId": verification_id}
        reply = await browser("VerifySocialVerification", connectorId=CONNECTOR, json=body)
        assert reply == {"verificationId": verification_id}
        return verification_id

    async def refused(self, browser: Browser, verification_id: str, **answer: Any) -> Any:
        """The status and the code with which an answer is refused."""
        body = {"connectorData": answer, "verificationId": verification_id}
        return await browser.refused("VerifySocialVerification", connectorId=CONNECTOR, json=body)

    async def sign_in(self, browser: Browser, **identification: Any) -> str:
        """All of it."""
        await browser.start()
        body = {"verificationId": await self.verify(browser), **identification}
        await browser("IdentifyUser", json=body, expect=204)
        return await browser.submit()

    async def register(self, browser: Browser) -> str:
        """All of it, for somebody new; where the browser is sent."""
        await browser.start("Register")
        await browser.identify(await self.verify(browser), expect=201)
        return await browser.submit()
