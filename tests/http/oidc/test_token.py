"""The token endpoint: every grant, who may use it, and what happens when it is used twice."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import trio

from gatehouse.actors.family import CODE_AGE_MS, REFRESH_GRACE_MS
from gatehouse.storage.applications import ApplicationSecrets
from gatehouse.storage.records import ApplicationSecret, Resource
from gatehouse.storage.resources import Resources
from gatehouse.storage.users import Users
from tests.http.oidc.house import (
    API,
    CALLBACK,
    ISSUER,
    ON_BOTH,
    SECRET,
    TENANT,
    Client,
    House,
    Node,
    claims,
    sign_in,
    tokens,
)

DAY = 24 * 60 * 60 * 1000


@pytest.fixture
async def other(house: House, node: Node) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a second node."""
    async with house.node() as second, second.client() as http:
        yield http


def refused(answer: httpx.Response, error: str, status: int = 400) -> dict[str, Any]:
    """The body of a refusal in Logto's form."""
    assert answer.status_code == status, answer.text
    body = dict(answer.json())
    assert body["code"] == f"oidc.{error}"
    assert body["error"] == error
    assert body["message"]
    assert answer.headers["cache-control"] == "no-store"
    return body


async def together(*calls: Any) -> list[Any]:
    """Await several at the same time; their results in order."""
    results: list[Any] = [None] * len(calls)

    async def run(at: int, call: Any) -> None:
        results[at] = await call

    async with trio.open_nursery() as nursery:
        for at, call in enumerate(calls):
            nursery.start_soon(run, at, call)
    return results


@ON_BOTH
async def test_a_code_is_good_once_and_its_replay_revokes_what_it_gave(spa: Client):
    code = (await sign_in(spa))["code"]
    body = (await spa.redeem(code)).json()
    assert (await spa.userinfo(body["access_token"])).status_code == 200
    refused(await spa.redeem(code), "invalid_grant")
    assert (await spa.userinfo(body["access_token"])).status_code == 401
    refused(await spa.refresh(body["refresh_token"]), "invalid_grant")


async def test_of_two_nodes_that_redeem_a_code_at_once_one_wins(
    spa: Client, other: httpx.AsyncClient
):
    code = (await sign_in(spa))["code"]
    there = Client(other, "spa", spa.verifier)
    answers = await together(spa.redeem(code), there.redeem(code))
    assert sorted(answer.status_code for answer in answers) == [200, 400]
    won = next(answer for answer in answers if answer.status_code == 200).json()
    assert (await spa.userinfo(won["access_token"])).status_code == 401
    refused(await there.refresh(won["refresh_token"]), "invalid_grant")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code": "x" * 43}, "invalid_grant"),
        ({"redirect_uri": f"{CALLBACK}?fixed=1"}, "invalid_grant"),
        ({"redirect_uri": ""}, "invalid_request"),
        ({"code_verifier": "v" * 43}, "invalid_grant"),
        ({"code_verifier": "short"}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_grant"),
        ({"code_verifier": "v" * 129}, "invalid_grant"),
        ({"resource": API}, "invalid_target"),
    ],
)
async def test_a_code_is_bound_to_what_it_was_issued_for(
    spa: Client, changes: dict[str, str], error: str
):
    code = (await sign_in(spa))["code"]
    refused(await spa.redeem(code, **changes), error)
    assert (await spa.redeem(code)).status_code == 200  # who may have it still can


async def test_a_verifier_without_a_challenge_is_a_downgrade(web: Client):
    code = (await sign_in(web, code_challenge=None, code_challenge_method=None))["code"]
    refused(await web.redeem(code), "invalid_grant")
    assert (await web.redeem(code, code_verifier="")).status_code == 200


async def test_a_code_of_another_client_is_refused(spa: Client):
    code = (await sign_in(spa))["code"]
    web = Client(spa.http, "web", spa.verifier)
    refused(await web.redeem(code), "invalid_grant")
    assert (await spa.redeem(code)).status_code == 200


