"""Looks of one application, who may use it, and the names of protected ones."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.contract import Api
from tests.http.running import BOTH_DATABASES, PROTECTED_APP_DOMAIN, Server

LOOKS: dict[str, Any] = {
    "color": {"primaryColor": "#ff0000"},
    "branding": {"logoUrl": "https://cdn.example/logo.png"},
    "displayName": "The Shop",
    "termsOfUseUrl": "https://shop.example/terms",
    "privacyPolicyUrl": "",
}
NOBODY: dict[str, Any] = {
    "userIds": [],
    "userRoleIds": [],
    "organizationIds": [],
    "organizationRoleRules": [],
}
SITE = {"subDomain": "wiki", "origin": "https://wiki.internal.example"}


async def _application(api: Api, **more: Any) -> str:
    made = await api("CreateApplication", json={"name": "Shop", "type": "SPA", **more})
    return str(made["id"])


@BOTH_DATABASES
async def test_an_application_has_looks_of_its_own(api: Api) -> None:
    id_ = await _application(api)
    none = await api("GetApplicationSignInExperience", applicationId=id_, expect=404)
    assert none["code"] == "entity.not_exists_with_id"
    made = await api(
        "ReplaceApplicationSignInExperience", applicationId=id_, json=LOOKS, expect=201
    )
    assert made["displayName"] == "The Shop"
    assert made["privacyPolicyUrl"] is None
    changed = await api(
        "ReplaceApplicationSignInExperience",
        applicationId=id_,
        json={"displayName": None, "termsOfUseUrl": None, "privacyPolicyUrl": None},
        expect=200,
    )
    assert changed["displayName"] is None
    assert changed["color"] == LOOKS["color"]
    assert await api("GetApplicationSignInExperience", applicationId=id_) == changed


async def test_the_sign_in_page_looks_like_the_application_and_the_organization(
    api: Api, server: Server
) -> None:
    own, foreign = await _application(api), await _application(api, isThirdParty=True)
    for id_ in (own, foreign):
        path = {"applicationId": id_}
        await api("ReplaceApplicationSignInExperience", **path, json=LOOKS, expect=201)
    home = await api(
        "CreateOrganization", json={"name": "Home", "color": {"primaryColor": "#00ff00"}}
    )
    well_known = "GetSignInExperienceConfig"
    usual = await api(well_known)
    assert (await api(well_known, query={"appId": foreign}))["color"] == usual["color"]
    shown = await api(well_known, query={"appId": own})
    assert shown["color"] == {**usual["color"], "primaryColor": "#ff0000"}
    assert shown["branding"] == {**usual["branding"], **LOOKS["branding"]}
    shown = await api(well_known, query={"appId": own, "organizationId": home["id"]})
    assert shown["color"]["primaryColor"] == "#00ff00"
    assert shown["branding"]["logoUrl"] == "https://cdn.example/logo.png"
    for strange in ("%EF%BF%BF", "https://x.example/y", "x" * 2000):
        query = f"appId={strange}&organizationId={strange}"
        assert await api(well_known, query=query) == usual


@pytest.mark.parametrize(
    "body",
    [
        {"color": {"primaryColor": "red"}},
        {"branding": {"logoUrl": "no url"}},
        {"termsOfUseUrl": "no url"},
        {"displayName": "x" * 257},
    ],
)
async def test_looks_that_make_no_sense_are_refused(api: Api, body: dict[str, Any]) -> None:
    path = {"applicationId": await _application(api)}
    refused = await api("ReplaceApplicationSignInExperience", **path, json=body, expect=400)
    assert refused["code"] == "guard.invalid_input"
    await api("ReplaceApplicationSignInExperience", applicationId="no", json={}, expect=404)


@BOTH_DATABASES
async def test_access_rules_are_replaced_as_a_whole(api: Api) -> None:
    id_ = await _application(api)
    user = await api("CreateUser", json={"username": "ada"})
    role = await api("CreateRole", json={"name": "buyer", "description": "Buys"})
    home = await api("CreateOrganization", json={"name": "Home"})
    within = await api("CreateOrganizationRole", json={"name": "admin"})
    rules = {
        "userIds": [user["id"], user["id"]],
        "userRoleIds": [role["id"]],
        "organizationIds": [home["id"]],
        "organizationRoleRules": [
            {"organizationId": home["id"], "organizationRoleIds": [within["id"]]},
            {"organizationId": home["id"], "organizationRoleIds": [within["id"]]},
        ],
    }
    stored = {
        **rules,
        "userIds": [user["id"]],
        "organizationRoleRules": rules["organizationRoleRules"][:1],
    }
    replaced = await api("ReplaceApplicationAccessControl", applicationId=id_, json=rules)
    assert replaced == stored
    assert await api("GetApplicationAccessControl", applicationId=id_) == stored
    await api("DeleteUser", userId=user["id"], expect=204)
    left = await api("GetApplicationAccessControl", applicationId=id_)
    assert left["userIds"] == []
    await api("ReplaceApplicationAccessControl", applicationId=id_, json=NOBODY)
    assert await api("GetApplicationAccessControl", applicationId=id_) == NOBODY


async def test_access_that_is_controlled_names_somebody(api: Api) -> None:
    id_ = await _application(api)
    switch = {"appLevelAccessControlEnabled": True}
    refused = await api("UpdateApplication", id=id_, json=switch, expect=422)
    assert refused["code"] == "request.invalid_input"
    user = await api("CreateUser", json={"username": "ada"})
    rules = {**NOBODY, "userIds": [user["id"]]}
    await api("ReplaceApplicationAccessControl", applicationId=id_, json=rules)
    assert (await api("UpdateApplication", id=id_, json=switch))["appLevelAccessControlEnabled"]
    await api("ReplaceApplicationAccessControl", applicationId=id_, json=NOBODY, expect=422)
    assert await api("GetApplicationAccessControl", applicationId=id_) == rules


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"userIds": ["nobody"]}, 404),
        ({"userIds": [f"u{number}" for number in range(1001)]}, 400),
        ({"userIds": "all"}, 400),
        (
            {"organizationRoleRules": [{"organizationId": "a", "organizationRoleIds": []}]},
            422,
        ),
    ],
)
async def test_rules_that_make_no_sense_are_refused(
    api: Api, change: dict[str, Any], status: int
) -> None:
    id_ = await _application(api)
    await api(
        "ReplaceApplicationAccessControl",
        applicationId=id_,
        json={**NOBODY, **change},
        expect=status,
    )
    assert await api("GetApplicationAccessControl", applicationId=id_) == NOBODY
    await api("GetApplicationAccessControl", applicationId="nobody", expect=404)


@BOTH_DATABASES
async def test_a_protected_application_is_reached_under_its_own_name(api: Api) -> None:
    body = {"name": "Wiki", "type": "Protected", "protectedAppMetadata": SITE}
    made = await api("CreateApplication", json=body)
    host = f"wiki.{PROTECTED_APP_DOMAIN}"
    assert made["protectedAppMetadata"]["host"] == host
    assert made["oidcClientMetadata"] == {
        "redirectUris": [f"https://{host}/sign-in-callback"],
        "postLogoutRedirectUris": [f"https://{host}"],
    }
    taken = await api("CreateApplication", json=body, expect=422)
    assert taken["code"] == "application.protected_application_subdomain_exists"
    patch = {"sessionDuration": 600, "pageRules": [{"path": "^/admin"}]}
    changed = await api("UpdateApplication", id=made["id"], json={"protectedAppMetadata": patch})
    assert changed["protectedAppMetadata"] == {**made["protectedAppMetadata"], **patch}


@BOTH_DATABASES
async def test_a_site_has_one_further_name(api: Api) -> None:
    body = {"name": "Wiki", "type": "Protected", "protectedAppMetadata": SITE}
    id_ = (await api("CreateApplication", json=body))["id"]
    other = {**body, "protectedAppMetadata": {**SITE, "subDomain": "blog"}}
    other_id = (await api("CreateApplication", json=other))["id"]
    new = "CreateApplicationProtectedAppMetadataCustomDomain"
    domain = {"domain": "wiki.example.org"}
    await api(new, id=id_, json=domain, expect=201)
    assert (await api(new, id=id_, json={"domain": "b.example.org"}, expect=422))["code"] == (
        "domain.limit_to_one_domain"
    )
    assert (await api(new, id=other_id, json=domain, expect=422))["code"] == (
        "domain.hostname_already_exists"
    )
    (shown,) = await api("ListApplicationProtectedAppMetadataCustomDomains", id=id_)
    assert shown["domain"] == "wiki.example.org"
    uris = (await api("GetApplication", id=id_))["oidcClientMetadata"]["redirectUris"]
    assert "https://wiki.example.org/sign-in-callback" in uris
    refused = await api("DeleteApplication", id=id_, expect=422)
    assert refused["code"] == "application.should_delete_custom_domains_first"
    gone = "DeleteApplicationProtectedAppMetadataCustomDomain"
    await api(gone, id=id_, domain="wiki.example.org", expect=204)
    missing = await api(gone, id=id_, domain="wiki.example.org", expect=404)
    assert missing["code"] == "application.custom_domain_not_found"
    uris = (await api("GetApplication", id=id_))["oidcClientMetadata"]["redirectUris"]
    assert "https://wiki.example.org/sign-in-callback" not in uris
    await api("DeleteApplication", id=id_, expect=204)


@pytest.mark.parametrize("label", ["", "-a", "a.b", "Wiki", "a" * 64, "a\n"])
async def test_a_subdomain_is_a_part_of_a_host_name(api: Api, label: str) -> None:
    site = {**SITE, "subDomain": label}
    body = {"name": "Wiki", "type": "Protected", "protectedAppMetadata": site}
    refused = await api("CreateApplication", json=body, expect=422)
    assert refused["code"] == "application.invalid_subdomain"


async def test_other_applications_have_no_names(api: Api) -> None:
    id_ = await _application(api)
    for operation, body in (
        ("ListApplicationProtectedAppMetadataCustomDomains", None),
        ("CreateApplicationProtectedAppMetadataCustomDomain", {"domain": "a.example"}),
    ):
        refused = await api(operation, id=id_, json=body, expect=422)
        assert refused["code"] == "application.protected_application_only"


@pytest.mark.one_node
async def test_without_a_domain_there_are_no_protected_applications(server: Server) -> None:
    object.__setattr__(server.core, "protected_app_domain", None)
    api = server.api(await server.management_token())
    body = {"name": "Wiki", "type": "Protected", "protectedAppMetadata": SITE}
    refused = await api("CreateApplication", json=body, expect=501)
    assert refused["code"] == "application.protected_app_not_configured"
