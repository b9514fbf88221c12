"""Applications and their secrets."""

from __future__ import annotations

from typing import Any

import pytest

from gatehouse.http.logto.access import management_audience
from gatehouse.storage.applications import Applications
from gatehouse.storage.transaction import Transaction
from tests.http.contract import Api
from tests.http.running import BOTH_DATABASES, CLIENT_ID, TENANT, Server

WEB = {
    "name": "Web",
    "type": "Traditional",
    "oidcClientMetadata": {
        "redirectUris": ["https://web.example/callback", "io.logto.app://callback"],
        "postLogoutRedirectUris": [],
    },
    "customClientMetadata": {"rotateRefreshToken": True, "corsAllowedOrigins": []},
    "customData": {"team": "a"},
}


@BOTH_DATABASES
async def test_an_application_is_created_read_changed_and_deleted(api: Api) -> None:
    made = await api("CreateApplication", json=WEB)
    assert "secret" not in made
    assert made["oidcClientMetadata"] == WEB["oidcClientMetadata"]
    assert await api("GetApplication", id=made["id"]) == {**made, "isAdmin": False}
    changed = await api(
        "UpdateApplication",
        id=made["id"],
        json={"description": "The web", "customClientMetadata": {"idTokenTtl": 60}},
    )
    assert changed["customClientMetadata"] == {"idTokenTtl": 60}
    assert changed["description"] == "The web"
    await api("DeleteApplication", id=made["id"], expect=204)
    missing = await api("GetApplication", id=made["id"], expect=404)
    assert missing["code"] == "entity.not_exists_with_id"


@pytest.mark.parametrize(
    ("type_", "secrets"), [("Traditional", 1), ("MachineToMachine", 1), ("SPA", 0), ("Native", 0)]
)
async def test_an_application_that_can_keep_a_secret_has_one(
    api: Api, type_: str, secrets: int
) -> None:
    made = await api("CreateApplication", json={"name": "a", "type": type_})
    kept = await api("ListApplicationSecrets", id=made["id"])
    assert [one["name"] for one in kept] == ["Default secret"] * secrets


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"name": "a"}, 400, "guard.invalid_input"),
        ({"name": "", "type": "SPA"}, 400, "guard.invalid_input"),
        ({"name": "a", "type": "Toaster"}, 400, "guard.invalid_input"),
        (
            {
                "name": "a",
                "type": "SPA",
                "oidcClientMetadata": {"redirectUris": ["x"], "postLogoutRedirectUris": []},
            },
            400,
            "guard.invalid_input",
        ),
        (
            {"name": "a", "type": "SPA", "customClientMetadata": {"refreshTokenTtlInDays": 999}},
            400,
            "guard.invalid_input",
        ),
        ({"name": "a", "type": "SAML"}, 400, "application.saml.use_saml_app_api"),
        (
            {"name": "a", "type": "Protected"},
            400,
            "application.protected_app_metadata_is_required",
        ),
        (
            {"name": "a", "type": "SPA", "customClientMetadata": {"isDeviceFlow": True}},
            422,
            "application.device_flow_native_only",
        ),
        (
            {"name": "a", "type": "MachineToMachine", "isThirdParty": True},
            400,
            "application.invalid_third_party_application_type",
        ),
        (
            {
                "name": "a",
                "type": "SPA",
                "isThirdParty": True,
                "customClientMetadata": {"allowTokenExchange": True},
            },
            422,
            "application.third_party_application_cannot_enable_token_exchange",
        ),
    ],
)
async def test_an_application_that_cannot_be_is_not_created(
    api: Api, body: dict[str, Any], status: int, code: str
) -> None:
    assert (await api("CreateApplication", json=body, expect=status))["code"] == code


async def test_the_device_flow_is_chosen_once(api: Api) -> None:
    made = await api("CreateApplication", json={"name": "tv", "type": "Native"})
    body = {"customClientMetadata": {"isDeviceFlow": True}}
    refused = await api("UpdateApplication", id=made["id"], json=body, expect=422)
    assert refused["code"] == "application.device_flow_not_changeable"


async def test_lists_are_narrowed_by_type_party_and_role(api: Api) -> None:
    await api("CreateApplication", json=WEB)
    await api("CreateApplication", json={"name": "Theirs", "type": "SPA", "isThirdParty": True})

    async def names(query: str) -> set[str]:
        return {one["name"] for one in await api("ListApplications", query=query)}

    assert await names("types=SPA&types=Traditional") == {"Web", "Theirs", "Demo"}
    assert await names("types=MachineToMachine") == {"Management"}
    assert await names("isThirdParty=true") == {"Theirs"}
    assert await names("search=%25eb") == {"Web"}
    role = (await api("ListRoles"))[0]["id"]
    assert "Management" not in await names(f"excludeRoleId={role}")
    await api("ListApplications", query="types=Toaster", expect=400)