async def test_a_code_expires_after_a_minute(spa: Client, house: House):
    code = (await sign_in(spa))["code"]
    house.clock.pass_ms(CODE_AGE_MS)
    refused(await spa.redeem(code), "invalid_grant")


async def test_a_refresh_token_is_no_code_and_no_access_token(spa: Client):
    body = await tokens(spa)
    refused(await spa.redeem(body["refresh_token"]), "invalid_grant")
    refused(await spa.refresh(body["access_token"]), "invalid_grant")
    assert (await spa.userinfo(body["refresh_token"])).status_code == 401


async def test_refreshing_rotates_and_gives_all_anew(spa: Client):
    first = await tokens(spa)
    second = (await spa.refresh(first["refresh_token"])).json()
    assert set(second) == set(first)
    for name in ("access_token", "refresh_token"):
        assert second[name] != first[name]
    assert "nonce" not in claims(second["id_token"])
    third = (await spa.refresh(second["refresh_token"])).json()
    assert third["refresh_token"] not in (first["refresh_token"], second["refresh_token"])
    assert (await spa.userinfo(third["access_token"])).status_code == 200


async def test_two_tabs_that_refresh_at_once_get_the_same_successor(
    spa: Client, other: httpx.AsyncClient
):
    token = (await tokens(spa))["refresh_token"]
    there = Client(other, "spa")
    answers = await together(*(tab.refresh(token) for tab in (spa, there) for _ in range(4)))
    bodies = [answer.json() for answer in answers]
    assert [answer.status_code for answer in answers] == [200] * 8
    assert len({body["refresh_token"] for body in bodies}) == 1
    assert len({body["access_token"] for body in bodies}) == 8
    assert (await there.refresh(bodies[0]["refresh_token"])).status_code == 200


async def test_who_did_not_hear_the_answer_asks_again(spa: Client, house: House):
    token = (await tokens(spa))["refresh_token"]
    lost = (await spa.refresh(token)).json()
    house.clock.pass_ms(REFRESH_GRACE_MS - 1000)
    assert (await spa.refresh(token)).json()["refresh_token"] == lost["refresh_token"]


async def test_reuse_after_the_grace_revokes_the_family(spa: Client, house: House):
    token = (await tokens(spa))["refresh_token"]
    second = (await spa.refresh(token)).json()
    house.clock.pass_ms(REFRESH_GRACE_MS + 1000)
    refused(await spa.refresh(token), "invalid_grant")
    refused(await spa.refresh(second["refresh_token"]), "invalid_grant")
    assert (await spa.userinfo(second["access_token"])).status_code == 401


async def test_rotation_is_the_confidential_applications_choice(http: httpx.AsyncClient):
    steady = Client(http, "steady")
    first = await tokens(steady)
    second = (await steady.refresh(first["refresh_token"])).json()
    assert second["refresh_token"] == first["refresh_token"]


async def test_a_browser_applications_refresh_token_ends_after_its_time_rotated_or_not(
    spa: Client, web: Client, house: House
):
    browser, server = await tokens(spa), await tokens(web, prompt="login consent")
    house.clock.pass_ms(13 * DAY)
    browser = (await spa.refresh(browser["refresh_token"])).json()
    server = (await web.refresh(server["refresh_token"])).json()
    house.clock.pass_ms(2 * DAY)
    refused(await spa.refresh(browser["refresh_token"]), "invalid_grant")
    assert (await web.refresh(server["refresh_token"])).status_code == 200


async def test_a_refresh_may_narrow_the_scopes_and_not_widen_them(spa: Client):
    body = await tokens(spa, scope="openid offline_access profile email")
    narrow = (await spa.refresh(body["refresh_token"], scope="openid email")).json()
    assert narrow["scope"] == "openid email"
    told = (await spa.userinfo(narrow["access_token"])).json()
    assert "email" in told
    assert "username" not in told
    refused(await spa.refresh(narrow["refresh_token"], scope="openid phone"), "invalid_scope")
    full = (await spa.refresh(narrow["refresh_token"])).json()
    assert full["scope"] == "openid offline_access profile email"


