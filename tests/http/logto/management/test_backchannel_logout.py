"""Applications hear when an operator ends somebody's sessions (Back-Channel Logout §2.3)."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

import httpx
import jwt
import pytest

from tests.http.contract import Api
from tests.http.logto.test_hostile import begin
from tests.http.running import DEMO_APP, DEMO_USER, Server
from tests.servers.plain import plain_client
from tests.servers.receiver import open_receiver

ENDINGS: dict[str, tuple[str, Any]] = {
    "suspension": ("UpdateUserIsSuspended", {"isSuspended": True}),
    "deletion": ("DeleteUser", None),
}


@pytest.mark.parametrize("ending", ENDINGS)
async def test_applications_are_told(api: Api, server: Server, ending: str) -> None:
    (user,) = [one for one in await api("ListUsers") if one["username"] == DEMO_USER]
    application = await api("GetApplication", id=DEMO_APP)
    async with open_receiver() as receiver, plain_client(server.url) as http:
        metadata = {
            "redirectUris": application["oidcClientMetadata"]["redirectUris"],
            "postLogoutRedirectUris": [],
            "backchannelLogoutUri": receiver.url,
        }
        await api("UpdateApplication", id=DEMO_APP, json={"oidcClientMetadata": metadata})
        token = await begin(http, server)
        operation, body = ENDINGS[ending]
        await api(operation, userId=user["id"], json=body)
        form = parse_qs((await receiver.next()).body.decode())
    told = jwt.decode(form["logout_token"][0], options={"verify_signature": False})
    assert (told["sub"], told["aud"]) == (user["id"], DEMO_APP)
    answer = await http_userinfo(server, token)
    assert answer.status_code == 401


async def http_userinfo(server: Server, token: str) -> httpx.Response:
    return await server.client.get("/oidc/me", headers={"authorization": f"Bearer {token}"})
