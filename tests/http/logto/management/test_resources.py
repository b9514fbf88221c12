"""Resources and their scopes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.contract import Api
from tests.http.running import BOTH_DATABASES

SHOP = {"name": "Shop", "indicator": "https://shop.example"}


@BOTH_DATABASES
async def test_a_resource_is_created_read_changed_and_deleted(api: Api) -> None:
    made = await api("CreateResource", json=SHOP, expect=201)
    assert (made["accessTokenTtl"], made["scopes"]) == (3600, [])
    changed = await api(
        "UpdateResource", id=made["id"], json={"name": "Store", "accessTokenTtl": 60}
    )
    assert (changed["name"], changed["accessTokenTtl"]) == ("Store", 60)
    assert await api("GetResource", id=made["id"]) == changed
    await api("DeleteResource", id=made["id"], expect=204)
    gone = await api("GetResource", id=made["id"], expect=404)
    assert gone["code"] == "entity.not_exists_with_id"


async def test_an_indicator_is_used_once(api: Api) -> None:
    await api("CreateResource", json=SHOP)
    refused = await api("CreateResource", json=SHOP, expect=422)
    assert refused["code"] == "resource.resource_identifier_in_use"


async def test_one_resource_is_the_default_at_most(api: Api) -> None:
    one = await api("CreateResource", json=SHOP)
    two = await api("CreateResource", json={"name": "Bank", "indicator": "https://bank.example"})
    for resource in (one, two):
        changed = await api("UpdateResourceIsDefault", id=resource["id"], json={"isDefault": True})
        assert changed["isDefault"] is True
    listed = await api("ListResources")
    assert [one["name"] for one in listed if one["isDefault"]] == ["Bank"]


@BOTH_DATABASES
async def test_scopes_are_created_changed_found_and_deleted(api: Api) -> None:
    shop = (await api("CreateResource", json=SHOP))["id"]
    made = await api("CreateResourceScope", resourceId=shop, json={"name": "read"}, expect=201)
    assert made["description"] is None
    path = {"resourceId": shop, "scopeId": made["id"]}
    changed = await api("UpdateResourceScope", **path, json={"description": "Read it"})
    assert changed == {**made, "description": "Read it"}
    assert await api("ListResourceScopes", resourceId=shop) == [changed]
    assert await api("ListResourceScopes", resourceId=shop, query={"search": "%EAD%"}) == [changed]
    assert await api("ListResourceScopes", resourceId=shop, query={"search": "write"}) == []
    shown = await api("ListResources", query={"includeScopes": "true"})
    assert next(one for one in shown if one["id"] == shop)["scopes"] == [changed]
    await api("DeleteResourceScope", **path, expect=204)
    await api("DeleteResourceScope", **path, expect=404)


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("read", 422, "scope.name_exists"),
        ("read all", 400, "scope.name_with_space"),
        ("", 400, "guard.invalid_input"),
    ],
)
async def test_a_scope_needs_a_name_of_its_own(api: Api, name: str, status: int, code: str) -> None:
    shop = (await api("CreateResource", json=SHOP))["id"]
    await api("CreateResourceScope", resourceId=shop, json={"name": "read"})
    other = await api("CreateResourceScope", resourceId=shop, json={"name": "write"})
    refused = await api("CreateResourceScope", resourceId=shop, json={"name": name}, expect=status)
    assert refused["code"] == code
    refused = await api(
        "UpdateResourceScope",
        resourceId=shop,
        scopeId=other["id"],
        json={"name": name},
        expect=status,
    )
    assert refused["code"] == code


async def test_a_scope_is_reached_through_its_own_resource_only(api: Api) -> None:
    shop = (await api("CreateResource", json=SHOP))["id"]
    bank = (await api("CreateResource", json={"name": "B", "indicator": "https://b.example"}))["id"]
    scope = await api("CreateResourceScope", resourceId=shop, json={"name": "read"})
    for operation, body in (("UpdateResourceScope", {"name": "x"}), ("DeleteResourceScope", None)):
        await api(operation, resourceId=bank, scopeId=scope["id"], json=body, expect=404)


async def test_a_scope_of_nothing_is_not_created(api: Api) -> None:
    missing = await api("CreateResourceScope", resourceId="x", json={"name": "read"}, expect=404)
    assert missing["code"] == "entity.not_exists_with_id"


async def test_the_management_api_stays_as_it_is(api: Api) -> None:
    resources = await api("ListResources", query={"includeScopes": "true"})
    management: dict[str, Any] = resources[0]
    scope = management["scopes"][0]["id"]
    refused = await api("DeleteResource", id=management["id"], expect=400)
    assert refused["code"] == "resource.cannot_delete_management_api"
    for operation, path, body in (
        ("UpdateResource", {"id": management["id"]}, {"name": "x"}),
        ("CreateResourceScope", {"resourceId": management["id"]}, {"name": "x"}),
        ("UpdateResourceScope", {"resourceId": management["id"], "scopeId": scope}, {"name": "x"}),
        ("DeleteResourceScope", {"resourceId": management["id"], "scopeId": scope}, None),
    ):
        refused = await api(operation, **path, json=body, expect=400)
        assert refused["code"] == "resource.cannot_modify_management_api"
    changed = await api("UpdateResource", id=management["id"], json={"accessTokenTtl": 120})
    assert changed["accessTokenTtl"] == 120
