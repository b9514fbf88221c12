"""What third-party applications may ask for, and where people let them act."""

from __future__ import annotations

import pytest

from gatehouse.http.logto.access import management_audience
from tests.http.contract import Api
from tests.http.running import BOTH_DATABASES, CLIENT_ID, TENANT

CLIENT = {"name": "Partner", "type": "Traditional", "isThirdParty": True}


async def _scopes(api: Api) -> dict[str, list[str]]:
    resource = await api("CreateResource", json={"name": "Orders", "indicator": "https://orders"})
    read, write = [
        await api("CreateResourceScope", resourceId=resource["id"], json={"name": name})
        for name in ("read", "write")
    ]
    invite = await api("CreateOrganizationScope", json={"name": "invite"})
    return {
        "resourceScopes": [read["id"]],
        "organizationResourceScopes": [write["id"]],
        "organizationScopes": [invite["id"]],
        "userScopes": ["email", "urn:logto:scope:organizations"],
    }


@BOTH_DATABASES
async def test_scopes_of_each_kind_are_allowed_listed_and_taken_back(api: Api) -> None:
    client = await api("CreateApplication", json=CLIENT)
    scopes = await _scopes(api)
    id_ = client["id"]
    for _ in range(2):
        await api("CreateApplicationUserConsentScope", applicationId=id_, json=scopes, expect=201)
    listed = await api("ListApplicationUserConsentScopes", applicationId=id_)
    assert listed["userScopes"] == scopes["userScopes"]
    assert [scope["name"] for scope in listed["organizationScopes"]] == ["invite"]
    assert [group["resource"]["indicator"] for group in listed["resourceScopes"]] == [
        "https://orders"
    ]
    assert [scope["name"] for scope in listed["resourceScopes"][0]["scopes"]] == ["read"]
    assert [scope["name"] for scope in listed["organizationResourceScopes"][0]["scopes"]] == [
        "write"
    ]
    kinds = {
        "user-scopes": scopes["userScopes"],
        "resource-scopes": scopes["resourceScopes"],
        "organization-scopes": scopes["organizationScopes"],
        "organization-resource-scopes": scopes["organizationResourceScopes"],
    }
    for kind, ids in kinds.items():
        path = {"applicationId": id_, "scopeType": kind, "scopeId": ids[0]}
        await api("DeleteApplicationUserConsentScope", **path, expect=204)
        gone = await api("DeleteApplicationUserConsentScope", **path, expect=404)
        assert gone["code"] == "entity.not_found"
    left = await api("ListApplicationUserConsentScopes", applicationId=id_)
    assert left == {
        "organizationScopes": [],
        "resourceScopes": [],
        "organizationResourceScopes": [],
        "userScopes": ["urn:logto:scope:organizations"],
    }


async def test_only_scopes_that_exist_are_allowed_and_all_or_none(api: Api) -> None:
    client = await api("CreateApplication", json=CLIENT)
    scopes = await _scopes(api)
    refused = await api(
        "CreateApplicationUserConsentScope",
        applicationId=client["id"],
        json={**scopes, "resourceScopes": ["nothing"]},
        expect=422,
    )
    assert refused["code"] == "application.user_consent_scopes_not_found"
    assert refused["data"]["invalidResourceScopes"] == ["nothing"]
    listed = await api("ListApplicationUserConsentScopes", applicationId=client["id"])
    assert not any(listed.values())


async def test_the_management_api_is_never_given_by_consent(api: Api) -> None:
    client = await api("CreateApplication", json=CLIENT)
    resources = await api("ListResources", query={"includeScopes": "true"})
    (management,) = [one for one in resources if one["indicator"] == management_audience(TENANT)]
    for operation, path in (
        ("CreateApplicationUserConsentScope", {"applicationId": client["id"]}),
        ("AssignCimdUserConsentScopes", {}),
    ):
        refused = await api(
            operation,
            **path,
            json={"resourceScopes": [management["scopes"][0]["id"]]},
            expect=422,
        )
        assert refused["code"] == "application.consent_management_api_scopes_not_allowed"