async def test_an_id_token_tells_no_more_than_a_narrowed_refresh_asks_for(spa: Client):
    body = await tokens(spa, scope="openid offline_access profile email roles")
    narrow = (await spa.refresh(body["refresh_token"], scope="openid email")).json()
    told = claims(narrow["id_token"])
    assert "email" in told
    assert told.keys().isdisjoint({"roles", "username"})
    assert "id_token" not in (await spa.refresh(narrow["refresh_token"], scope="email")).json()


@ON_BOTH
async def test_a_token_for_an_api_allows_what_the_users_roles_grant(spa: Client, node: Node):
    body = await tokens(spa, resource=API)
    answer = (await spa.refresh(body["refresh_token"], resource=API)).json()
    assert answer["scope"] == "read"
    assert answer["expires_in"] == 600
    told = claims(answer["access_token"])
    assert told["aud"] == API
    assert told["iss"] == ISSUER
    assert told["sub"] == node.users["ada"]
    assert told["client_id"] == "spa"
    assert told["scope"] == "read"
    assert told["exp"] - told["iat"] == 600
    assert len(told["jti"]) >= 20
    refused(await spa.refresh(answer["refresh_token"], resource="https://other"), "invalid_target")


async def test_a_scope_that_was_not_asked_for_is_not_given(spa: Client):
    body = await tokens(spa, resource=API, scope="openid offline_access write")
    answer = (await spa.refresh(body["refresh_token"], resource=API)).json()
    assert answer["scope"] == ""


async def test_a_code_may_be_redeemed_for_an_api_at_once(spa: Client):
    code = (await sign_in(spa, resource=API))["code"]
    answer = (await spa.redeem(code, resource=API)).json()
    assert claims(answer["access_token"])["aud"] == API


async def test_several_resources_may_stand_in_one_parameter(spa: Client, node: Node):
    other = Resource(name="Other", indicator="https://other.example")
    await node.change(lambda tx: Resources(tx, TENANT).create(other))
    body = await tokens(spa, resource=f"{API},https://other.example")
    for resource in (API, "https://other.example"):
        answer = await spa.refresh(body["refresh_token"], resource=resource)
        assert claims(answer.json()["access_token"])["aud"] == resource


async def test_the_default_api_is_meant_where_none_is_named(spa: Client, node: Node):
    def make_default(tx: Any) -> None:
        resources = Resources(tx, TENANT)
        found = resources.find_by_indicator(API)
        assert found is not None
        resources.update(found.id, is_default=True)

    before = await tokens(spa)
    await node.change(make_default)
    body = await tokens(Client(spa.http, "web"), scope="openid read", prompt="login")
    assert claims(body["access_token"])["aud"] == API
    opaque = (await spa.refresh(before["refresh_token"])).json()
    assert "." not in opaque["access_token"]


@ON_BOTH
async def test_suspending_a_user_ends_what_was_issued(spa: Client, node: Node):
    body = await tokens(spa)
    await node.change(lambda tx: Users(tx, TENANT).set_suspended(node.users["ada"], True))
    assert (await spa.userinfo(body["access_token"])).status_code == 401
    refused(await spa.refresh(body["refresh_token"]), "invalid_grant")
    await node.change(lambda tx: Users(tx, TENANT).set_suspended(node.users["ada"], False))
    assert (await spa.userinfo(body["access_token"])).status_code == 401
    refused(await spa.refresh(body["refresh_token"]), "invalid_grant")


async def test_a_deleted_users_tokens_are_worth_nothing(spa: Client, node: Node):
    body = await tokens(spa)
    code = await sign_in(Client(spa.http, "web"), prompt="login")
    await node.change(lambda tx: Users(tx, TENANT).delete(node.users["ada"]))
    assert (await spa.userinfo(body["access_token"])).status_code == 401
    refused(await spa.refresh(body["refresh_token"]), "invalid_grant")
    refused(await Client(spa.http, "web").redeem(code["code"]), "invalid_grant")


