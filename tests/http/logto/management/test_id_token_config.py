"""Which extended claims id tokens have."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.contract import Api
from tests.http.running import BOTH_DATABASES


@BOTH_DATABASES
async def test_the_choice_is_kept(api: Api) -> None:
    usual = {"enabledExtendedClaims": ["roles", "organizations", "organization_roles"]}
    assert await api("GetIdTokenConfig") == usual
    for chosen in ({"enabledExtendedClaims": ["custom_data"]}, {"enabledExtendedClaims": []}, {}):
        assert await api("UpsertIdTokenConfig", json=chosen) == chosen
        assert await api("GetIdTokenConfig") == chosen


@pytest.mark.parametrize(
    "body",
    [
        {"enabledExtendedClaims": ["password"]},
        {"enabledExtendedClaims": "roles"},
        {"enabledExtendedClaims": None},
        {"enabledExtendedClaims": ["roles"] * 8},
    ],
)
async def test_claims_that_there_are_not_are_refused(api: Api, body: dict[str, Any]) -> None:
    refused = await api("UpsertIdTokenConfig", json=body, expect=400)
    assert refused["code"] == "guard.invalid_input"
