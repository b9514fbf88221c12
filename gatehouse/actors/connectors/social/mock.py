"""A provider that believes anything, for automated tests: offered behind the setting for mocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import uuid4

import msgspec

from gatehouse.actors.connectors.factory import Factory
from gatehouse.actors.connectors.social.backchannel import Backchannel
from gatehouse.actors.connectors.social.oauth_client import (
    Handshake,
    TokenSet,
    code_of,
    with_query,
)
from gatehouse.actors.connectors.social.provider import (
    Identified,
    Text,
    monogram,
    social_user,
)
from gatehouse.actors.refusal import Reason, Refused

ADDRESS = "http://mock-social/"
_SECRET = ("code", "tokenResponse")


class MockConfig(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Credentials that nobody looks at."""

    client_id: Text
    client_secret: Text


class MockSocial:
    """Takes any code; who somebody is stands beside it."""

    sessionless: ClassVar[bool] = True
    renews: ClassVar[bool] = False

    def __init__(self, config: MockConfig) -> None:
        pass

    def authorization_uri(self, handshake: Handshake, scope: str | None = None) -> str:
        """An address that nobody is at."""
        asked = {
            "state": handshake.state,
            "redirect_uri": handshake.redirect_uri,
            "scope": scope or "email profile",
        }
        return with_query(ADDRESS, asked)

    async def identify(
        self, backchannel: Backchannel, handshake: Handshake, answer: Mapping[str, Any]
    ) -> Identified:
        """Whoever the answer says. Raises `Refused`."""
        code_of(handshake, answer)
        user = social_user(
            answer.get("userId") or f"mock-social-sub-{uuid4()}",
            raw={name: told for name, told in answer.items() if name not in _SECRET},
            email=answer.get("email"),
            phone=answer.get("phone"),
            name=answer.get("name"),
            avatar=answer.get("avatar"),
        )
        try:
            tokens = msgspec.convert(answer.get("tokenResponse"), TokenSet | None, strict=False)
        except msgspec.ValidationError:
            raise Refused(Reason.CONNECTOR_RESPONSE_INVALID) from None
        return Identified(user, tokens)

    async def refresh(self, backchannel: Backchannel, refresh_token: str) -> TokenSet:
        """There is nothing to renew."""
        raise Refused(Reason.CONNECTOR_NEEDS_SESSION)


FACTORY = Factory(
    "mock-social-connector",
    "mock-social",
    None,
    "Mock Social",
    "Signs anybody in as anybody.",
    MockConfig,
    mock=True,
    provider=MockSocial,
    stores_tokens=True,
    logo=monogram("?", "#5b6472"),
)