@ON_BOTH
async def test_a_machine_gets_a_token_for_the_scopes_of_its_roles(machine: Client):
    answer = await machine.token(
        grant_type="client_credentials", resource=API, scope="write read admin"
    )
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"access_token", "expires_in", "scope", "token_type"}
    assert body["scope"] == "write read"
    told = claims(body["access_token"])
    assert told["sub"] == told["client_id"] == "machine"
    assert told["aud"] == API


async def test_a_machine_without_an_api_gets_an_opaque_token(machine: Client):
    body = (await machine.token(grant_type="client_credentials")).json()
    assert body["scope"] == ""
    assert (await machine.introspect(body["access_token"]))["active"] is True
    assert (await machine.userinfo(body["access_token"])).status_code == 401


async def test_a_machine_asks_for_one_known_api(machine: Client):
    unknown = await machine.token(grant_type="client_credentials", resource="https://unknown")
    refused(unknown, "invalid_target")
    both = await machine.token(grant_type="client_credentials", resource=[API, "https://b"])
    refused(both, "invalid_target")


@pytest.mark.parametrize("grant_type", ["client_credentials", "password", "", "implicit"])
async def test_a_client_uses_only_its_own_grants(spa: Client, grant_type: str):
    error = {"client_credentials": "unauthorized_client", "": "invalid_request"}
    answer = await spa.token(grant_type=grant_type)
    refused(answer, error.get(grant_type, "unsupported_grant_type"))


async def test_a_machine_redeems_no_code(machine: Client):
    refused(await machine.redeem("x" * 43), "unauthorized_client")


def basic(name: str, secret: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()}


M2M = {"grant_type": "client_credentials"}


async def test_a_secret_may_come_in_the_header(http: httpx.AsyncClient):
    answer = await http.post("/oidc/token", data=M2M, headers=basic("machine", SECRET))
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("form", "headers", "status", "error"),
    [
        ({}, {}, 401, "invalid_client"),
        ({"client_id": "machine"}, {}, 401, "invalid_client"),
        ({"client_id": "machine", "client_secret": "wrong"}, {}, 401, "invalid_client"),
        ({"client_id": "machine", "client_secret": SECRET + "x"}, {}, 401, "invalid_client"),
        ({"client_id": "nobody", "client_secret": SECRET}, {}, 401, "invalid_client"),
        ({"client_id": "spa", "client_secret": SECRET}, {}, 401, "invalid_client"),
        ({}, basic("machine", "wrong"), 401, "invalid_client"),
        ({}, {"authorization": "Basic %%%"}, 401, "invalid_client"),
        ({}, {"authorization": "Basic bm9jb2xvbg=="}, 401, "invalid_client"),
        ({}, {"authorization": "Digest x"}, 401, "invalid_client"),
        ({"client_id": "web"}, basic("machine", SECRET), 401, "invalid_client"),
        ({"client_secret": SECRET}, basic("machine", SECRET), 400, "invalid_request"),
    ],
)
async def test_a_client_that_is_not_who_it_says_is_refused(
    http: httpx.AsyncClient, form: dict[str, str], headers: dict[str, str], status: int, error: str
):
    answer = await http.post("/oidc/token", data={**M2M, **form}, headers=headers)
    refused(answer, error, status)
    assert SECRET not in answer.text
    if headers and status == 401:
        assert answer.headers["www-authenticate"].startswith("Basic")


async def test_an_expired_secret_is_refused_and_a_new_one_works_at_once(
    machine: Client, node: Node, house: House
):
    soon = house.clock() + 60_000
    await node.change(
        lambda tx: ApplicationSecrets(tx, TENANT).create(
            ApplicationSecret(
                application_id="machine", name="brief", value="brief-secret", expires_at=soon
            )
        )
    )
    form = {**M2M, "client_id": "machine", "client_secret": "brief-secret"}
    assert (await machine.http.post("/oidc/token", data=form)).status_code == 200
    house.clock.pass_ms(60_000)
    refused(await machine.http.post("/oidc/token", data=form), "invalid_request")


