"""Clients hear that a session ended (OpenID Connect Back-Channel Logout 1.0)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

import jwt
import msgspec
import trio

from gatehouse.actors.backchannel_logout import EVENT, TOKEN_AGE_S, handle_backchannel_logout
from gatehouse.actors.outbound import Outbound
from gatehouse.actors.sign_on import sign_out
from gatehouse.storage.applications import Applications
from gatehouse.storage.transaction import Transaction
from tests.http.oidc.house import (
    ISSUER,
    KEY,
    TENANT,
    Client,
    Node,
    claims,
    consent,
    sign_in,
    tokens,
)
from tests.http.oidc.house import House as Installation
from tests.servers.receiver import Receiver, open_receiver
from tests.servers.requests import Received

END = "/oidc/session/end"


async def register(node: Node, client_id: str, receiver: Receiver, *, with_sid: bool) -> None:
    """Have a client hear of it at the receiver."""

    def store(tx: Transaction) -> None:
        applications = Applications(tx, TENANT)
        metadata = msgspec.structs.replace(
            applications.get(client_id).oidc_client_metadata,
            backchannel_logout_uri=f"{receiver.url}/{client_id}",
            backchannel_logout_session_required=with_sid,
        )
        applications.update(client_id, oidc_client_metadata=metadata)

    await node.change(store)


@asynccontextmanager
async def delivering(house: Installation) -> AsyncIterator[tuple[Node, Receiver]]:
    """A node that delivers its effects, and a receiver."""
    async with open_receiver() as receiver, house.node() as node, trio.open_nursery() as nursery:
        handle_backchannel_logout(replace(node.core, outbound=Outbound(allow_private=True)))
        await nursery.start(node.core.engine.run)
        yield node, receiver
        nursery.cancel_scope.cancel()


def logout_token(request: Received) -> tuple[dict[str, Any], dict[str, Any]]:
    """The header and the claims of the token that was posted, its signature checked."""
    assert request.method == "POST"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    form = parse_qs(request.body.decode())
    assert form.keys() == {"logout_token"}
    token = form["logout_token"][0]
    key = jwt.PyJWK(dict(KEY.public_jwk))
    told = jwt.decode(token, key, ["ES256"], options={"verify_aud": False}, issuer=ISSUER)
    return jwt.get_unverified_header(token), told


async def test_those_who_took_part_and_listen_are_told(house: Installation) -> None:
    async with delivering(house) as (node, receiver), node.client() as http:
        await register(node, "spa", receiver, with_sid=True)
        await register(node, "web", receiver, with_sid=False)
        await register(node, "native", receiver, with_sid=False)
        body = await tokens(Client(http, "spa"))
        web = Client(http, "web")
        await consent(web, await http.get("/oidc/auth", params=web.request()))
        steady = Client(http, "steady")
        await consent(steady, await http.get("/oidc/auth", params=steady.request()))
        await http.get(END, params={"id_token_hint": body["id_token"]})
        heard = [await receiver.next(), await receiver.next()]
        assert await receiver.silent(0.3)
    told = {one.target.rpartition("/")[2]: logout_token(one) for one in heard}
    assert told.keys() == {"spa", "web"}
    header, spa = told["spa"]
    assert header["typ"] == "logout+jwt"
    assert spa["aud"] == "spa"
    assert spa["sub"] == house.users["ada"]
    assert spa["events"] == {EVENT: {}}
    assert spa["sid"] == claims(body["id_token"])["sid"]
    assert 0 < spa["exp"] - spa["iat"] <= TOKEN_AGE_S
    assert spa["jti"] != told["web"][1]["jti"]
    assert "nonce" not in spa
    assert "sid" not in told["web"][1]


async def test_a_client_that_does_not_answer_is_told_again(house: Installation) -> None:
    async with delivering(house) as (node, receiver), node.client() as http:
        await register(node, "spa", receiver, with_sid=False)
        receiver.answers.extend([503])
        body = await tokens(Client(http, "spa"))
        await http.get(END, params={"id_token_hint": body["id_token"]})
        first, second = await receiver.next(), await receiver.next()
        assert logout_token(first)[1]["jti"] != logout_token(second)[1]["jti"]


async def test_a_client_that_refuses_the_token_is_left_alone(house: Installation) -> None:
    async with delivering(house) as (node, receiver), node.client() as http:
        await register(node, "spa", receiver, with_sid=False)
        receiver.answers.extend([400])
        body = await tokens(Client(http, "spa"))
        await http.get(END, params={"id_token_hint": body["id_token"]})
        await receiver.next()
        assert await receiver.silent(1.5)


async def test_ending_a_session_from_outside_tells_too(house: Installation) -> None:
    async with delivering(house) as (node, receiver), node.client() as http:
        await register(node, "spa", receiver, with_sid=True)
        await sign_in(Client(http, "spa"))
        session = http.cookies["_session"]
        await sign_out(node.core, session)
        await sign_out(node.core, session)
        assert logout_token(await receiver.next())[1]["aud"] == "spa"
        assert await receiver.silent(0.3)


async def test_somebody_else_signing_in_ends_the_session_of_before(house: Installation) -> None:
    async with delivering(house) as (node, receiver), node.client() as http:
        await register(node, "spa", receiver, with_sid=True)
        spa = Client(http, "spa")
        await sign_in(spa)
        await sign_in(spa, "bob", prompt="login consent")
        assert logout_token(await receiver.next())[1]["sub"] == house.users["ada"]


async def test_a_logout_token_is_no_id_token(house: Installation) -> None:
    """Back-Channel Logout §4: tokens of one kind are not taken for another."""
    async with delivering(house) as (node, receiver), node.client() as http:
        await register(node, "spa", receiver, with_sid=True)
        spa = Client(http, "spa")
        body = await tokens(spa)
        await http.get(END, params={"id_token_hint": body["id_token"]})
        token = parse_qs((await receiver.next()).body.decode())["logout_token"][0]
        refused = await http.get(END, params={"id_token_hint": token})
        assert refused.status_code == 400
        assert (await spa.userinfo(token)).status_code == 401
