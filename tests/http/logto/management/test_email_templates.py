"""Email templates: one for each language and type."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.contract import Api
from tests.http.running import BOTH_DATABASES


def template(language: str, kind: str, subject: str = "Hello", **more: str) -> dict[str, Any]:
    details = {"subject": subject, "content": "Your code is {{code}}", **more}
    return {"languageTag": language, "templateType": kind, "details": details}


async def put(api: Api, *templates: dict[str, Any]) -> list[dict[str, Any]]:
    stored: list[dict[str, Any]] = await api(
        "ReplaceEmailTemplates", json={"templates": list(templates)}
    )
    return stored


@BOTH_DATABASES
async def test_templates_are_stored_and_replaced(api: Api) -> None:
    german, english = await put(api, template("de", "SignIn"), template("en", "SignIn"))
    (again,) = await put(api, template("de", "SignIn", "Hallo", contentType="text/plain"))
    assert again["id"] == german["id"]
    assert again["createdAt"] == german["createdAt"]
    assert again["details"]["subject"] == "Hallo"
    assert await api("GetEmailTemplate", id=german["id"]) == again
    assert await api("ListEmailTemplates") == [again, english]


@BOTH_DATABASES
async def test_templates_are_found_and_deleted_by_language_and_type(api: Api) -> None:
    await put(api, template("en", "SignIn"), template("de", "Register"), template("de", "SignIn"))

    async def found(**query: str) -> list[tuple[str, str]]:
        listed = await api("ListEmailTemplates", query=query)
        return [(one["languageTag"], one["templateType"]) for one in listed]

    assert await found() == [("de", "Register"), ("de", "SignIn"), ("en", "SignIn")]
    assert await found(languageTag="de") == [("de", "Register"), ("de", "SignIn")]
    assert await found(templateType="SignIn") == [("de", "SignIn"), ("en", "SignIn")]
    assert await found(languageTag="en", templateType="Register") == []
    refused = await api("DeleteEmailTemplates", expect=422)
    assert refused["code"] == "connector.email_connector.bulk_deletion_no_filter"
    gone = await api("DeleteEmailTemplates", query={"templateType": "SignIn"})
    assert gone == {"rowCount": 2}
    assert await found() == [("de", "Register")]


async def test_a_template_is_changed_in_parts_and_deleted(api: Api) -> None:
    (made,) = await put(api, template("en", "SignIn", replyTo="help@example.com"))
    changed = await api("UpdateEmailTemplateDetails", id=made["id"], json={"subject": "Hi"})
    assert changed == {**made, "details": {**made["details"], "subject": "Hi"}}
    await api("DeleteEmailTemplate", id=made["id"], expect=204)
    await api("DeleteEmailTemplate", id=made["id"], expect=404)
    refused = await api("GetEmailTemplate", id=made["id"], expect=404)
    assert refused["code"] == "entity.not_exists_with_id"
    await api("UpdateEmailTemplateDetails", id=made["id"], json={}, expect=404)


@pytest.mark.parametrize(
    "wrong",
    [
        template("", "SignIn"),
        template("x" * 17, "SignIn"),
        template("en", "SignOut"),
        template("en", "SignIn", contentType="text/markdown"),
        {"languageTag": "en", "templateType": "SignIn", "details": {"subject": "Hi"}},
    ],
)
async def test_one_wrong_template_keeps_all_out(api: Api, wrong: dict[str, Any]) -> None:
    body = {"templates": [template("en", "Register"), wrong]}
    refused = await api("ReplaceEmailTemplates", json=body, expect=400)
    assert refused["code"] == "guard.invalid_input"
    assert await api("ListEmailTemplates") == []


async def test_there_is_something_to_store_and_to_look_for(api: Api) -> None:
    await api("ReplaceEmailTemplates", json={"templates": []}, expect=400)
    await api("ListEmailTemplates", query={"templateType": "SignOut"}, expect=400)
    await api("DeleteEmailTemplates", query={"languageTag": ""}, expect=400)
