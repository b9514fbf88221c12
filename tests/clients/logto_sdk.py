"""A program that signs its user in with PyPI's `logto`: sign-in, userinfo, refresh, sign-out.

It asks whoever runs it to be the user's browser: it writes `{"visit": url}` and reads
`{"arrived": url}`. What it learned it writes as `{"report": …}`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from logto import LogtoClient, LogtoConfig, Storage, UserInfoScope


class Memory(Storage):
    """Where the SDK keeps its tokens."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def get(self, key: str) -> str | None:
        return self.values.get(key)

    def set(self, key: str, value: str | None) -> None:
        if value is not None:
            self.values[key] = value

    def delete(self, key: str) -> None:
        self.values.pop(key, None)


def tell(**what: Any) -> None:
    print(json.dumps(what), flush=True)


def visit(url: str) -> str:
    tell(visit=url)
    return str(json.loads(sys.stdin.readline())["arrived"])


async def main() -> None:
    settings = json.loads(sys.argv[1])
    client = LogtoClient(
        LogtoConfig(
            endpoint=settings["origin"],
            appId=settings["client_id"],
            appSecret=settings["client_secret"],
            resources=[settings["resource"]],
            scopes=[UserInfoScope.email, "read"],
        ),
        Memory(),
    )
    callback = visit(await client.signIn(settings["redirect_uri"]))
    await client.handleSignInCallback(callback)
    identity = client.getIdTokenClaims()
    userinfo = await client.fetchUserInfo()
    before = client.getRefreshToken()
    access = await client.getAccessTokenClaims(settings["resource"])
    tell(
        report={
            "sub": identity.sub,
            "username": identity.username,
            "email": userinfo.email,
            "audience": access.aud,
            "scope": access.scope,
            "rotated": client.getRefreshToken() != before,
        }
    )
    visit(await client.signOut(settings["goodbye"]))


asyncio.run(main())
