"""Authorization requests that are sent ahead (RFC 9126)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gatehouse.actors.pushed_request import PUSHED_AGE_MS
from tests.http.oidc.house import CALLBACK, Client, House, answer_experience, consent, sent_to
from tests.http.oidc.test_token import refused, together

REFERENCE = "urn:ietf:params:oauth:request_uri:"


async def push(client: Client, **changes: str | None) -> httpx.Response:
    form = {**client.request(**changes), **client.credentials}
    return await client.http.post("/oidc/request", data=form)


async def pushed(client: Client, **changes: str | None) -> dict[str, Any]:
    answer = await push(client, **changes)
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return dict(answer.json())


async def arrive(client: Client, reference: str, **more: str) -> httpx.Response:
    params = {"client_id": client.client_id, "request_uri": reference, **more}
    return await client.http.get("/oidc/auth", params=params)


@pytest.mark.parametrize("name", ["spa", "web"])
async def test_rfc9126_2_a_person_signs_in_by_a_pushed_request(http: httpx.AsyncClient, name: str):
    client = Client(http, name)
    body = await pushed(client)
    assert body == {"expires_in": 60, "request_uri": body["request_uri"]}
    assert body["request_uri"].startswith(REFERENCE)
    sent_to(await arrive(client, body["request_uri"]), "/sign-in")
    url = await answer_experience(http, name, "ada")
    params = await consent(client, await http.get(url))
    assert params["state"] == "the-state"
    assert (await client.redeem(params["code"])).status_code == 200


async def test_a_client_that_authenticates_in_the_header_need_not_name_itself(web: Client):
    form = web.request(client_id=None)
    secret = web.credentials["client_secret"]
    answer = await web.http.post("/oidc/request", data=form, auth=("web", secret))
    assert answer.status_code == 201
    sent_to(await arrive(web, answer.json()["request_uri"]), "/sign-in")


async def test_rfc9126_4_nothing_from_the_browser_changes_what_was_pushed(spa: Client):
    reference = (await pushed(spa, response_mode="fragment"))["request_uri"]
    answer = await arrive(spa, reference, prompt="none", state="another", scope="openid")
    sent_to(answer, "/sign-in")
    reference = (await pushed(spa, prompt="none"))["request_uri"]
    answer = sent_to(await arrive(spa, reference, state="another"), CALLBACK)
    assert (answer["error"], answer["state"]) == ("login_required", "the-state")


async def test_rfc9126_7_3_it_is_taken_once_on_all_nodes(spa: Client, house: House):
    async with house.node() as second, second.client() as other:
        reference = (await pushed(spa))["request_uri"]
        there = Client(other, "spa")
        answers = await together(arrive(spa, reference), arrive(there, reference))
    assert sorted(answer.status_code for answer in answers) == [303, 400]
    refused(await arrive(spa, reference), "invalid_request_uri")


async def test_it_is_good_for_a_minute(spa: Client, house: House):
    reference = (await pushed(spa))["request_uri"]
    house.clock.pass_ms(PUSHED_AGE_MS)
    refused(await arrive(spa, reference), "invalid_request_uri")


async def test_rfc9126_4_it_belongs_to_its_client(spa: Client):
    reference = (await pushed(spa))["request_uri"]
    refused(await arrive(Client(spa.http, "native"), reference), "invalid_request_uri")
    refused(await spa.http.get("/oidc/auth", params={"request_uri": reference}), "invalid_request")
    sent_to(await arrive(spa, reference), "/sign-in")


@pytest.mark.parametrize("uid", ["", "x", "a" * 43, "a" * 42 + ":", "../../x"])
async def test_what_was_never_pushed_is_refused(spa: Client, uid: str):
    refused(await arrive(spa, REFERENCE + uid), "invalid_request_uri")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"redirect_uri": "https://evil.example/"}, "invalid_redirect_uri"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"resource": "https://unknown.example"}, "invalid_target"),
        ({"request_uri": REFERENCE + "a" * 43}, "request_uri_not_supported"),
        ({"request": "a.b.c"}, "request_not_supported"),
        ({"state": "x" * 2049}, "invalid_request"),
        ({"extra": "x" * 20_000}, "invalid_request"),
    ],
    ids=str,
)
async def test_rfc9126_2_1_mistakes_are_told_at_once(
    spa: Client, changes: dict[str, str | None], error: str
):
    refused(await push(spa, **changes), error)


async def test_a_body_that_is_too_large_is_not_read(spa: Client):
    assert (await push(spa, extra="x" * 40_000)).status_code == 413


async def test_the_client_has_to_authenticate(web: Client):
    answer = await web.http.post("/oidc/request", data=web.request())
    refused(answer, "invalid_client", 401)
    secret = web.credentials["client_secret"]
    answer = await web.http.post(
        "/oidc/request", data=web.request(client_id="steady"), auth=("web", secret)
    )
    refused(answer, "invalid_client", 401)


async def test_the_endpoint_is_announced(http: httpx.AsyncClient):
    document = (await http.get("/oidc/.well-known/openid-configuration")).json()
    assert document["pushed_authorization_request_endpoint"].endswith("/oidc/request")
