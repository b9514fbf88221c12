"""The tenant's own fields on the account pages: shown, changed and taken away."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.logto.account.people import open_account_centre, stored
from tests.http.pages.test_account import Visitor, visitor
from tests.http.running import Server

__all__ = ["visitor"]

PART = {"enabled": True, "required": False, "type": "Text"}
FIELDS: tuple[dict[str, Any], ...] = (
    {"name": "nickname", "type": "Text", "config": {"maxLength": 20}},
    {"name": "height", "type": "Number", "config": {"minValue": 50, "maxValue": 250}},
    {"name": "birthdate", "type": "Date", "config": {"format": "yyyy-MM-dd"}},
    {
        "name": "news",
        "type": "Checkbox",
        "label": "Newsletter",
        "config": {"defaultValue": "false"},
    },
    {
        "name": "plan",
        "type": "Select",
        "config": {"options": [{"value": "a", "label": "Plan A"}, {"value": "b", "label": ""}]},
    },
    {"name": "website", "type": "Url", "config": {}},
    {"name": "badge", "type": "Regex", "config": {"format": "^[A-Z]{2}[0-9]+$"}},
    {
        "name": "address",
        "type": "Address",
        "config": {
            "parts": [{"name": "locality", **PART}, {"name": "country", **PART, "required": True}]
        },
    },
    {
        "name": "fullname",
        "type": "Fullname",
        "config": {"parts": [{"name": "givenName", **PART}, {"name": "familyName", **PART}]},
    },
    {"name": "hidden", "type": "Text", "config": {}},
)
ROW = "account/profile/"


@pytest.fixture
async def own(server: Server, visitor: Visitor) -> Visitor:
    """Somebody whose tenant has a field of every type and shows all but one."""
    manager = server.api(await server.management_token())
    for field in FIELDS:
        body = {"label": field["name"].title(), "required": False, **field}
        await manager("CreateCustomProfileField", json=body, expect=201)
    shown = [{"name": field["name"]} for field in FIELDS if field["name"] != "hidden"]
    await manager("UpdateAccountCenterSettings", json={"profileFields": shown})
    return visitor


HELD: tuple[tuple[str, dict[str, str], dict[str, Any], dict[str, Any], str], ...] = (
    ("nickname", {"nickname": "Countess"}, {"nickname": "Countess"}, {}, "Countess"),
    ("height", {"height": "170"}, {}, {"height": "170"}, "170"),
    ("birthdate", {"birthdate": "1815-12-10"}, {"birthdate": "1815-12-10"}, {}, "1815-12-10"),
    ("news", {"news": "true"}, {}, {"news": "true"}, "Yes"),
    ("news", {}, {}, {"news": "false"}, "No"),
    ("plan", {"plan": "a"}, {}, {"plan": "a"}, "Plan A"),
    ("website", {"website": "https://a.example"}, {"website": "https://a.example"}, {}, "a.ex"),
    ("badge", {"badge": "AB12"}, {}, {"badge": "AB12"}, "AB12"),
    (
        "address",
        {"address.locality": "London", "address.country": "UK"},
        {"address": {"locality": "London", "country": "UK"}},
        {},
        "London, UK",
    ),
    (
        "fullname",
        {"givenName": "Ada", "familyName": "Lovelace"},
        {"givenName": "Ada", "familyName": "Lovelace"},
        {},
        "Ada Lovelace",
    ),
)
"""A field, what is typed, what the account then has, and what the overview says."""
REFUSED: tuple[tuple[str, dict[str, str]], ...] = (
    ("nickname", {"nickname": "x" * 21}),
    ("height", {"height": "300"}),
    ("height", {"height": "tall"}),
    ("birthdate", {"birthdate": "10.12.1815"}),
    ("plan", {"plan": "c"}),
    ("website", {"website": "javascript:alert(1)"}),
    ("badge", {"badge": "12"}),
    ("address", {"address.locality": "London"}),
)


async def test_a_field_of_every_type_is_shown_changed_and_shown_again(
    server: Server, own: Visitor
) -> None:
    has_profile: dict[str, Any] = {}
    has_custom_data: dict[str, Any] = {}
    for field, form, profile, custom_data, shown in HELD:
        assert (await own.get(f"/profile/{field}")).status_code == 200
        typed = {f"field.{name}": value for name, value in form.items()}
        answer = await own.post(f"/profile/{field}", **typed)
        assert answer.headers["location"] == "/account?changed=profile", field
        has_profile |= profile
        has_custom_data |= custom_data
        user = await stored(server, own.user_id)
        assert (user.profile, user.custom_data) == (has_profile, has_custom_data)
        assert shown in (await own.get("")).text
        again = (await own.get(f"/profile/{field}")).text
        assert field == "news" or all(f'value="{value}"' in again for value in form.values())


async def test_what_a_field_cannot_hold_is_refused_and_shown_again(
    server: Server, own: Visitor
) -> None:
    before = await stored(server, own.user_id)
    for field, form in REFUSED:
        typed = {f"field.{name}": value for name, value in form.items()}
        answer = await own.post(f"/profile/{field}", **typed)
        assert answer.status_code == 400, field
        assert 'role="alert"' in answer.text
    assert await stored(server, own.user_id) == before


async def test_what_is_emptied_is_taken_away_and_nothing_else(server: Server, own: Visitor) -> None:
    manager = server.api(await server.management_token())
    kept = {"customData": {"empty": "", "badge": "AB1"}, "profile": {"nickname": "Countess"}}
    await manager("UpdateUser", userId=own.user_id, json=kept)
    await own.post("/profile/badge", **{"field.badge": ""})
    await own.post("/profile/nickname", **{"field.nickname": " "})
    user = await stored(server, own.user_id)
    assert (user.profile, user.custom_data) == ({}, {"empty": ""})


async def test_fields_are_as_the_tenant_allows(server: Server, own: Visitor) -> None:
    page = (await own.get("")).text
    assert f"{ROW}nickname" in page
    assert f"{ROW}hidden" not in page
    for name in ("hidden", "unknown"):
        assert (await own.get(f"/profile/{name}")).status_code == 400
        assert (await own.post(f"/profile/{name}", **{f"field.{name}": "x"})).status_code == 400
    await open_account_centre(server, profile="ReadOnly", customData="Off")
    page = (await own.get("")).text
    assert "Nickname" in page
    assert ROW not in page
    assert "Newsletter" not in page
    for name in ("nickname", "badge"):
        assert (await own.post(f"/profile/{name}", **{f"field.{name}": "x"})).status_code == 400
    assert (await stored(server, own.user_id)).profile == {}


async def test_a_field_is_not_changed_by_a_form_from_elsewhere(
    server: Server, own: Visitor
) -> None:
    answer = await own.send("/profile/nickname", csrf="forged", **{"field.nickname": "Mallory"})
    assert answer.status_code == 400
    assert (await stored(server, own.user_id)).profile == {}
