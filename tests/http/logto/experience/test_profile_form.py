"""The tenant's own fields, filled in while registering."""

from __future__ import annotations

from typing import Any

import pytest

from gatehouse.storage.custom_profile_fields import CustomProfileField, CustomProfileFields
from gatehouse.storage.transaction import Transaction
from tests.http.logto.experience.browsing import Browser
from tests.http.logto.experience.house import TENANT, House
from tests.http.logto.experience.test_registration import new_identity
from tests.http.running import BOTH_DATABASES

MISSING = (422, "user.missing_profile")


async def ask(house: House, *fields: CustomProfileField) -> None:
    """Have sign-up ask for these."""

    def store(tx: Transaction) -> None:
        for field in fields:
            CustomProfileFields(tx, TENANT).create(field)

    await house.core.db.write(store)


def field(name: str, *, required: bool = True, **more: Any) -> CustomProfileField:
    return CustomProfileField(name=name, type="Text", required=required, **more)


async def registering(house: House) -> tuple[Browser, dict[str, str]]:
    browser = await (await house.browser()).start("Register")
    return browser, {"verificationId": await new_identity(browser, "ada")}


async def fill_in(browser: Browser, **values: Any) -> None:
    await browser("AddUserProfile", json={"type": "extraProfile", "values": values}, expect=204)


@BOTH_DATABASES
async def test_fields_are_asked_for_and_kept_where_they_belong(house: House) -> None:
    await ask(house, field("givenName"), field("shoeSize"), field("name", required=False))
    browser, body = await registering(house)
    answer = await browser.client.post(
        "/api/experience/identification", json=body, headers=browser.headers
    )
    assert (answer.status_code, answer.json()["code"]) == MISSING
    assert answer.json()["data"] == {"missingProfile": ["extraProfile"]}
    await fill_in(browser, givenName="Ada", shoeSize="38", name="Ada Lovelace")
    assert (await browser("GetInteraction"))["profile"] == {
        "username": "ada",
        "name": "Ada Lovelace",
        "profile": {"givenName": "Ada"},
        "customData": {"shoeSize": "38"},
    }
    await browser.identify(None, expect=201)
    await browser.submit()
    user = await house.find_user("ada")
    assert user is not None
    assert (user.name, user.profile, user.custom_data) == (
        "Ada Lovelace",
        {"givenName": "Ada"},
        {"shoeSize": "38"},
    )


async def test_what_is_not_required_can_be_left_out_once_the_form_was_shown(house: House) -> None:
    await ask(house, field("nickname", required=False))
    browser, body = await registering(house)
    assert await browser.refused("IdentifyUser", body) == MISSING
    await fill_in(browser)
    await browser.identify(None, expect=201)
    await browser.submit()


async def test_what_is_required_is_asked_for_again(house: House) -> None:
    await ask(house, field("nickname"))
    browser, body = await registering(house)
    await fill_in(browser, favourite="blue")
    assert await browser.refused("IdentifyUser", body) == MISSING


async def test_only_the_chosen_fields_are_asked_for(house: House) -> None:
    await ask(house, field("nickname"))
    await house.settle(sign_up_profile_fields=[])
    browser, body = await registering(house)
    await browser.identify(body["verificationId"], expect=201)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"username": "bob"}, "custom_profile_fields.name_conflict_sign_in_identifier"),
        ({"preferredUsername": "b"}, "custom_profile_fields.name_conflict_built_in_prop"),
        ({"onboarding": "b"}, "custom_profile_fields.name_conflict_custom_data"),
        ({"nickname": 7}, None),
    ],
)
async def test_what_a_field_cannot_hold_is_refused(
    house: House, values: dict[str, Any], code: str | None
) -> None:
    await ask(house, field("nickname"))
    browser, _ = await registering(house)
    body = {"type": "extraProfile", "values": values}
    status, found = await browser.refused("AddUserProfile", body)
    assert status == 400
    assert found == code or code is None
    assert (await browser("GetInteraction"))["profile"] == {}


async def test_signing_in_is_not_held_up_by_fields(house: House) -> None:
    await house.add_user("ada")
    await ask(house, field("nickname"))
    await (await house.browser()).sign_in("ada", "wombat-9-hill")