async def test_a_change_on_one_node_is_known_on_the_other(
    machine: Client, node: Node, other: httpx.AsyncClient
):
    there = Client(other, "machine")
    assert (await there.token(**M2M)).status_code == 200
    await node.change(lambda tx: ApplicationSecrets(tx, TENANT).delete("machine", "Default"))
    refused(await machine.token(**M2M), "invalid_client", 401)
    with trio.fail_after(2):
        while (await there.token(**M2M)).status_code != 401:  # noqa: ASYNC110
            await trio.sleep(0.01)


async def test_the_plain_oauth_form_of_an_error_can_be_asked_for(http: httpx.AsyncClient):
    answer = await http.post("/oidc/token?parse_error=false", data={**M2M, "client_id": "x"})
    assert answer.status_code == 401
    assert set(answer.json()) == {"error", "error_description"}


async def test_the_parameters_may_come_as_json(http: httpx.AsyncClient):
    form = {**M2M, "client_id": "machine", "client_secret": SECRET, "resource": [API]}
    answer = await http.post("/oidc/token", json={**form, "scope": "read", "organization_id": None})
    assert answer.json()["scope"] == "read"
    for wrong in ([], "text", {**form, "scope": {"deep": 1}}, {**form, "resource": [API, "x"]}):
        assert (await http.post("/oidc/token", json=wrong)).status_code == 400
    headers = {"content-type": "application/json"}
    for text in (
        b"{",
        b"[" * 9000,
        b'{"a": "\\u0000"}',
        b"\xff",
        b'{"a": "' + b"x" * 17_000 + b'"}',
    ):
        refused(await http.post("/oidc/token", content=text, headers=headers), "invalid_request")


async def test_only_a_form_is_read_and_each_parameter_once(http: httpx.AsyncClient):
    xml = {"content-type": "application/xml"}
    refused(await http.post("/oidc/token", content="<a/>", headers=xml), "invalid_request")
    twice = "grant_type=client_credentials&client_id=machine&client_id=machine"
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = await http.post("/oidc/token", content=twice, headers=headers)
    refused(answer, "invalid_request")
    many = "&".join(f"p{n}=1" for n in range(60))
    refused(await http.post("/oidc/token", content=many, headers=headers), "invalid_request")
    odd = await http.post("/oidc/token", content=b"client_id=\xff", headers=headers)
    refused(odd, "invalid_request")


async def test_a_form_is_bounded(http: httpx.AsyncClient):
    answer = await http.post("/oidc/token", data={**M2M, "client_id": "x" * 40_000})
    assert answer.status_code == 413


async def test_scripts_of_registered_origins_may_read_the_answer(spa: Client):
    code = (await sign_in(spa))["code"]
    form = {
        **spa.credentials,
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": spa.verifier,
    }
    evil = await spa.http.post("/oidc/token", data=form, headers={"origin": "https://evil.example"})
    refused(evil, "invalid_request")
    assert "access-control-allow-origin" not in evil.headers
    good = await spa.http.post("/oidc/token", data=form, headers={"origin": "https://app.example"})
    assert good.status_code == 200
    assert good.headers["access-control-allow-origin"] == "*"
    assert good.headers["access-control-expose-headers"] == "WWW-Authenticate"
    token = {"authorization": f"Bearer {good.json()['access_token']}"}
    for origin, status in (("https://evil.example", 400), ("https://scripts.example", 200)):
        answer = await spa.http.get("/oidc/me", headers={**token, "origin": origin})
        assert answer.status_code == status
        assert ("access-control-allow-origin" in answer.headers) is (status == 200)


async def test_a_preflight_is_answered(http: httpx.AsyncClient):
    answer = await http.options(
        "/oidc/token",
        headers={"origin": "https://app.example", "access-control-request-method": "POST"},
    )
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-methods"] == "POST"
    assert answer.headers["access-control-max-age"] == "3600"


async def test_there_is_no_get(http: httpx.AsyncClient):
    answer = await http.get("/oidc/token")
    refused(answer, "invalid_request", 405)
    assert answer.headers["allow"] == "POST"


async def test_what_is_no_endpoint_is_told_as_any_mistake(http: httpx.AsyncClient):
    refused(await http.get("/oidc/nothing"), "invalid_request", 404)
