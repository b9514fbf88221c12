"""What the installation says about itself, lifting lockouts, and usernames that are alike."""

from __future__ import annotations

import pytest

from gatehouse.actors.lockout import Pool, guard
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.sign_in_rules import SentinelPolicy
from tests.http.contract import Api
from tests.http.running import BOTH_DATABASES, PROTECTED_APP_DOMAIN, Server


async def test_the_domain_of_protected_applications_is_told(api: Api) -> None:
    told = await api("GetSystemApplicationConfig")
    assert told == {"protectedApps": {"defaultDomain": PROTECTED_APP_DOMAIN}}


async def attempt(server: Server, name: str, *, succeeds: bool) -> Reason | None:
    async def check() -> None:
        if not succeeds:
            raise Refused(Reason.INVALID_CREDENTIALS)

    policy = SentinelPolicy(max_attempts=1, lockout_duration=60)
    try:
        await guard(server.core, policy, Pool.SIGN_IN, name, check)
    except Refused as refusal:
        return refusal.reason
    return None


async def test_lockouts_of_the_given_names_are_lifted(server: Server, api: Api) -> None:
    for name in ("Ada@example.com", "bob"):
        await attempt(server, name, succeeds=False)
        assert await attempt(server, name, succeeds=True) is Reason.BLOCKED
    body = {"targetType": "App", "targets": ["ada@example.com"]}
    await api("DeleteSentinelActivities", json=body, expect=204)
    assert await attempt(server, "ada@example.com", succeeds=True) is Reason.BLOCKED
    body["targetType"] = "User"
    await api("DeleteSentinelActivities", json=body, expect=204)
    assert await attempt(server, "ada@example.com", succeeds=True) is None
    assert await attempt(server, "bob", succeeds=True) is Reason.BLOCKED


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"targetType": "Robot", "targets": []},
        {"targetType": "User", "targets": [5]},
        {"targetType": "User", "targets": ["x"] * 101},
        {"targetType": "User", "targets": ["x" * 513]},
    ],
)
async def test_targets_are_names(api: Api, wrong: dict[str, object]) -> None:
    refused = await api("DeleteSentinelActivities", json=wrong, expect=400)
    assert refused["code"] == "guard.invalid_input"


@BOTH_DATABASES
async def test_usernames_that_differ_in_their_case_alone_are_found(api: Api) -> None:
    ids = {}
    for name in ("ada", "Ada", "bob", "ADA", "Eve", "eve"):
        ids[name] = (await api("CreateUser", json={"username": name}))["id"]
    found = await api("GetUsernameCaseSensitivityConflicts", query={"limit": 20})
    assert found["totalConflicts"] == 2
    assert {one["usernameLower"]: set(one["userIds"]) for one in found["samples"]} == {
        "ada": {ids["ada"], ids["Ada"], ids["ADA"]},
        "eve": {ids["Eve"], ids["eve"]},
    }
    fewer = await api("GetUsernameCaseSensitivityConflicts", query={"limit": 1})
    assert fewer["totalConflicts"] == 2
    assert [one["usernameLower"] for one in fewer["samples"]] == ["ada"]
    await api("GetUsernameCaseSensitivityConflicts", query={"limit": 0}, expect=400)
