"""Custom domains: added, asked whether they lead here, given up."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pytest

from gatehouse.actors.outbound import Answer, Outbound, OutboundError
from gatehouse.storage.domains import MAX_DOMAINS, Domains
from tests.http.contract import Api
from tests.http.running import BOTH_DATABASES, TENANT, Server

DAY_MS = 24 * 3600 * 1000


@pytest.fixture(autouse=True)
def internet(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """What domains answer, by name; the others cannot be reached."""
    answers: dict[str, bytes] = {}

    async def get(self: Outbound, url: str, headers: Mapping[str, str]) -> Answer:
        name = url.split("/")[2]
        if name not in answers:
            raise OutboundError("the name cannot be resolved")
        return Answer(200, answers[name])

    monkeypatch.setattr(Outbound, "get", get)
    return answers


@BOTH_DATABASES
async def test_a_domain_is_active_once_it_leads_here(
    server: Server, api: Api, internet: dict[str, bytes]
) -> None:
    made = await api("CreateDomain", json={"domain": "Login.Acme.example"}, expect=201)
    assert (made["domain"], made["status"]) == ("login.acme.example", "PendingVerification")
    assert [record["name"] for record in made["dnsRecords"]] == ["login.acme.example"]
    (pending,) = await api("ListDomains")
    assert pending["status"] == "PendingVerification"
    assert pending["errorMessage"] is not None
    for answer, status in (
        (b"not json", "PendingVerification"),
        (b'{"issuer": "https://elsewhere.example/oidc"}', "PendingVerification"),
        (msgspec.json.encode({"issuer": server.core.issuer}), "Active"),
        (b"[]", "Error"),
    ):
        internet["login.acme.example"] = answer
        assert (await api("GetDomain", id=made["id"]))["status"] == status
    await api("DeleteDomain", id=made["id"], expect=204)
    for operation in ("GetDomain", "DeleteDomain"):
        gone = await api(operation, id=made["id"], expect=404)
        assert gone["code"] == "entity.not_exists_with_id"


@BOTH_DATABASES
async def test_domains_that_never_worked_are_given_up(
    server: Server, api: Api, internet: dict[str, bytes]
) -> None:
    for name in ("works", "old", "new"):
        await api("CreateDomain", json={"domain": f"{name}.example.com"}, expect=201)
    internet["works.example.com"] = msgspec.json.encode({"issuer": server.core.issuer})

    def age(tx: object) -> None:
        for one in Domains(tx, TENANT).all():  # type: ignore[arg-type]
            if not one.domain.startswith("new"):
                Domains(tx, TENANT).delete(one.id)  # type: ignore[arg-type]
                Domains(tx, TENANT).create(  # type: ignore[arg-type]
                    msgspec.structs.replace(one, created_at=one.created_at - 3 * DAY_MS)
                )

    await server.core.db.write(age)
    summary = await api("CleanupDomains", json={"staleDays": 2})
    assert summary == {
        "scannedCount": 3,
        "deletedCount": 1,
        "skippedActiveCount": 1,
        "failedCount": 0,
    }
    names = [one["domain"] for one in await api("ListDomains")]
    assert sorted(names) == ["new.example.com", "works.example.com"]
    await api("CleanupDomains", json={"staleDays": 0}, expect=400)


@pytest.mark.parametrize(
    "name", ["localhost", "127.0.0.1", "a b.example", "https://a.example", "-a.example", "a..b"]
)
async def test_what_is_no_host_name_is_no_domain(api: Api, name: str) -> None:
    refused = await api("CreateDomain", json={"domain": name}, expect=400)
    assert refused["code"] == "domain.domain_is_not_allowed"
    assert await api("ListDomains") == []


async def test_a_domain_is_added_once_and_there_are_not_too_many(api: Api) -> None:
    for number in range(MAX_DOMAINS):
        await api("CreateDomain", json={"domain": f"d{number}.example.com"}, expect=201)
    refused = await api("CreateDomain", json={"domain": "one.more.example"}, expect=422)
    assert refused["code"] == "domain.exceed_domain_limit"
    listed = await api("ListDomains")
    await api("DeleteDomain", id=listed[0]["id"])
    refused = await api("CreateDomain", json={"domain": "d5.example.com"}, expect=422)
    assert refused["code"] == "domain.domain_in_use"
    await api("CreateDomain", json={}, expect=400)
