"""Files by which others see whose a domain is: served under that domain and no other."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.http.contract import CONTRACT, Api
from tests.http.running import BOTH_DATABASES

TEXT = {"path": "/verify-1.txt", "content": "mine", "contentType": "text/plain"}
JSON = {
    "path": "/.well-known/apple-app-site-association",
    "content": '{"a":1}',
    "contentType": "application/json",
}


async def send(api: Api, operation: str, domain: str, json: Any = None) -> httpx.Response:
    """The answer is a list, as Logto's is; its contract calls it an object."""
    declared = CONTRACT[operation]
    return await api.client.request(
        declared["method"],
        declared["path"].replace("{id}", domain),
        json=json,
        headers={"authorization": f"Bearer {api.token}"},
    )


async def put(api: Api, domain: str, *files: dict[str, str]) -> httpx.Response:
    body = {"verificationFiles": list(files)}
    return await send(api, "ReplaceDomainVerificationFiles", domain, body)


@pytest.fixture
async def domain(api: Api) -> str:
    """The id of login.acme.example."""
    made = await api("CreateDomain", json={"domain": "login.acme.example"}, expect=201)
    return str(made["id"])


@BOTH_DATABASES
async def test_files_are_served_under_their_domain_alone(api: Api, domain: str) -> None:
    stored = await put(api, domain, TEXT, JSON)
    assert (stored.status_code, stored.json()) == (200, [TEXT, JSON])
    assert (await send(api, "ListDomainVerificationFiles", domain)).json() == [TEXT, JSON]
    for file in (TEXT, JSON):
        for host in ("login.acme.example", "LOGIN.acme.example:443"):
            served = await api.client.get(file["path"], headers={"host": host})
            assert (served.status_code, served.text) == (200, file["content"])
            assert served.headers["content-type"].startswith(file["contentType"])
            assert served.headers["content-security-policy"] == "default-src 'none'; sandbox"
        elsewhere = await api.client.get(file["path"], headers={"host": "other.example"})
        assert elsewhere.status_code == 404
    assert (await put(api, domain)).json() == []
    gone = await api.client.get(TEXT["path"], headers={"host": "login.acme.example"})
    assert gone.status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {**TEXT, "path": "/api/file.txt"},
        {**TEXT, "path": "/../secret.txt"},
        {**TEXT, "path": "/file"},
        {**TEXT, "path": "/a.txt\n"},
        {**TEXT, "content": ""},
        {**TEXT, "content": "x" * (16 * 1024 + 1)},
        {**TEXT, "contentType": "text/html"},
        {**JSON, "content": "{"},
    ],
)
async def test_what_is_no_such_file_is_refused(
    api: Api, domain: str, wrong: dict[str, str]
) -> None:
    refused = await put(api, domain, wrong)
    assert (refused.status_code, refused.json()["code"]) == (400, "guard.invalid_input")
    assert (await send(api, "ListDomainVerificationFiles", domain)).json() == []


async def test_paths_are_different_and_files_are_few(api: Api, domain: str) -> None:
    assert (await put(api, domain, TEXT, TEXT)).status_code == 400
    many = [{**TEXT, "path": f"/{number}.txt"} for number in range(11)]
    assert (await put(api, domain, *many)).status_code == 400
    assert (await put(api, "nothing", TEXT)).status_code == 404
    assert (await send(api, "ListDomainVerificationFiles", "nothing")).status_code == 404