async def test_the_tenants_own_applications_need_no_list(api: Api) -> None:
    own = await api("CreateApplication", json={"name": "Own", "type": "SPA"})
    refused = await api(
        "CreateApplicationUserConsentScope",
        applicationId=own["id"],
        json={"userScopes": ["email"]},
        expect=422,
    )
    assert refused["code"] == "application.third_party_application_only"
    for application, body, status in (
        ("nobody", {}, 404),
        (own["id"], {"userScopes": ["shoe size"]}, 400),
    ):
        await api(
            "CreateApplicationUserConsentScope",
            applicationId=application,
            json=body,
            expect=status,
        )
    await api(
        "DeleteApplicationUserConsentScope",
        applicationId=own["id"],
        scopeType="moods",
        scopeId="a",
        expect=400,
    )


@BOTH_DATABASES
async def test_clients_with_a_metadata_document_share_one_list(api: Api) -> None:
    scopes = await _scopes(api)
    await api("AssignCimdUserConsentScopes", json=scopes, expect=201)
    listed = await api("ListCimdUserConsentScopes")
    assert listed["userScopes"] == scopes["userScopes"]
    assert listed["resourceScopes"][0]["scopes"][0]["id"] == scopes["resourceScopes"][0]
    path = {"scopeType": "resource-scopes", "scopeId": scopes["resourceScopes"][0]}
    await api("DeleteCimdUserConsentScope", **path, expect=204)
    await api("DeleteCimdUserConsentScope", **path, expect=404)
    await api("DeleteCimdUserConsentScope", scopeType="user-scopes", scopeId="x", expect=404)


async def test_metadata_documents_are_switched_on_and_off(api: Api) -> None:
    assert await api("GetCimdConfig") == {"enabled": False}
    assert await api("UpdateCimdConfig", json={"enabled": True}) == {"enabled": True}
    assert await api("UpdateCimdConfig", json={}) == {"enabled": True}
    await api("UpdateCimdConfig", json={"enabled": "yes"}, expect=400)
    assert await api("GetCimdConfig") == {"enabled": True}


@BOTH_DATABASES
async def test_organizations_are_consented_to_and_end_with_the_membership(api: Api) -> None:
    client = await api("CreateApplication", json=CLIENT)
    user = await api("CreateUser", json={"username": "ada"})
    homes = [await api("CreateOrganization", json={"name": name}) for name in ("a", "b", "c")]
    ids = [one["id"] for one in homes]
    for id_ in ids[:2]:
        await api("AddOrganizationUsers", id=id_, json={"userIds": [user["id"]]}, expect=201)
    path = {"id": client["id"], "userId": user["id"]}
    refused = await api(
        "CreateApplicationUserConsentOrganization",
        **path,
        json={"organizationIds": ids},
        expect=422,
    )
    assert refused["code"] == "organization.require_membership"
    assert await _consented(api, path) == set()
    await api(
        "CreateApplicationUserConsentOrganization",
        **path,
        json={"organizationIds": ids[:1]},
        expect=201,
    )
    await api(
        "ReplaceApplicationUserConsentOrganizations",
        **path,
        json={"organizationIds": ids[:2]},
        expect=204,
    )
    assert await _consented(api, path) == set(ids[:2])
    await api("DeleteApplicationUserConsentOrganization", **path, organizationId=ids[0], expect=204)
    await api("DeleteApplicationUserConsentOrganization", **path, organizationId=ids[0], expect=404)
    await api("DeleteOrganizationUser", id=ids[1], userId=user["id"], expect=204)
    assert await _consented(api, path) == set()


async def _consented(api: Api, path: dict[str, str]) -> set[str]:
    page = await api("ListApplicationUserConsentOrganizations", **path)
    return {one["id"] for one in page["organizations"]}


@pytest.mark.parametrize(
    ("application", "user", "body", "status"),
    [
        ("nobody", "ada", {"organizationIds": ["a"]}, 404),
        (CLIENT_ID, "ada", {"organizationIds": ["a"]}, 422),
        (None, "nobody", {"organizationIds": ["a"]}, 404),
        (None, "nobody", {"organizationIds": []}, 400),
    ],
)
async def test_what_cannot_be_consented_to_is_refused(
    api: Api, application: str | None, user: str, body: dict[str, list[str]], status: int
) -> None:
    if application is None:
        application = (await api("CreateApplication", json=CLIENT))["id"]
    await api(
        "CreateApplicationUserConsentOrganization",
        id=application,
        userId=user,
        json=body,
        expect=status,
    )
