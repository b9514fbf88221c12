"""A browser with an interaction open, as far as the Experience API is concerned."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import httpx

from gatehouse.actors.authorization import AuthorizationRequest
from gatehouse.actors.cookies import INTERACTION_COOKIE, add_interaction
from gatehouse.actors.core import Core
from gatehouse.actors.interaction import Begin, Interaction, Prompt, address
from gatehouse.actors.tokens import new_uid
from tests.http.contract import Api

APPLICATION = "demo-app"
CALLBACK = "https://app.example/callback"
SCOPES = ("openid", "offline_access", "profile")


@dataclass
class Browser:
    """One browser: its cookies, and the servers it talks to."""

    core: Core
    client: httpx.AsyncClient
    uid: str = ""
    cookies: dict[str, str] = field(default_factory=dict)

    async def arrive(
        self,
        prompt: Prompt = Prompt.LOGIN,
        application: str = APPLICATION,
        session_id: str | None = None,
    ) -> Browser:
        """Begin an interaction, as the authorization endpoint does."""
        self.uid = new_uid()
        params = AuthorizationRequest(client_id=application, redirect_uri=CALLBACK, scopes=SCOPES)
        begin = Begin(application, params, prompt, session_id)
        await self.core.engine.turn(address(self.core.tenant_id, self.uid), begin)
        known = self.core.cookies.read(self.cookies, INTERACTION_COOKIE)
        self.keep(INTERACTION_COOKIE, add_interaction(known, application, self.uid))
        return self

    def keep(self, name: str, value: str) -> None:
        """Remember a signed cookie."""
        self.cookies[name] = value
        self.cookies[f"{name}.sig"] = self.core.cookies.signature(name, value)

    @property
    def headers(self) -> dict[str, str]:
        """What the browser sends with every request."""
        pairs = (f"{name}={value}" for name, value in self.cookies.items())
        return {"cookie": "; ".join(pairs), "user-agent": "Test/1.0"}

    async def state(self) -> Interaction:
        """The interaction as it is."""
        found = await self.core.engine.read(address(self.core.tenant_id, self.uid))
        assert found is not None
        return found

    async def __call__(
        self, operation_id: str, *, expect: int | None = None, json: Any = None, **options: Any
    ) -> Any:
        """Call an operation of the Experience API; the answer is held against the contract."""
        api = Api(self.client)
        return await api(operation_id, expect=expect, json=json, headers=self.headers, **options)

    async def refused(self, operation_id: str, json: Any = None, **options: Any) -> tuple[int, str]:
        """The status and the code of a refusal."""
        api = Api(self.client)
        answer = await api.send(operation_id, json=json, headers=self.headers, **options)
        assert answer.status_code >= 400, answer.text
        return answer.status_code, answer.json()["code"]

    async def start(self, event: str = "SignIn") -> Browser:
        """Say what the person came to do."""
        await self("InitInteraction", json={"interactionEvent": event}, expect=204)
        return self

    async def verify_password(self, username: str, password: str) -> str:
        """Verify a password; the verification's id."""
        reply = await self("CreatePasswordVerification", json=credentials(username, password))
        return str(reply["verificationId"])

    async def identify(self, verification_id: str | None, expect: int = 204) -> None:
        """Identify the person by a verification."""
        body = {} if verification_id is None else {"verificationId": verification_id}
        api = Api(self.client)
        answer = await api.send("IdentifyUser", json=body, headers=self.headers)
        assert answer.status_code == expect, answer.text

    async def submit(self) -> str:
        """Finish; where the browser is sent."""
        reply = await self("SubmitInteraction")
        return str(reply["redirectTo"])

    async def sign_in(self, username: str, password: str) -> str:
        """All of it."""
        await self.start()
        await self.identify(await self.verify_password(username, password))
        return await self.submit()


def credentials(username: str, password: str) -> dict[str, Any]:
    """The body of a password verification."""
    return {"identifier": {"type": "username", "value": username}, "password": password}
