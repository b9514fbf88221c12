"""What becomes of people whom a company sends here unasked: nothing, until an operator says so."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.http.contract import Api
from tests.http.running import BOTH_DATABASES, Server

SENDING = {"autoSendAuthorizationRequest": True, "redirectUri": "https://app.example/callback"}


async def ready(api: Api, provider: str = "SAML", kind: str = "Traditional") -> tuple[str, str]:
    """The path of a connector's configuration, and an application."""
    body = {"providerName": provider, "connectorName": provider}
    connector = (await api("CreateSsoConnector", json=body))["id"]
    uris = {"redirectUris": ["https://app.example/callback"], "postLogoutRedirectUris": []}
    made = await api(
        "CreateApplication", json={"name": "App", "type": kind, "oidcClientMetadata": uris}
    )
    return f"/api/sso-connectors/{connector}/idp-initiated-auth-config", made["id"]


async def send(api: Api, method: str, path: str, body: Any = None) -> httpx.Response:
    headers = {"authorization": f"Bearer {api.token}"}
    return await api.client.request(method, path, json=body, headers=headers)


@BOTH_DATABASES
async def test_where_people_go_is_set_read_replaced_and_deleted(api: Api) -> None:
    path, application = await ready(api)
    body = {**SENDING, "defaultApplicationId": application, "authParameters": {"scope": "email"}}
    made = await send(api, "PUT", path, body)
    assert made.status_code == 200, made.text
    assert made.json()["authParameters"] == {"scope": "email"}
    assert (await send(api, "GET", path)).json() == made.json()
    client = {
        "autoSendAuthorizationRequest": False,
        "defaultApplicationId": application,
        "clientIdpInitiatedAuthCallbackUri": "https://app.example/sso",
    }
    assert (await send(api, "PUT", path, client)).json()["redirectUri"] is None
    assert (await send(api, "DELETE", path)).status_code == 204
    assert (await send(api, "GET", path)).status_code == 404
    assert (await send(api, "DELETE", path)).status_code == 404
    assert (await send(api.with_token("x"), "GET", path)).status_code == 401


@pytest.mark.parametrize(
    ("provider", "kind", "more", "code"),
    [
        ("OIDC", "Traditional", SENDING, "idp_initiated_authentication_not_supported"),
        ("SAML", "SPA", SENDING, "idp_initiated_authentication_invalid_application_type"),
        (
            "SAML",
            "Traditional",
            {**SENDING, "redirectUri": "https://evil.example/"},
            "idp_initiated_authentication_redirect_uri_not_registered",
        ),
        ("SAML", "SPA", {"autoSendAuthorizationRequest": False}, "guard.invalid_input"),
        (
            "SAML",
            "SPA",
            {
                "autoSendAuthorizationRequest": False,
                "clientIdpInitiatedAuthCallbackUri": "javascript:alert(1)",
            },
            "guard.invalid_input",
        ),
    ],
)
async def test_people_are_not_sent_just_anywhere(
    server: Server, api: Api, provider: str, kind: str, more: dict[str, Any], code: str
) -> None:
    path, application = await ready(api, provider, kind)
    refused = await send(api, "PUT", path, {**more, "defaultApplicationId": application})
    assert (refused.status_code, refused.json()["code"].removeprefix("single_sign_on.")) == (
        400,
        code,
    )
    assert (await send(api, "GET", path)).status_code == 404
