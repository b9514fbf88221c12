"""Custom profile fields: defined, changed, ordered, deleted, and shown to the sign-in page."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.contract import Api
from tests.http.running import BOTH_DATABASES

PART = {"enabled": True, "name": "country", "type": "Text", "required": False}
FIELDS: list[dict[str, Any]] = [
    {"name": "hobby", "type": "Text", "required": False, "config": {"minLength": 1}},
    {"name": "age", "type": "Number", "required": True, "label": "Age", "config": {"minValue": 0}},
    {"name": "since", "type": "Date", "required": False, "config": {"format": "yyyy-MM-dd"}},
    {"name": "news", "type": "Checkbox", "required": False, "config": {"defaultValue": "true"}},
    {"name": "size", "type": "Select", "required": True, "config": {"options": [{"value": "L"}]}},
    {"name": "blog", "type": "Url", "required": False, "description": "Your own"},
    {"name": "zip", "type": "Regex", "required": False, "config": {"format": "^[0-9]+$"}},
    {"name": "address", "type": "Address", "required": False, "config": {"parts": [PART]}},
    {
        "name": "fullname",
        "type": "Fullname",
        "required": False,
        "config": {"parts": [{**PART, "name": "givenName"}]},
    },
]


@BOTH_DATABASES
async def test_fields_of_every_type_are_defined_and_shown_in_their_order(api: Api) -> None:
    first = await api("CreateCustomProfileField", json=FIELDS[0], expect=201)
    rest = await api("CreateCustomProfileFieldsBatch", json=FIELDS[1:], expect=201)
    assert [one["sieOrder"] for one in [first, *rest]] == list(range(1, 10))
    assert [one["config"] for one in [first, *rest]] == [one.get("config", {}) for one in FIELDS]
    assert await api("ListCustomProfileFields") == [first, *rest]
    assert await api("GetCustomProfileFieldByName", name="age") == rest[0]
    shown = await api.with_token(None)("GetSignInExperienceConfig")
    assert [one["name"] for one in shown["customProfileFields"]] == [one["name"] for one in FIELDS]


@BOTH_DATABASES
async def test_fields_are_moved_and_changed(api: Api) -> None:
    await api("CreateCustomProfileFieldsBatch", json=FIELDS[:3], expect=201)
    order = [{"name": "since", "sieOrder": 1}, {"name": "hobby", "sieOrder": 3}]
    moved = await api("UpdateCustomProfileFieldsSieOrder", json={"order": order})
    assert [(one["name"], one["sieOrder"]) for one in moved] == [("since", 1), ("hobby", 3)]
    names = [one["name"] for one in await api("ListCustomProfileFields")]
    assert names == ["since", "age", "hobby"]
    change = {"type": "Text", "required": True, "config": {"maxLength": 5}}
    changed = await api("UpdateCustomProfileFieldByName", name="age", json=change)
    assert changed["label"] == "Age"
    assert (changed["type"], changed["required"]) == ("Text", True)
    assert changed["config"] == {"maxLength": 5}


async def test_a_deleted_field_leaves_the_forms_that_showed_it(api: Api) -> None:
    await api("CreateCustomProfileFieldsBatch", json=FIELDS[:2], expect=201)
    names = [{"name": "hobby"}, {"name": "age"}, {"name": "gone"}]
    settings = await api("UpdateSignInExp", json={"signUpProfileFields": names})
    assert settings["signUpProfileFields"] == names[:2]
    await api("UpdateAccountCenterSettings", json={"profileFields": names[:2]})
    await api("DeleteCustomProfileFieldByName", name="hobby", expect=204)
    assert (await api("GetSignInExp"))["signUpProfileFields"] == [{"name": "age"}]
    assert (await api("GetAccountCenterSettings"))["profileFields"] == [{"name": "age"}]
    gone = await api("DeleteCustomProfileFieldByName", name="hobby", expect=404)
    assert gone["code"] == "entity.not_found"
    await api("GetCustomProfileFieldByName", name="hobby", expect=404)
    await api("UpdateCustomProfileFieldByName", name="hobby", json=FIELDS[0], expect=404)
    twice = {"signUpProfileFields": [{"name": "age"}, {"name": "age"}]}
    refused = await api("UpdateSignInExp", json=twice, expect=400)
    assert refused["code"] == "request.invalid_input"


@BOTH_DATABASES
async def test_a_name_is_given_once_and_one_bad_field_keeps_all_out(api: Api) -> None:
    await api("CreateCustomProfileField", json=FIELDS[0], expect=201)
    refused = await api("CreateCustomProfileField", json=FIELDS[0], expect=422)
    assert refused["code"] == "custom_profile_fields.name_exists"
    refused = await api("CreateCustomProfileFieldsBatch", json=FIELDS[:2][::-1], expect=422)
    assert refused["code"] == "custom_profile_fields.name_exists"
    assert len(await api("ListCustomProfileFields")) == 1


def text(**more: Any) -> dict[str, Any]:
    return {"name": "thing", "type": "Text", "required": False, **more}


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (text(name="a b"), "custom_profile_fields.invalid_name"),
        (text(name="email"), "custom_profile_fields.name_conflict_sign_in_identifier"),
        (text(name="onboarding"), "custom_profile_fields.name_conflict_custom_data"),
        (text(name="preferredUsername"), "custom_profile_fields.name_conflict_built_in_prop"),
        (
            text(config={"minLength": 2, "maxLength": 1}),
            "custom_profile_fields.invalid_min_max_input",
        ),
        (
            text(type="Number", config={"minValue": 2, "maxValue": 1}),
            "custom_profile_fields.invalid_min_max_input",
        ),
        (
            text(type="Regex", config={"format": "(?=a)"}),
            "custom_profile_fields.invalid_regex_format",
        ),
        (
            text(type="Address", config={"parts": []}),
            "custom_profile_fields.invalid_address_components",
        ),
        (
            text(type="Fullname", config={"parts": []}),
            "custom_profile_fields.invalid_fullname_components",
        ),
        (
            text(type="Address", config={"parts": [{**PART, "type": "Fullname"}]}),
            "custom_profile_fields.invalid_sub_component_type",
        ),
        (text(type="Address", config={"parts": [PART, PART]}), "request.invalid_input"),
        (text(type="Fullname", config={"parts": [PART]}), "guard.invalid_input"),
        (text(type="Colour"), "guard.invalid_input"),
        (text(type="Select"), "guard.invalid_input"),
        (text(type="Date", config={}), "guard.invalid_input"),
        (text(type="Checkbox", required=True), "guard.invalid_input"),
        (text(label=""), "guard.invalid_input"),
        (text(name="x" * 129), "guard.invalid_input"),
        ({"name": "thing", "type": "Text"}, "guard.invalid_input"),
    ],
)
async def test_a_field_that_makes_no_sense_is_refused(
    api: Api, wrong: dict[str, Any], code: str
) -> None:
    refused = await api("CreateCustomProfileField", json=wrong, expect=400)
    assert refused["code"] == code
    refused = await api("CreateCustomProfileFieldsBatch", json=[FIELDS[0], wrong], expect=400)
    assert refused["code"] == code
    assert await api("ListCustomProfileFields") == []


async def test_a_changed_field_is_complete(api: Api) -> None:
    await api("CreateCustomProfileField", json=text(), expect=201)
    for change, code in [
        ({"type": "Checkbox", "required": False}, "custom_profile_fields.invalid_default_value"),
        (
            {"type": "Select", "required": False, "config": {"options": []}},
            "custom_profile_fields.invalid_options",
        ),
        (
            {
                "type": "Address",
                "required": False,
                "config": {"parts": [{**PART, "type": "Select"}]},
            },
            "custom_profile_fields.invalid_options",
        ),
    ]:
        refused = await api("UpdateCustomProfileFieldByName", name="thing", json=change, expect=400)
        assert refused["code"] == code


async def test_only_fields_that_there_are_can_be_moved(api: Api) -> None:
    await api("CreateCustomProfileField", json=text(), expect=201)
    order = [{"name": "thing", "sieOrder": 5}, {"name": "gone", "sieOrder": 6}]
    refused = await api("UpdateCustomProfileFieldsSieOrder", json={"order": order}, expect=400)
    assert refused["code"] == "custom_profile_fields.entity_not_exists_with_names"
    refused = await api(
        "UpdateCustomProfileFieldsSieOrder", json={"order": [order[0], order[0]]}, expect=400
    )
    assert refused["code"] == "request.invalid_input"
    assert (await api("GetCustomProfileFieldByName", name="thing"))["sieOrder"] == 1


async def test_a_batch_is_bounded(api: Api) -> None:
    many = [text(name=f"thing{number}") for number in range(21)]
    await api("CreateCustomProfileFieldsBatch", json=many, expect=400)
    assert await api("CreateCustomProfileFieldsBatch", json=[], expect=201) == []
