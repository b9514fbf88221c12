"""Clients that nobody registered, known by the document at the address that is their id."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx
import pytest
import trio

from gatehouse.actors import outbound
from gatehouse.actors.client_documents import (
    HOST_FETCHES,
    KEEP_NOTHING_S,
    KEEP_S,
    ClientDocuments,
    described,
    is_document_id,
)
from gatehouse.actors.outbound import Outbound
from gatehouse.storage.consent_scopes import ConsentScopes, ScopeKind
from gatehouse.storage.resources import Resources, Scopes
from gatehouse.storage.tenants import Configs
from gatehouse.storage.transaction import Transaction
from tests.http.oidc.house import (
    API,
    CALLBACK,
    TENANT,
    Client,
    Node,
    answer_experience,
    claims,
    sent_to,
)
from tests.http.oidc.test_consent import allow
from tests.servers.certificates import Certificates, make_certificates

ID = "https://agent.example/oauth/client"
GOOD: dict[str, Any] = {"client_id": ID, "client_name": "Agent", "redirect_uris": [CALLBACK]}


@dataclass
class Site:
    """A web site that publishes one document."""

    url: str = ""
    status: int = 200
    document: Any = field(default_factory=dict)
    asked: int = 0

    async def answer(self, stream: trio.SSLStream[trio.SocketStream]) -> None:
        try:
            await stream.receive_some(4096)
            self.asked += 1
            body = json.dumps(self.document).encode()
            head = f"HTTP/1.1 {self.status} X\r\ncontent-length: {len(body)}\r\n\r\n"
            await stream.send_all(head.encode() + body)
            await stream.aclose()
        except trio.BrokenResourceError:
            pass


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("site"))


@asynccontextmanager
async def open_site(certificates: Certificates) -> AsyncIterator[Site]:
    site = Site()
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(
            partial(
                trio.serve_ssl_over_tcp,
                site.answer,
                0,
                certificates.server_context(),
                host="127.0.0.1",
            )
        )
        port = listeners[0].transport_listener.socket.getsockname()[1]
        site.url = f"https://localhost:{port}/oauth/client"
        site.document = {**GOOD, "client_id": site.url}
        yield site
        nursery.cancel_scope.cancel()


@pytest.fixture(autouse=True)
def _believed(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's own authority is believed."""
    authorities = ssl.create_default_context(cafile=str(certificates.authority))
    monkeypatch.setattr(outbound, "_authorities", lambda: authorities)


def allow_documents(tx: Transaction) -> None:
    Configs(tx, TENANT).put("cimd", {"enabled": True})
    lists = ConsentScopes(tx, TENANT)
    lists.add(ScopeKind.USER, ["profile"])
    resource = Resources(tx, TENANT).find_by_indicator(API)
    assert resource is not None
    scopes = Scopes(tx, TENANT).of_resources([resource.id])
    lists.add(ScopeKind.RESOURCE, [scope.id for scope in scopes if scope.name == "read"])


@dataclass
class Stranger(Client):
    """A client that nobody registered."""

    @property
    def credentials(self) -> dict[str, str]:
        return {"client_id": self.client_id}


async def test_a_document_is_enough_to_be_a_client_that_is_asked_about(
    node: Node, http: httpx.AsyncClient, certificates: Certificates
) -> None:
    async with open_site(certificates) as site:
        node.core.directory._documents = ClientDocuments(Outbound(allow_private=True))
        client = Stranger(http, site.url)
        query = client.request(scope="openid offline_access profile read write", resource=API)
        unknown = await http.get("/oidc/auth", params=query)
        assert unknown.json()["error"] == "invalid_client"
        assert site.asked == 0
        await node.change(allow_documents)
        found = (await http.get("/oidc/.well-known/openid-configuration")).json()
        assert found["client_id_metadata_document_supported"] is True
        answer = await http.get("/oidc/auth", params=query)
        sent_to(answer, "/sign-in")
        answer = await http.get(await answer_experience(http, site.url, "ada"))
        page = await http.get(answer.headers["location"])
        assert "Agent (localhost:" in page.text
        params = await allow(client, page)
        body = (await client.redeem(params["code"], resource=API)).json()
        assert claims(body["access_token"])["scope"] == "read"
        assert claims(body["access_token"])["client_id"] == site.url
        assert (await client.refresh(body["refresh_token"])).status_code == 200
        assert site.asked == 1


