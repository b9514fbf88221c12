"""What other people's applications are given: what they may ask for, and what a person allows."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from gatehouse.storage.application_access import AccessRules, ApplicationAccess
from gatehouse.storage.application_looks import (
    ApplicationSignInExperience,
    ApplicationSignInExperiences,
)
from gatehouse.storage.applications import Applications
from gatehouse.storage.consent_scopes import ConsentedOrganizations, ConsentScopes, ScopeKind
from gatehouse.storage.organizations import Organizations
from gatehouse.storage.organizations_members import OrganizationUsers
from gatehouse.storage.records import CustomClientMetadata
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
    tokens,
)
from tests.http.oidc.test_organization_tokens import ORGANIZATIONS, RESERVED, furnish, refused
from tests.http.oidc.test_token_exchange import exchange, impersonation

Form = dict[str, Any]


@pytest.fixture
def third(http: httpx.AsyncClient) -> Client:
    """An application of somebody else's, whose user is at that browser."""
    return Client(http, "third")


@pytest.fixture
async def places(node: Node) -> dict[str, str]:
    """Organizations, in which the application may ask for something."""
    ids: dict[str, str] = await node.change(furnish, node.users["ada"])

    def allow(tx: Transaction) -> None:
        lists = ConsentScopes(tx, TENANT, "third")
        lists.add(ScopeKind.USER, [ORGANIZATIONS])
        lists.add(ScopeKind.ORGANIZATION, [ids["invite"]])
        lists.add(ScopeKind.ORGANIZATION_RESOURCE, [ids["write"]])

    await node.change(allow)
    return ids


async def asked(client: Client, **changes: Any) -> httpx.Response:
    """The consent page, for who is signed in or signs in now."""
    http = client.http
    answer = await http.get("/oidc/auth", params=client.request(**changes))
    if answer.headers["location"].startswith("/sign-in"):
        answer = await http.get(await answer_experience(http, client.client_id, "ada"))
    sent_to(answer, "/consent")
    return await http.get(answer.headers["location"])


async def allow(client: Client, page: httpx.Response, **form: Any) -> dict[str, str]:
    """Say yes on the page; what the application receives."""
    found = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert found is not None, page.text
    answer = await client.http.post(
        f"/consent?app_id={client.client_id}",
        data={"csrf": found[1], "decision": "allow", **form},
    )
    return sent_to(await client.http.get(answer.headers["location"]), CALLBACK)


async def test_an_application_asks_for_no_more_about_the_user_than_it_may(
    third: Client, node: Node
) -> None:
    await node.change(lambda tx: ConsentScopes(tx, TENANT, "third").remove(ScopeKind.USER, "email"))
    answer = await third.http.get("/oidc/auth", params=third.request(scope="openid email"))
    params = sent_to(answer, CALLBACK)
    assert params["error"] == "invalid_scope"
    page = await asked(third, scope="openid profile")
    assert "code" in await allow(third, page)


async def test_a_token_allows_what_the_application_may_ask_for_and_the_user_may_do(
    third: Client, node: Node
) -> None:
    page = await asked(third, scope="openid offline_access read write", resource=API)
    assert "read (Api)" in page.text
    assert "write (Api)" not in page.text
    code = (await allow(third, page))["code"]
    body = (await third.redeem(code, resource=API)).json()
    assert claims(body["access_token"])["scope"] == "read"
    read = (await node.core.db.read(lambda tx: ConsentScopes(tx, TENANT, "third").all())).resource
    ids = [scope.id for scope in read if scope.name == "read"]
    await node.change(
        lambda tx: ConsentScopes(tx, TENANT, "third").remove(ScopeKind.RESOURCE, ids[0])
    )
    again = await third.refresh(body["refresh_token"], resource=API)
    assert claims(again.json()["access_token"])["scope"] == ""


async def test_what_was_allowed_is_not_asked_again_but_what_is_new_is(third: Client) -> None:
    await allow(third, await asked(third, scope="openid profile", prompt=None))
    answer = await third.http.get(
        "/oidc/auth", params=third.request(scope="openid profile", prompt=None)
    )
    assert "code" in sent_to(answer, CALLBACK)
    page = await asked(third, scope="openid profile email", prompt=None)
    assert "Your email address" in page.text
    assert "Your name" not in page.text
    page = await asked(third, scope="openid profile", prompt="consent")
    assert "Your name" in page.text


