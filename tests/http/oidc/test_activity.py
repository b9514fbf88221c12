"""Whoever receives a token was active today, once, and again tomorrow."""

from __future__ import annotations

import trio

from gatehouse.storage.census import Census, day_of
from tests.http.oidc.house import TENANT, Client, House, Node, sign_in

DAY = 24 * 60 * 60 * 1000


async def test_people_who_receive_tokens_are_active(spa: Client, node: Node, house: House):
    today = day_of(node.core.clock())
    body = (await spa.redeem((await sign_in(spa))["code"])).json()
    body = (await spa.refresh(body["refresh_token"])).json()
    house.clock.pass_ms(DAY)
    assert (await spa.refresh(body["refresh_token"])).status_code == 200
    # What is left when the process stops is stored as well.
    async with trio.open_nursery() as nursery:
        await nursery.start(node.core.activity.run)
        nursery.cancel_scope.cancel()

    active = await node.core.db.read(lambda tx: Census(tx, TENANT).active_by_day(today, today + 1))
    assert active == {today: 1, today + 1: 1}
