"""What the security tests share: a server that runs, and as many browsers as an attack needs."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass

import httpx

from tests.http.oidc.house import Client, House, Node
from tests.servers.plain import plain_client


@dataclass
class Site:
    """A running server, the node within it, and who visits it."""

    origin: str
    house: House
    node: Node
    stack: AsyncExitStack

    @property
    def issuer(self) -> str:
        return f"{self.origin}/oidc"

    async def browser(self) -> httpx.AsyncClient:
        """A browser of its own, which follows nothing by itself."""
        return await self.stack.enter_async_context(plain_client(self.origin))


async def ask(client: Client, **changes: str | None) -> httpx.Response:
    """The answer of the authorization endpoint."""
    return await client.http.get("/oidc/auth", params=client.request(**changes))