async def test_a_person_chooses_where_an_application_may_act(
    third: Client, node: Node, places: dict[str, str]
) -> None:
    page = await asked(
        third,
        scope=f"openid offline_access invite write {ORGANIZATIONS}",
        resource=[RESERVED, API],
    )
    assert "Home" in page.text
    assert "Away" in page.text
    code = (await allow(third, page, organization=places["home"]))["code"]
    body = (await third.redeem(code)).json()
    home = await third.refresh(body["refresh_token"], organization_id=places["home"])
    assert claims(home.json()["access_token"])["scope"] == "invite"
    refresh = home.json()["refresh_token"]
    on_behalf = await third.refresh(refresh, organization_id=places["home"], resource=API)
    assert claims(on_behalf.json()["access_token"])["scope"] == "write"
    refresh = on_behalf.json()["refresh_token"]
    away = await third.refresh(refresh, organization_id=places["away"])
    assert refused(away) == (403, "access_denied")
    await node.change(
        lambda tx: OrganizationUsers(tx, TENANT).remove(places["home"], [node.users["ada"]])
    )
    gone = await third.refresh(refresh, organization_id=places["home"])
    assert refused(gone) == (403, "access_denied")


async def test_nobody_lets_an_application_act_where_they_are_no_member(
    third: Client, node: Node, places: dict[str, str]
) -> None:
    await node.change(
        lambda tx: OrganizationUsers(tx, TENANT).remove(places["home"], [node.users["ada"]])
    )
    page = await asked(third, scope=f"openid {ORGANIZATIONS}")
    assert "Home" not in page.text
    found = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert found is not None
    answer = await third.http.post(
        "/consent?app_id=third",
        data={"csrf": found[1], "decision": "allow", "organization": places["home"]},
    )
    assert answer.status_code == 200
    consented = await node.core.db.read(
        lambda tx: ConsentedOrganizations(tx, TENANT, "third", node.users["ada"]).ids()
    )
    assert consented == []


async def test_the_page_looks_like_the_application_that_asks(third: Client, node: Node) -> None:
    looks = ApplicationSignInExperience(
        application_id="third",
        branding={"logoUrl": "https://cdn.example/third.png"},
        display_name="Third & Sons",
        terms_of_use_url="https://third.example/terms",
    )
    await node.change(lambda tx: ApplicationSignInExperiences(tx, TENANT).create(looks))
    page = await asked(third)
    assert "Third &amp; Sons asks for access" in page.text
    assert "https://cdn.example/third.png" in page.text
    assert "https://third.example/terms" in page.text


async def test_people_who_come_from_an_application_meet_its_looks(
    http: httpx.AsyncClient, node: Node, places: dict[str, str]
) -> None:
    def change(tx: Transaction) -> None:
        for client_id in ("web", "third"):
            branding = {"logoUrl": f"https://cdn.example/{client_id}.png"}
            looks = ApplicationSignInExperience(application_id=client_id, branding=branding)
            ApplicationSignInExperiences(tx, TENANT).create(looks)
        branding = {"logoUrl": "https://cdn.example/home.png"}
        Organizations(tx, TENANT).update(places["home"], branding=branding)

    await node.change(change)
    for client_id, more, shown in (
        ("web", {}, "web.png"),
        ("web", {"organization_id": places["home"]}, "home.png"),
        ("third", {}, None),
    ):
        query = Client(http, client_id).request(scope="openid", **more)
        answer = await http.get("/oidc/auth", params=query)
        page = await http.get(answer.headers["location"])
        assert page.status_code == 200
        for logo in ("web.png", "home.png", "third.png"):
            assert (logo in page.text) is (logo == shown), (client_id, more)


