"""Tokens for organizations, and for resources on behalf of organizations."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gatehouse.storage.applications import Applications
from gatehouse.storage.consent_scopes import ConsentedOrganizations, ConsentScopes, ScopeKind
from gatehouse.storage.mfa import MfaVerification, MfaVerifications
from gatehouse.storage.organizations import Organizations
from gatehouse.storage.organizations_members import OrganizationApplications, OrganizationUsers
from gatehouse.storage.organizations_records import (
    Organization,
    OrganizationRole,
    OrganizationScope,
)
from gatehouse.storage.organizations_template import (
    OrganizationRoleResourceScopes,
    OrganizationRoles,
    OrganizationRoleScopes,
    OrganizationScopes,
)
from gatehouse.storage.records import CustomClientMetadata
from gatehouse.storage.resources import Resources, Scopes
from gatehouse.storage.transaction import Transaction
from tests.http.oidc.house import API, ON_BOTH, TENANT, Client, House, Node, claims, tokens
from tests.http.oidc.test_token_exchange import exchange, impersonation

ORGANIZATIONS = "urn:logto:scope:organizations"
ROLES = "urn:logto:scope:organization_roles"
RESERVED = "urn:logto:resource:organizations"
ASKED = f"openid offline_access profile read write invite remove {ORGANIZATIONS} {ROLES}"


def furnish(tx: Transaction, ada: str) -> dict[str, str]:
    """Two organizations: in one of them ada may invite people, and write to the API."""
    organizations, members = Organizations(tx, TENANT), OrganizationUsers(tx, TENANT)
    home = organizations.create(Organization(name="Home", description="Sweet")).id
    away = organizations.create(Organization(name="Away")).id
    scopes = OrganizationScopes(tx, TENANT)
    invite = scopes.create(OrganizationScope(name="invite")).id
    remove = scopes.create(OrganizationScope(name="remove")).id
    resource = Resources(tx, TENANT).find_by_indicator(API)
    assert resource is not None
    write = next(s.id for s in Scopes(tx, TENANT).of_resources([resource.id]) if s.name == "write")
    ids = {"home": home, "away": away, "invite": invite, "remove": remove, "write": write}
    for kind in ("User", "MachineToMachine"):
        role = OrganizationRoles(tx, TENANT).create(
            OrganizationRole(name=f"host {kind}", type=kind)  # type: ignore[arg-type]
        )
        OrganizationRoleScopes(tx, TENANT).add(role.id, [invite])
        OrganizationRoleResourceScopes(tx, TENANT).add(role.id, [write])
        ids[kind] = role.id
    for id_ in (home, away):
        members.add(id_, [ada])
    members.roles(home).add(ada, [ids["User"]])
    machines = OrganizationApplications(tx, TENANT)
    machines.add(home, ["machine"])
    machines.roles(home).add("machine", [ids["MachineToMachine"]])
    return ids


@pytest.fixture
async def places(node: Node) -> dict[str, str]:
    ids: dict[str, str] = await node.change(furnish, node.users["ada"])
    return ids


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


async def granted(client: Client, **changes: Any) -> dict[str, Any]:
    return await tokens(client, **{"scope": ASKED, "resource": API, **changes})


@ON_BOTH
async def test_a_token_for_an_organization_allows_what_the_roles_there_allow(
    web: Client, places: dict[str, str]
) -> None:
    first = await granted(web)
    answer = await web.refresh(first["refresh_token"], organization_id=places["home"])
    assert answer.status_code == 200, answer.text
    body = answer.json()
    token = claims(body["access_token"])
    assert token["aud"] == f"urn:logto:organization:{places['home']}"
    assert token["scope"] == body["scope"] == "invite"
    assert "organization_id" not in token
    assert body["expires_in"] == 3600
    elsewhere = await web.refresh(body["refresh_token"], organization_id=places["away"])
    assert claims(elsewhere.json()["access_token"])["scope"] == ""


async def test_the_audience_may_be_named_as_a_resource(web: Client, places: dict[str, str]) -> None:
    first = await granted(web)
    urn = f"urn:logto:organization:{places['home']}"
    answer = await web.refresh(first["refresh_token"], resource=urn, scope="invite")
    assert claims(answer.json()["access_token"])["aud"] == urn
    again = answer.json()["refresh_token"]
    other = await web.refresh(again, resource=urn, organization_id=places["away"])
    assert refused(other) == (400, "invalid_target")


@ON_BOTH
async def test_a_token_for_a_resource_is_made_on_behalf_of_an_organization(
    web: Client, places: dict[str, str]
) -> None:
    first = await granted(web)
    answer = await web.refresh(first["refresh_token"], resource=API, organization_id=places["home"])
    token = claims(answer.json()["access_token"])
    assert (token["aud"], token["organization_id"]) == (API, places["home"])
    assert token["scope"] == "read write"
    answer = await web.refresh(
        answer.json()["refresh_token"], resource=API, organization_id=places["away"]
    )
    assert claims(answer.json()["access_token"])["scope"] == "read"


async def test_who_is_no_member_gets_no_token_and_keeps_the_refresh_token(
    web: Client, node: Node, places: dict[str, str]
) -> None:
    first = await granted(web, username="bob")
    refresh = first["refresh_token"]
    for organization in (places["home"], "nowhere"):
        answer = await web.refresh(refresh, organization_id=organization)
        assert refused(answer) == (403, "access_denied")
    assert (await web.refresh(refresh)).status_code == 200


async def test_without_the_scope_for_organizations_there_are_no_such_tokens(
    web: Client, places: dict[str, str]
) -> None:
    first = await tokens(web, scope="openid offline_access invite", resource=API)
    for more in ({}, {"resource": API}):
        answer = await web.refresh(first["refresh_token"], organization_id=places["home"], **more)
        assert refused(answer) == (403, "insufficient_scope")


async def test_an_organization_may_demand_a_second_factor(
    web: Client, node: Node, places: dict[str, str]
) -> None:
    first = await granted(web)
    await node.change(
        lambda tx: Organizations(tx, TENANT).update(places["home"], is_mfa_required=True)
    )
    answer = await web.refresh(first["refresh_token"], organization_id=places["home"])
    assert refused(answer) == (403, "access_denied")
    assert answer.json()["error_description"].startswith("organization requires MFA")
    factor = MfaVerification(user_id=node.users["ada"], type="Totp", secret="A" * 32, detail={})
    await node.change(lambda tx: MfaVerifications(tx, TENANT).add(factor))
    answer = await web.refresh(first["refresh_token"], organization_id=places["home"])
    assert answer.status_code == 200


async def test_a_replayed_refresh_token_is_found_out_whatever_it_asks_for(
    house: House, web: Client, places: dict[str, str]
) -> None:
    first = await granted(web)
    second = (await web.refresh(first["refresh_token"])).json()
    house.clock.pass_ms(60_000)
    answer = await web.refresh(first["refresh_token"], organization_id="nowhere")
    assert refused(answer) == (400, "invalid_grant")
    assert refused(await web.refresh(second["refresh_token"])) == (400, "invalid_grant")


async def test_other_applications_act_only_where_their_user_lets_them(
    http: httpx.AsyncClient, node: Node, places: dict[str, str]
) -> None:
    def consent(tx: Transaction) -> None:
        ConsentedOrganizations(tx, TENANT, "web", node.users["ada"]).add([places["home"]])

    web = Client(http, "web")
    first = await granted(web)
    await node.change(_as_third_party)
    answer = await web.refresh(first["refresh_token"], organization_id=places["home"])
    assert refused(answer) == (403, "access_denied")
    await node.change(consent)
    answer = await web.refresh(first["refresh_token"], organization_id=places["home"])
    assert claims(answer.json()["access_token"])["scope"] == ""
    lists = {ScopeKind.ORGANIZATION: "invite", ScopeKind.ORGANIZATION_RESOURCE: "write"}

    def allow(tx: Transaction) -> None:
        for kind, scope in lists.items():
            ConsentScopes(tx, TENANT, "web").add(kind, [places[scope]])

    await node.change(allow)
    answer = await web.refresh(answer.json()["refresh_token"], organization_id=places["home"])
    assert claims(answer.json()["access_token"])["scope"] == "invite"
    answer = await web.refresh(
        answer.json()["refresh_token"], organization_id=places["home"], resource=API
    )
    assert claims(answer.json()["access_token"])["scope"] == "write"


def _as_third_party(tx: Transaction) -> None:
    Applications(tx, TENANT).update("web", is_third_party=True)


async def test_an_exchanged_token_is_for_an_organization_as_well(
    node: Node, machine: Client, places: dict[str, str]
) -> None:
    await node.change(
        lambda tx: Applications(tx, TENANT).update(
            "machine", custom_client_metadata=CustomClientMetadata(allow_token_exchange=True)
        )
    )
    asked = {"scope": "invite remove read write", "organization_id": places["home"]}
    answer = await exchange(machine, await impersonation(node), **asked)
    body = answer.json()
    token = claims(body["access_token"])
    assert token["aud"] == f"urn:logto:organization:{places['home']}"
    assert (token["sub"], token["scope"]) == (node.users["ada"], "invite")
    assert body["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
    answer = await exchange(machine, await impersonation(node), **asked, resource=API)
    token = claims(answer.json()["access_token"])
    assert (token["aud"], token["organization_id"]) == (API, places["home"])
    assert token["scope"] == "read write"
    stranger = await impersonation(node, "bob")
    answer = await exchange(machine, stranger, **asked)
    assert refused(answer) == (403, "access_denied")
    unused = await exchange(machine, stranger, scope="openid")
    assert unused.status_code == 200


@ON_BOTH
async def test_an_application_acts_for_itself_within_an_organization(
    machine: Client, places: dict[str, str]
) -> None:
    grant = {"grant_type": "client_credentials", "scope": "invite remove write read"}
    answer = await machine.token(**grant, organization_id=places["home"])
    token = claims(answer.json()["access_token"])
    assert token["aud"] == f"urn:logto:organization:{places['home']}"
    assert (token["sub"], token["scope"]) == ("machine", "invite")
    answer = await machine.token(**grant, organization_id=places["home"], resource=API)
    token = claims(answer.json()["access_token"])
    assert (token["aud"], token["organization_id"]) == (API, places["home"])
    assert token["scope"] == "write"
    answer = await machine.token(**grant, organization_id=places["away"])
    assert refused(answer) == (403, "access_denied")
    answer = await machine.token(
        **grant, organization_id=places["home"], resource="https://elsewhere.example"
    )
    assert refused(answer) == (400, "invalid_target")


async def test_what_is_asked_for_all_organizations_is_a_resource_of_its_own(
    web: Client, places: dict[str, str]
) -> None:
    first = await granted(web, resource=RESERVED)
    assert "." not in first["access_token"]
    answer = await web.refresh(first["refresh_token"], organization_id=places["home"])
    assert claims(answer.json()["access_token"])["scope"] == "invite"


@ON_BOTH
async def test_organizations_are_told_to_whom_may_know_them(
    web: Client, places: dict[str, str]
) -> None:
    first = await tokens(web, scope=f"openid {ORGANIZATIONS} {ROLES}")
    told = (await web.userinfo(first["access_token"])).json()
    assert set(told["organizations"]) == {places["home"], places["away"]}
    assert told["organization_roles"] == [f"{places['home']}:host User"]
    assert {"id": places["home"], "name": "Home", "description": "Sweet"} in (
        told["organization_data"]
    )
    inside = claims(first["id_token"])
    assert set(inside["organizations"]) == {places["home"], places["away"]}
    assert "organization_data" not in inside
    untold = await tokens(web, scope="openid profile", prompt="login consent")
    assert "organizations" not in (await web.userinfo(untold["access_token"])).json()


async def test_a_scope_that_comes_from_an_organization_is_in_the_resources_token(
    web: Client, places: dict[str, str]
) -> None:
    first = await granted(web)
    answer = await web.refresh(first["refresh_token"], resource=API)
    token = claims(answer.json()["access_token"])
    assert token["scope"] == "read write"
    assert "organization_id" not in token
