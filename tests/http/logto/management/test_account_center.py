"""The account centre's settings: closed at first, changed in parts, told to pages."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.contract import Api
from tests.http.running import BOTH_DATABASES

PATCHES: list[dict[str, Any]] = [
    {"enabled": True},
    {"fields": {"name": "Edit", "customData": "ReadOnly", "session": "Off"}},
    {"webauthnRelatedOrigins": ["https://a.example", "https://b.example"]},
    {"deleteAccountUrl": "https://example.com/leave"},
    {"customCss": "body { color: teal }"},
    {"profileFields": []},
]


@BOTH_DATABASES
async def test_there_is_no_account_centre_until_it_is_opened(api: Api) -> None:
    assert await api("GetAccountCenterSettings") == {
        "tenantId": "default",
        "id": "default",
        "enabled": False,
        "fields": {},
        "webauthnRelatedOrigins": [],
        "deleteAccountUrl": None,
        "customCss": None,
        "profileFields": None,
    }


@BOTH_DATABASES
async def test_each_setting_changes_by_itself(api: Api) -> None:
    known = await api("GetAccountCenterSettings")
    for patch in PATCHES:
        known |= patch
        assert await api("UpdateAccountCenterSettings", json=patch) == known
    assert await api("GetAccountCenterSettings") == known


async def test_a_page_is_told_without_a_token(api: Api) -> None:
    await api("UpdateAccountCenterSettings", json={"enabled": True, "fields": {"mfa": "Edit"}})
    told = await api.with_token(None)("GetWellKnownAccountCenter")
    assert (told["enabled"], told["fields"]) == (True, {"mfa": "Edit"})


async def test_origins_are_kept_once_and_an_empty_address_is_none(api: Api) -> None:
    patch = {"webauthnRelatedOrigins": ["https://a.example"] * 2, "deleteAccountUrl": ""}
    changed = await api("UpdateAccountCenterSettings", json=patch)
    assert changed["webauthnRelatedOrigins"] == ["https://a.example"]
    assert changed["deleteAccountUrl"] is None


@pytest.mark.parametrize(
    "patch",
    [
        {"enabled": "yes"},
        {"enabled": None},
        {"fields": {"name": "Hidden"}},
        {"fields": None},
        {"webauthnRelatedOrigins": "https://a.example"},
        {"deleteAccountUrl": "javascript:alert(1)"},
        {"deleteAccountUrl": "not a url"},
        {"customCss": 5},
        {"profileFields": [{"label": "name"}]},
    ],
)
async def test_settings_that_make_no_sense_are_refused(api: Api, patch: dict[str, Any]) -> None:
    before = await api("GetAccountCenterSettings")
    refused = await api("UpdateAccountCenterSettings", json=patch, expect=400)
    assert refused["code"] == "guard.invalid_input"
    assert await api("GetAccountCenterSettings") == before


async def test_profile_fields_are_those_that_there_are(api: Api) -> None:
    field = {"name": "nickname", "type": "Text", "label": "Nickname", "required": False}
    await api("CreateCustomProfileField", json={**field, "config": {}})
    wanted = {"profileFields": [{"name": "nickname"}, {"name": "unknown"}]}
    changed = await api("UpdateAccountCenterSettings", json=wanted)
    assert changed["profileFields"] == [{"name": "nickname"}]
    twice = {"profileFields": [{"name": "nickname"}] * 2}
    refused = await api("UpdateAccountCenterSettings", json=twice, expect=400)
    assert refused["code"] == "request.invalid_input"