async def test_nobody_exchanges_a_token_about_who_may_not_use_the_application(
    http: httpx.AsyncClient, node: Node
) -> None:
    def change(tx: Transaction) -> None:
        metadata = CustomClientMetadata(allow_token_exchange=True)
        Applications(tx, TENANT).update("web", custom_client_metadata=metadata)

    await node.change(change)
    await node.change(_rules(node, users=(node.users["bob"],)))
    web = Client(http, "web")
    answer = await exchange(web, await impersonation(node), scope="openid")
    assert refused(answer) == (400, "access_denied")
    assert (await exchange(web, await impersonation(node, "bob"), scope="openid")).is_success


def _rules(node: Node, **rules: Any) -> Callable[[Transaction], None]:
    def change(tx: Transaction) -> None:
        ApplicationAccess(tx, TENANT, "web").replace(AccessRules(**rules))
        Applications(tx, TENANT).update("web", app_level_access_control_enabled=True)

    return change


async def test_who_is_named_by_no_rule_may_not_use_the_application(
    http: httpx.AsyncClient, node: Node
) -> None:
    web = Client(http, "web")
    first = await tokens(web)
    await node.change(_rules(node, users=(node.users["bob"],)))
    answer = await web.refresh(first["refresh_token"])
    assert refused(answer) == (400, "access_denied")
    answer = await http.get("/oidc/auth", params=web.request())
    assert sent_to(answer, CALLBACK)["error"] == "access_denied"
    answer = await http.get("/oidc/auth", params=web.request(prompt="login"))
    answer = await http.get(await answer_experience(http, "web", "ada"))
    assert sent_to(answer, CALLBACK)["error"] == "access_denied"
    await node.change(_rules(node, users=(node.users["ada"],)))
    assert (await web.refresh(first["refresh_token"])).status_code == 200


async def test_a_rule_names_people_by_their_roles_and_organizations(
    http: httpx.AsyncClient, node: Node, places: dict[str, str]
) -> None:
    web = Client(http, "web")
    refresh = (await tokens(web))["refresh_token"]
    for rules, allowed in (
        ({"organizations": (places["home"],)}, True),
        ({"organization_roles": {places["home"]: (places["User"],)}}, True),
        ({"organization_roles": {places["away"]: (places["User"],)}}, False),
        ({}, False),
    ):
        await node.change(_rules(node, **rules))
        answer = await web.refresh(refresh)
        assert (answer.status_code == 200) is allowed, rules
        refresh = answer.json().get("refresh_token", refresh)


async def test_a_page_of_somebody_else_asks_through_the_api(
    third: Client, node: Node, places: dict[str, str]
) -> None:
    scope = f"openid offline_access profile invite read write {ORGANIZATIONS}"
    await asked(third, scope=scope, resource=[RESERVED, API])
    options: Form = {"headers": {"logto-app-id": "third"}}
    answer = await third.http.get("/api/interaction/consent", **options)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["application"] == {"id": "third", "name": "The third application"}
    assert told["user"]["username"] == "ada"
    assert set(told["missingOIDCScope"]) == {"profile", ORGANIZATIONS}
    shown = {
        one["resource"]["indicator"]: [scope["name"] for scope in one["scopes"]]
        for one in told["missingResourceScopes"]
    }
    assert shown == {RESERVED: ["invite"], API: ["read"]}
    inside = {one["name"]: one["missingResourceScopes"] for one in told["organizations"]}
    assert inside["Away"] == []
    assert [scope["name"] for scope in inside["Home"][0]["scopes"]] == ["write"]
    assert told["redirectUri"] == CALLBACK
    chosen: Form = {"organizationIds": ["nowhere"]}
    refused_ = await third.http.post("/api/interaction/consent", json=chosen, **options)
    assert refused_.json()["code"] == "organization.require_membership"
    chosen = {"organizationIds": [places["home"]]}
    given = await third.http.post("/api/interaction/consent", json=chosen, **options)
    params = sent_to(await third.http.get(given.json()["redirectTo"]), CALLBACK)
    body = (await third.redeem(params["code"])).json()
    home = await third.refresh(body["refresh_token"], organization_id=places["home"])
    assert home.status_code == 200
    again = await third.http.get("/api/interaction/consent", **options)
    assert again.json()["code"] == "session.not_found"
