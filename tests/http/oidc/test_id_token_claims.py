"""The tenant chooses which extended claims an id token has; userinfo has them all."""

from __future__ import annotations

from gatehouse.actors.id_tokens import ID_TOKEN_CONFIG
from gatehouse.storage.tenants import Configs
from gatehouse.storage.transaction import Transaction
from tests.http.oidc.house import TENANT, Client, Node, claims, tokens

EXTENDED = {"roles", "custom_data", "identities", "sso_identities"}


async def choose(node: Node, *names: str) -> None:
    def put(tx: Transaction) -> None:
        Configs(tx, TENANT).put(ID_TOKEN_CONFIG, {"enabledExtendedClaims": list(names)})

    await node.change(put)


async def test_roles_are_in_unless_something_else_was_chosen(node: Node, spa: Client) -> None:
    first = await tokens(spa)
    assert EXTENDED & claims(first["id_token"]).keys() == {"roles"}
    await choose(node, "custom_data", "sso_identities")
    again = (await spa.refresh(first["refresh_token"])).json()
    found = claims(again["id_token"])
    assert EXTENDED & found.keys() == {"custom_data", "sso_identities"}
    assert found["custom_data"] == {"shoe": 43}
    assert (await spa.userinfo(again["access_token"])).json().keys() >= EXTENDED


async def test_what_was_not_asked_for_is_not_in(node: Node, spa: Client) -> None:
    await choose(node, *sorted(EXTENDED))
    found = claims((await tokens(spa, scope="openid custom_data"))["id_token"])
    assert EXTENDED & found.keys() == {"custom_data"}
