"""The scripts that are asked while somebody signs in: kept and tried."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.http.contract import Api
from tests.http.running import BOTH_DATABASES

SIGN_IN = {"actionType": "action.postSignIn"}
SCRIPT = "const runAction = async ({ event, environmentVariables }) => "
TRIAL: dict[str, Any] = {
    "actionType": "action.postSignIn",
    "script": f"{SCRIPT} ({{ said: event.user.name + environmentVariables.END }})",
    "event": {"user": {"name": "Ada"}},
    "environmentVariables": {"END": "!"},
}


@BOTH_DATABASES
async def test_actions_are_kept_changed_and_deleted(api: Api) -> None:
    assert await api("ListActions") == []
    await api("GetAction", **SIGN_IN, expect=404)
    await api("UpdateAction", **SIGN_IN, json={"enabled": True}, expect=404)
    await api("DeleteAction", **SIGN_IN, expect=404)
    new = {
        "script": "x",
        "enabled": True,
        "onExecutionError": "allow",
        "environmentVariables": {"A": "1"},
        "contextSample": {"anything": [1, None]},
    }
    assert await api("UpsertAction", **SIGN_IN, json=new, expect=201) == new
    assert await api("UpsertAction", **SIGN_IN, json=new, expect=200) == new
    changed = await api("UpdateAction", **SIGN_IN, json={"enabled": False})
    assert changed == new | {"enabled": False}
    assert await api("GetAction", **SIGN_IN) == changed
    assert await api("ListActions") == [{"key": SIGN_IN["actionType"], "value": changed}]
    await api("DeleteAction", **SIGN_IN, expect=204)
    assert await api("ListActions") == []


@pytest.mark.parametrize(
    "body",
    [{}, {"script": 1}, {"script": "x", "onExecutionError": "maybe"}, {"script": "x", "a": 1}],
)
async def test_what_is_no_action_is_refused(api: Api, body: dict[str, Any]) -> None:
    refused = await api("UpsertAction", **SIGN_IN, json=body, expect=400)
    assert refused["code"] == "guard.invalid_input"
    await api("UpsertAction", actionType="action.other", json={"script": "x"}, expect=400)


async def test_each_moment_has_a_script_of_its_own(api: Api) -> None:
    first = {"actionType": "action.postFirstFactorVerification"}
    await api("UpsertAction", **first, json={"script": "x"}, expect=201)
    await api("UpsertAction", **SIGN_IN, json={"script": "y"}, expect=201)
    assert [one["value"]["script"] for one in await api("ListActions")] == ["x", "y"]
    await api("DeleteAction", **first, expect=204)
    await api("GetAction", **first, expect=404)
    assert (await api("GetAction", **SIGN_IN))["script"] == "y"


async def test_a_script_is_tried_on_an_event(api: Api) -> None:
    assert await api("TestAction", json=TRIAL) == {"said": "Ada!"}
    nothing = {**TRIAL, "script": f"{SCRIPT} undefined"}
    assert await api("TestAction", json=nothing, expect=204) is None


async def test_whatever_a_script_returns_is_shown_as_json(api: Api) -> None:
    headers = {"authorization": f"Bearer {api.token}"}
    for returned in (None, "text", [1], False, 7):
        trial = {**TRIAL, "script": f"{SCRIPT} ({json.dumps(returned)})"}
        answer = await api.client.post("/api/configs/actions/test", json=trial, headers=headers)
        assert (answer.status_code, answer.json()) == (200, returned)
        assert answer.headers["content-type"].startswith("application/json")


async def test_a_failing_trial_says_why(api: Api) -> None:
    for script, said in (("x", "ReferenceError"), ("const a = 1", "no function runAction")):
        refused = await api("TestAction", json={**TRIAL, "script": script}, expect=422)
        assert refused["code"] == "action.general"
        assert said in refused["data"]["message"]
    for left_out in ("script", "actionType", "event"):
        body = {name: value for name, value in TRIAL.items() if name != left_out}
        await api("TestAction", json=body, expect=400)
