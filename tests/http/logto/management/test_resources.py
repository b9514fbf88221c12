"""Resources and their scopes."""

from __future__ import annotations

from tests.http.contract import Api


async def test_a_resource_is_created_read_changed_and_deleted(api: Api) -> None:
    made = await api("CreateResource", json={"name": "Shop", "indicator": "https://shop.example"})
    assert made["accessTokenTtl"] == 3600
    assert made["scopes"] == []
    changed = await api(
        "UpdateResource", id=made["id"], json={"name": "Store", "accessTokenTtl": 60}
    )
    assert (changed["name"], changed["accessTokenTtl"]) == ("Store", 60)
    assert await api("GetResource", id=made["id"]) == changed
    await api("DeleteResource", id=made["id"], expect=204)
    gone = await api("GetResource", id=made["id"], expect=404)
    assert gone["code"] == "entity.not_exists_with_id"
