"""Companies with Google Workspace, Entra and Okta: what is asked of each, and what is believed."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from gatehouse.actors.connectors.social.backchannel import Backchannel
from gatehouse.actors.connectors.social.oauth_client import new_handshake
from gatehouse.actors.outbound import Outbound
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.sso import oidc
from gatehouse.actors.sso.configs import GOOGLE_ISSUER, PROVIDERS
from gatehouse.actors.sso.identity_providers import (
    OidcMetadata,
    ProviderError,
    oidc_config,
    read_discovery,
)
from tests.servers.identity_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    IdentityProvider,
    open_identity_provider,
)

BACK = "https://sp.example/callback/corp"
DIRECTORY = "72f988bf-86f1-41af-91ab-2d7cd011db47"


@pytest.fixture
async def idp() -> AsyncIterator[IdentityProvider]:
    async with open_identity_provider() as provider:
        provider.person = {"sub": "ada-1", "name": "Ada", "email": "ada@corp.example"}
        yield provider


def _config(provider_name: str, **more: Any) -> Any:
    client = {"clientId": CLIENT_ID, "clientSecret": CLIENT_SECRET, **more}
    return PROVIDERS[provider_name].parse(client)


def _entra(idp: IdentityProvider) -> tuple[Any, OidcMetadata]:
    """An application of many directories, whose metadata name none."""
    issuer = idp.at("{tenantid}/v2.0")
    found = read_discovery(msgspec.json.encode({**idp.metadata, "issuer": issuer}), idp.at("v2.0"))
    idp.names_itself = False
    return _config("AzureAdOidc", issuer=idp.at("v2.0")), found


async def _identify(idp: IdentityProvider, config: Any, metadata: OidcMetadata) -> dict[str, Any]:
    handshake = new_handshake(BACK)
    answer = await idp.visit(oidc.authorization_uri(config, metadata, handshake))
    backchannel = Backchannel(Outbound(allow_private=True), lambda: time.time_ns() // 1_000_000)
    info, _ = await oidc.identify(backchannel, config, metadata, handshake, answer)
    return info


@pytest.mark.parametrize("offline", [None, False, True])
async def test_google_lets_people_choose_their_account(
    idp: IdentityProvider, offline: bool | None
) -> None:
    more = {} if offline is None else {"offlineAccess": offline}
    config = _config("GoogleWorkspace", scope="profile calendar", **more)
    assert oidc_config(config).issuer == GOOGLE_ISSUER
    metadata = read_discovery(msgspec.json.encode(idp.metadata), idp.issuer)
    query = parse_qs(
        urlsplit(oidc.authorization_uri(config, metadata, new_handshake(BACK, "state"))).query
    )
    assert query["scope"] == ["openid profile email calendar"]
    assert query["include_granted_scopes"] == ["true"]
    assert query["prompt"] == ["consent select_account" if offline else "select_account"]
    assert query.get("access_type") == (["offline"] if offline else None)
    assert (query["state"], query["code_challenge_method"]) == (["state"], ["S256"])


@pytest.mark.parametrize(
    ("said", "trusts", "email"),
    [
        ({"email_verified": True}, False, "ada@corp.example"),
        ({"email_verified": False}, True, None),
        ({"email_verified": "true"}, True, None),
        ({}, False, None),
        ({}, True, "ada@corp.example"),
    ],
)
async def test_an_address_counts_if_the_provider_or_else_the_operator_vouches_for_it(
    idp: IdentityProvider, said: dict[str, Any], trusts: bool, email: str | None
) -> None:
    idp.person |= said
    config = _config("Okta", issuer=idp.issuer, trustUnverifiedEmail=trusts)
    metadata = read_discovery(msgspec.json.encode(idp.metadata), idp.issuer)
    info = await _identify(idp, config, metadata)
    assert (info["id"], info["name"], info.get("email")) == ("ada-1", "Ada", email)
    assert ("unverifiedEmail" in info) is (email is None)


async def test_entra_names_its_directory_in_the_id_token(idp: IdentityProvider) -> None:
    config, metadata = _entra(idp)
    idp.tamper = lambda claims: {**claims, "iss": idp.at(f"{DIRECTORY}/v2.0"), "tid": DIRECTORY}
    info = await _identify(idp, config, metadata)
    assert info["id"] == "ada-1"
    assert "email" not in info, "any directory may say that an address is its user's"
    assert info["unverifiedEmail"] == "ada@corp.example"


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://elsewhere.example/v2.0", "tid": DIRECTORY},
        {"tid": DIRECTORY},
        {"tid": "{tenantid}/../other"},
        {},
    ],
)
async def test_an_id_token_of_another_directory_than_it_says_is_refused(
    idp: IdentityProvider, claims: dict[str, Any]
) -> None:
    config, metadata = _entra(idp)
    idp.tamper = lambda told: {**told, **claims}
    with pytest.raises(Refused) as refused:
        await _identify(idp, config, metadata)
    assert refused.value.reason is Reason.ID_TOKEN_INVALID


def test_metadata_of_another_issuer_are_not_taken_for_the_companys() -> None:
    metadata = {
        "issuer": "https://evil.example",
        "authorization_endpoint": "https://corp.example/authorize",
        "token_endpoint": "https://corp.example/token",
        "jwks_uri": "https://corp.example/jwks",
    }
    with pytest.raises(ProviderError):
        read_discovery(msgspec.json.encode(metadata), "https://corp.example")
