"""What a console remembers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.contract import Api
from tests.http.running import BOTH_DATABASES


@BOTH_DATABASES
async def test_the_console_remembers_what_it_was_told(api: Api) -> None:
    fresh = await api("GetAdminConsoleConfig")
    assert fresh == {"signInExperienceCustomized": False, "organizationCreated": False}
    told = {"organizationCreated": True, "checkedChargeNotification": {"token": True}}
    assert await api("UpdateAdminConsoleConfig", json=told) == fresh | told
    await api("UpdateAdminConsoleConfig", json={"signInExperienceCustomized": True})
    remembered = await api("GetAdminConsoleConfig")
    assert remembered == {**told, "signInExperienceCustomized": True}


@pytest.mark.parametrize(
    "body",
    [
        {"organizationCreated": "yes"},
        {"organizationCreated": None},
        {"developmentTenantMigrationNotification": {"tag": "production"}},
        {"checkedChargeNotification": {"token": 1}},
    ],
)
async def test_what_makes_no_sense_is_not_remembered(api: Api, body: dict[str, Any]) -> None:
    refused = await api("UpdateAdminConsoleConfig", json=body, expect=400)
    assert refused["code"] == "guard.invalid_input"
