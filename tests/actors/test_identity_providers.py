"""What identity providers say of themselves is asked rarely, and believed for a while."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from gatehouse.actors.outbound import Answer, Outbound, OutboundError
from gatehouse.actors.sso.identity_providers import (
    KEPT_MS,
    MAX_KEPT,
    RETRY_MS,
    STALE_MS,
    IdentityProviders,
    OidcMetadata,
    ProviderError,
)

ISSUER = "https://corp.example"


class Answering(Outbound):
    """Answers as it is told, and counts."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.answers = True
        self.token_endpoint = "https://corp.example/token"

    async def get(self, url: str, headers: Mapping[str, str], *, limit: int = 0) -> Answer:
        self.asked += 1
        if not self.answers:
            raise OutboundError("it took too long")
        metadata = {
            "issuer": url.partition("/.well-known")[0],
            "authorization_endpoint": "https://corp.example/authorize",
            "token_endpoint": self.token_endpoint,
            "jwks_uri": "https://corp.example/jwks",
        }
        return Answer(200, json.dumps(metadata).encode())


class House:
    def __init__(self) -> None:
        self.now = 1_000_000
        self.outbound = Answering()
        self.providers = IdentityProviders(self.outbound, lambda: self.now)

    async def ask(self, **how: Any) -> OidcMetadata:
        return await self.providers.oidc(ISSUER, **how)


async def test_a_provider_is_asked_again_after_some_minutes() -> None:
    house = House()
    for _ in range(3):
        await house.ask()
    assert house.outbound.asked == 1
    house.now += KEPT_MS
    house.outbound.token_endpoint = "https://corp.example/new"
    assert (await house.ask()).token_endpoint == "https://corp.example/new"
    assert house.outbound.asked == 2


async def test_who_sets_up_a_connector_is_told_what_is_true_now() -> None:
    house = House()
    await house.ask()
    house.outbound.answers = False
    with pytest.raises(ProviderError):
        await house.ask(fresh=True)
    assert (await house.ask()).issuer == ISSUER


async def test_a_provider_that_is_down_is_believed_for_a_day() -> None:
    house = House()
    await house.ask()
    house.outbound.answers = False
    house.now += KEPT_MS
    for _ in range(5):
        await house.ask()
    assert house.outbound.asked == 2
    house.now += RETRY_MS
    await house.ask()
    assert house.outbound.asked == 3
    house.now += STALE_MS
    with pytest.raises(ProviderError):
        await house.ask()


async def test_a_provider_that_never_answered_is_left_alone_for_a_while() -> None:
    house = House()
    house.outbound.answers = False
    for _ in range(5):
        with pytest.raises(ProviderError):
            await house.ask()
    assert house.outbound.asked == 1
    house.outbound.answers = True
    house.now += RETRY_MS
    assert (await house.ask()).issuer == ISSUER


async def test_only_so_many_providers_are_remembered() -> None:
    house = House()
    await house.ask()
    for number in range(MAX_KEPT):
        await house.providers.oidc(f"https://corp{number}.example")
    await house.ask()
    assert house.outbound.asked == MAX_KEPT + 2
