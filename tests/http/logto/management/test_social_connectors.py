"""Social connectors: their factories, how they are set up, and what sign-in pages hear of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from gatehouse.actors.connectors.messengers import Messengers
from gatehouse.actors.outbound import Outbound
from tests.http.contract import Api
from tests.http.running import BOTH_DATABASES, Server

GOOGLE = {"clientId": "a-client", "clientSecret": "the client's secret"}
OIDC: dict[str, Any] = {
    **GOOGLE,
    "authorizationEndpoint": "https://idp.example/auth",
    "tokenEndpoint": "https://idp.example/token",
    "scope": "openid email",
    "idTokenVerificationConfig": {"jwksUri": "https://idp.example/jwks"},
}


def oidc(target: str = "acme", **more: Any) -> dict[str, Any]:
    metadata = {"target": target, "name": {"en": "Acme"}, "logo": "https://acme.example/a.png"}
    return {"connectorId": "oidc", "config": OIDC, "metadata": metadata, **more}


def google(**more: Any) -> dict[str, Any]:
    return {"connectorId": "google-universal", "config": GOOGLE, **more}


async def test_factories_say_what_they_have_to_be_told(api: Api) -> None:
    factories = {one["id"]: one for one in await api("ListConnectorFactories")}
    social = {one["id"]: one["target"] for one in factories.values() if one["type"] == "Social"}
    expected = {
        "apple-universal": "apple",
        "azuread-universal": "azuread",
        "discord-universal": "discord",
        "facebook-universal": "facebook",
        "github-universal": "github",
        "google-universal": "google",
        "oauth2": "oauth2",
        "oidc": "oidc",
    }
    assert expected.items() <= social.items()
    standard = {one["id"] for one in factories.values() if one["isStandard"]}
    assert {"oauth2", "oidc"} <= standard
    assert not standard & (expected.keys() - {"oauth2", "oidc"})
    read = await api("GetConnectorFactory", id="google-universal")
    assert read == factories["google-universal"]
    assert [one["key"] for one in read["formItems"]][:2] == ["clientId", "clientSecret"]
    assert read["isTokenStorageSupported"]


async def test_the_mock_is_there_where_mocks_are(server: Server, tmp_path: Path) -> None:
    assert server.core.messengers.factory("mock-social-connector") is None
    messengers = Messengers(server.core.db, Outbound(), mock_directory=tmp_path)
    assert messengers.factory("mock-social-connector") is not None


@BOTH_DATABASES
async def test_a_social_connector_is_set_up_changed_and_deleted(api: Api) -> None:
    made = await api("CreateConnector", json=google(id="g", enableTokenStorage=True))
    assert (made["id"], made["type"], made["target"]) == ("g", "Social", "google")
    assert (made["enableTokenStorage"], made["syncProfile"]) == (True, False)
    changed = await api("UpdateConnector", id="g", json={"syncProfile": True, "config": GOOGLE})
    assert changed == {**made, "syncProfile": True}
    changed = await api("UpdateConnector", id="g", json={"enableTokenStorage": False})
    assert not changed["enableTokenStorage"]
    await api("DeleteConnector", id="g", expect=204)
    assert await api("ListConnectors") == []


async def test_standard_connectors_have_names_of_their_own(api: Api) -> None:
    one = await api("CreateConnector", json=oidc())
    other = await api("CreateConnector", json=oidc("beta"))
    assert (one["target"], other["target"]) == ("acme", "beta")
    assert (one["name"], one["logo"]) == ({"en": "Acme"}, "https://acme.example/a.png")
    assert [found["id"] for found in await api("ListConnectors", query={"target": "acme"})] == [
        one["id"]
    ]
    renamed = {"target": "acme", "name": {"en": "Acme Inc."}}
    changed = await api("UpdateConnector", id=one["id"], json={"metadata": renamed})
    assert changed["name"] == {"en": "Acme Inc."}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"connectorId": "oidc", "config": OIDC}, 400, "connector.should_specify_target"),
        (oidc("google"), 422, "connector.multiple_target_with_same_platform"),
        (google(), 422, "connector.multiple_instances_not_supported"),
        (
            {"connectorId": "github-universal", "metadata": {"target": "x"}},
            400,
            "connector.cannot_overwrite_metadata_for_non_standard_connector",
        ),
        (
            {"connectorId": "apple-universal", "enableTokenStorage": True},
            422,
            "connector.token_storage_not_supported",
        ),
        ({"connectorId": "github-universal", "config": {}}, 400, "connector.invalid_config"),
        (oidc(metadata={"target": 1}), 400, "guard.invalid_input"),
        ({"connectorId": "mock-social-connector"}, 422, "connector.not_found_with_connector_id"),
    ],
)
async def test_a_social_connector_that_cannot_be_is_not_set_up(
    api: Api, body: dict[str, Any], status: int, code: str
) -> None:
    before = [await api("CreateConnector", json=google())]
    assert (await api("CreateConnector", json=body, expect=status))["code"] == code
    assert await api("ListConnectors") == before


async def test_a_target_stays_what_it_is(api: Api) -> None:
    made = await api("CreateConnector", json=oidc())
    refused = await api(
        "UpdateConnector", id=made["id"], json={"metadata": {"target": "other"}}, expect=400
    )
    assert refused["code"] == "connector.can_not_modify_target"
    assert await api("GetConnector", id=made["id"]) == made


async def test_sign_in_pages_hear_of_connectors_that_are_offered(api: Api) -> None:
    one_tap = {"isEnabled": True, "autoSelect": True}
    made = await api("CreateConnector", json=google(config={**GOOGLE, "oneTap": one_tap}))
    acme = await api("CreateConnector", json=oidc())
    targets = {"socialSignInConnectorTargets": ["acme", "google", "nobody"]}
    settings = await api("UpdateSignInExp", json=targets)
    assert settings["socialSignInConnectorTargets"] == ["acme", "google"]
    shown = await api.with_token(None)("GetSignInExperienceConfig")
    assert [one["id"] for one in shown["socialConnectors"]] == [acme["id"], made["id"]]
    assert shown["googleOneTap"]["clientId"] == "a-client"
    assert (shown["googleOneTap"]["isEnabled"], shown["googleOneTap"]["connectorId"]) == (
        True,
        made["id"],
    )
    assert "secret" not in str(shown["socialConnectors"])
    await api("DeleteConnector", id=made["id"])
    shown = await api.with_token(None)("GetSignInExperienceConfig")
    assert shown["socialSignInConnectorTargets"] == ["acme"]
    assert "googleOneTap" not in shown


BACK = {"state": "mine", "redirectUri": "https://app.example/back"}


async def test_a_person_to_be_linked_is_sent_to_the_provider(api: Api) -> None:
    made = await api("CreateConnector", json=google())
    reply = await api("CreateConnectorAuthorizationUri", connectorId=made["id"], json=BACK)
    url = urlsplit(reply["redirectTo"])
    assert url.netloc == "accounts.google.com"
    asked = parse_qs(url.query)
    assert (asked["state"], asked["redirect_uri"]) == (["mine"], ["https://app.example/back"])
    assert "code_challenge" not in asked


@pytest.mark.parametrize(
    ("connector", "body", "status", "code"),
    [
        ("nobody", BACK, 404, "entity.not_found"),
        ("g", {**BACK, "state": ""}, 400, "session.insufficient_info"),
        ("g", {"state": "mine"}, 400, "guard.invalid_input"),
        ("mail", BACK, 400, "connector.unexpected_type"),
        ("acme", BACK, 501, "connector.not_implemented"),
        ("raw", BACK, 400, "connector.invalid_config"),
    ],
)
async def test_nobody_is_sent_where_nothing_can_come_of_it(
    api: Api, connector: str, body: dict[str, str], status: int, code: str
) -> None:
    await api("CreateConnector", json=google(id="g"))
    await api("CreateConnector", json=oidc(id="acme"))
    await api("CreateConnector", json={"connectorId": "github-universal", "id": "raw"})
    mail = {"connectorId": "http-email", "id": "mail", "config": {"endpoint": "https://a.example"}}
    await api("CreateConnector", json=mail)
    answer = await api.send("CreateConnectorAuthorizationUri", connectorId=connector, json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