async def test_it_asks_for_no_more_than_all_such_clients_may(
    node: Node, http: httpx.AsyncClient, certificates: Certificates
) -> None:
    async with open_site(certificates) as site:
        node.core.directory._documents = ClientDocuments(Outbound(allow_private=True))
        await node.change(allow_documents)
        client = Stranger(http, site.url)
        answer = await http.get("/oidc/auth", params=client.request(scope="openid email"))
        assert sent_to(answer, CALLBACK)["error"] == "invalid_scope"
        elsewhere = client.request(scope="openid", redirect_uri="https://evil.example/")
        answer = await http.get("/oidc/auth", params=elsewhere)
        assert answer.json()["error"] == "invalid_redirect_uri"
        answer = await client.token(grant_type="client_credentials")
        assert answer.json()["error"] == "unauthorized_client"


async def test_a_document_is_kept_and_strangers_cannot_have_a_site_flooded(
    certificates: Certificates, autojump_clock: trio.testing.MockClock
) -> None:
    autojump_clock.autojump_threshold = 0.5
    async with open_site(certificates) as site:
        documents = ClientDocuments(Outbound(allow_private=True))
        assert await documents.find(site.url) is not None
        assert await documents.find(site.url) is not None
        assert site.asked == 1
        for number in range(3 * HOST_FETCHES):
            assert await documents.find(f"{site.url}/{number}") is None
        assert site.asked == HOST_FETCHES
        await trio.sleep(KEEP_S + 1)
        site.status = 503
        assert await documents.find(site.url) is not None
        await trio.sleep(KEEP_NOTHING_S + 1)
        site.status = 404
        assert await documents.find(site.url) is None


async def test_private_addresses_are_not_asked(certificates: Certificates) -> None:
    async with open_site(certificates) as site:
        documents = ClientDocuments(Outbound())
        assert await documents.find(site.url) is None
        assert site.asked == 0


@pytest.mark.parametrize(
    "client_id",
    [
        "http://agent.example/client",
        "https://agent.example",
        "https://agent.example/",
        "https://agent.example/a/../b",
        "https://agent.example/./b",
        "https://user@agent.example/client",
        "https://agent.example/client#part",
        "https://agent.example/client?x=1",
        "https://agent.example/cl;ient",
        'https://agent.example/"client',
        "https://agent.example/" + "a" * 512,
        "agent",
    ],
)
def test_other_addresses_name_no_document(client_id: str) -> None:
    assert not is_document_id(client_id)


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": "https://other.example/client"},
        {"client_secret": "x"},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"redirect_uris": []},
        {"redirect_uris": "https://app.example"},
        {"redirect_uris": [1]},
        {"redirect_uris": ["https://*.app.example/callback"]},
        {"redirect_uris": ["javascript:alert(1)"]},
        {"redirect_uris": ["https://app.example/#x"]},
        {"redirect_uris": ["https://app.example/\r\nx"]},
        {"redirect_uris": ["https://app.example/"] * 33},
    ],
)
def test_a_document_that_describes_no_client_of_this_kind_is_none(change: dict[str, Any]) -> None:
    assert is_document_id(ID)
    assert described(ID, GOOD) is not None
    assert described(ID, {**GOOD, **change}) is None
    assert described(ID, [GOOD]) is None


def test_a_document_gives_itself_no_rights() -> None:
    wants = {
        **GOOD,
        "grant_types": ["client_credentials"],
        "scope": "all",
        "is_third_party": False,
        "client_name": "A" * 1000,
    }
    client = described(ID, wants)
    assert client is not None
    assert client.third_party
    assert client.public
    assert client.grant_types == {"authorization_code", "refresh_token"}
    assert client.name.endswith("(agent.example)")
    assert len(client.name) < 200