async def test_custom_data_is_merged(api: Api) -> None:
    made = await api("CreateApplication", json=WEB)
    merged = await api("UpdateApplicationCustomData", applicationId=made["id"], json={"floor": 2})
    assert merged == {"team": "a", "floor": 2}
    await api("UpdateApplicationCustomData", applicationId="nothing", json={"floor": 2}, expect=404)


@BOTH_DATABASES
async def test_secrets_are_made_renamed_and_deleted(api: Api) -> None:
    made = (await api("CreateApplication", json=WEB))["id"]
    secret = await api("CreateApplicationSecret", id=made, json={"name": "new"}, expect=201)
    assert len(secret["value"]) == 32
    refused = await api("CreateApplicationSecret", id=made, json={"name": "new"}, expect=422)
    assert refused["code"] == "application.secret_name_exists"
    renamed = await api(
        "UpdateApplicationSecret", id=made, name="new", json={"name": "newer / better"}
    )
    assert renamed == {**secret, "name": "newer / better"}
    assert renamed in await api("ListApplicationSecrets", id=made)
    await api("UpdateApplicationSecret", id=made, name="new", json={"name": "x"}, expect=404)
    await api("DeleteApplicationSecret", id=made, name="Default secret", expect=204)
    await api("DeleteApplicationSecret", id=made, name="Default secret", expect=404)
    assert len(await api("ListApplicationSecrets", id=made)) == 1


async def test_a_secret_expires_in_the_future(api: Api) -> None:
    made = (await api("CreateApplication", json=WEB))["id"]
    body = {"name": "late", "expiresAt": 1000}
    refused = await api("CreateApplicationSecret", id=made, json=body, expect=400)
    assert refused["code"] == "request.invalid_input"


async def test_there_is_no_legacy_secret_to_delete(api: Api) -> None:
    made = (await api("CreateApplication", json=WEB))["id"]
    refused = await api("DeleteApplicationLegacySecret", id=made, expect=400)
    assert refused["code"] == "application.no_legacy_secret_found"


async def test_a_secret_from_before_they_had_names_is_deleted(api: Api, server: Server) -> None:
    made = (await api("CreateApplication", json=WEB))["id"]

    def give(tx: Transaction) -> None:
        Applications(tx, TENANT).update(made, secret="from-before")

    await server.core.db.write(give)
    await api("DeleteApplicationLegacySecret", id=made, expect=200)
    await api("DeleteApplicationLegacySecret", id=made, expect=400)


async def test_a_deleted_secret_opens_nothing(api: Api, server: Server) -> None:
    made = (await api("CreateApplication", json={"name": "m", "type": "MachineToMachine"}))["id"]
    secret = (await api("ListApplicationSecrets", id=made))[0]["value"]
    form = {"grant_type": "client_credentials"}
    answer = await server.client.post("/oidc/token", data=form, auth=(made, secret))
    assert answer.status_code == 200
    await api("DeleteApplicationSecret", id=made, name="Default secret")
    answer = await server.client.post("/oidc/token", data=form, auth=(made, secret))
    assert answer.status_code == 401


async def test_an_application_is_let_into_the_management_api_and_shut_out(
    api: Api, server: Server
) -> None:
    assert (await api("GetApplication", id=CLIENT_ID))["isAdmin"] is True
    made = (await api("CreateApplication", json={"name": "m", "type": "MachineToMachine"}))["id"]
    secret = (await api("ListApplicationSecrets", id=made))[0]["value"]
    form = {
        "grant_type": "client_credentials",
        "resource": management_audience(TENANT),
        "scope": "all",
    }

    async def scope() -> str:
        answer = await server.client.post("/oidc/token", data=form, auth=(made, secret))
        return str(answer.json().get("scope", ""))

    assert await scope() == ""
    await api("UpdateApplication", id=made, json={"isAdmin": True})
    assert await scope() == "all"
    assert (await api("GetApplication", id=made))["isAdmin"] is True
    await api("UpdateApplication", id=made, json={"isAdmin": False})
    assert await scope() == ""


PUBLIC_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}
"""The public half of RFC 7515, appendix A.3.1."""


async def test_a_client_registers_the_keys_it_authenticates_with(api: Api) -> None:
    metadata = {"redirectUris": [], "postLogoutRedirectUris": [], "jwks": {"keys": [PUBLIC_KEY]}}
    made = await api(
        "CreateApplication",
        json={"name": "a", "type": "MachineToMachine", "oidcClientMetadata": metadata},
    )
    assert made["oidcClientMetadata"] == metadata
    for keys in ([], [{**PUBLIC_KEY, "d": "x"}], [{"kty": "oct", "k": "x"}], [{"kty": "EC"}]):
        metadata = {**metadata, "jwks": {"keys": keys}}
        await api(
            "UpdateApplication", id=made["id"], json={"oidcClientMetadata": metadata}, expect=400
        )
