"""Whatever happens at the same instant: one winner each time, and never two tokens for one code."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import trio
import trio.testing

from gatehouse.actors.family import REFRESH_GRACE_MS
from tests.http.oidc.house import (
    PASSWORD,
    Client,
    House,
    answer_experience,
    sent_to,
    sign_in,
    tokens,
)
from tests.http.security.site import Site, ask
from tests.servers.plain import plain_client

TIMES = 6
"""How many do the same at once."""


async def at_once(*jobs: Callable[[], Awaitable[Any]]) -> list[Any]:
    """The results of jobs that start at the same moment, in their order."""
    results: list[Any] = [None] * len(jobs)
    start = trio.Event()

    async def run(place: int, job: Callable[[], Awaitable[Any]]) -> None:
        await start.wait()
        results[place] = await job()

    async with trio.open_nursery() as nursery:
        for place, job in enumerate(jobs):
            nursery.start_soon(run, place, job)
        await trio.testing.wait_all_tasks_blocked()
        start.set()
    return results


async def test_of_two_nodes_that_redeem_one_code_at_once_one_wins(house: House) -> None:
    async with (
        house.serve() as first,
        house.serve() as second,
        plain_client(first) as here,
        plain_client(second) as there,
    ):
        spa = Client(here, "spa")
        code = (await sign_in(spa))["code"]
        other = Client(there, "spa", spa.verifier)
        jobs = [lambda: spa.redeem(code), lambda: other.redeem(code)] * (TIMES // 2)
        answers = await at_once(*jobs)
        winners = [one for one in answers if one.status_code == 200]
        assert len(winners) <= 1
        for one in answers:
            assert one.status_code == 200 or one.json()["error"] == "invalid_grant"
        # The others presented a code that was used: what the winner got is revoked.
        for one in winners:
            assert (await spa.userinfo(one.json()["access_token"])).status_code == 401


async def test_tabs_that_refresh_at_once_get_the_same_successor(spa: Client) -> None:
    """Within the grace a replay is a repetition (two tabs, a lost answer)."""
    token = (await tokens(spa))["refresh_token"]
    answers = await at_once(*[lambda: spa.refresh(token)] * TIMES)
    assert {one.status_code for one in answers} == {200}
    assert len({one.json()["refresh_token"] for one in answers}) == 1


async def test_after_the_grace_a_replay_ends_everything(spa: Client, site: Site) -> None:
    token = (await tokens(spa))["refresh_token"]
    successor = (await spa.refresh(token)).json()["refresh_token"]
    site.house.clock.pass_ms(REFRESH_GRACE_MS - 1000)
    assert (await spa.refresh(token)).json()["refresh_token"] == successor
    site.house.clock.pass_ms(2000)
    replay, honest = await at_once(lambda: spa.refresh(token), lambda: spa.refresh(successor))
    assert replay.status_code == 400
    assert (await spa.refresh(successor)).status_code == 400
    if honest.status_code == 200:
        assert (await spa.refresh(honest.json()["refresh_token"])).status_code == 400


async def test_two_tabs_on_one_interaction_sign_in_once(spa: Client) -> None:
    """Both tabs submit the same sign-in; what comes of it is one code."""
    http = spa.http
    await ask(spa)
    urls = [await answer_experience(http, "spa", "ada")]
    again = await http.post("/api/experience/submit", headers={"logto-app-id": "spa"})
    if again.status_code == 200:
        urls.append(again.json()["redirectTo"])
    assert len(set(urls)) == 1
    answers = await at_once(*[lambda: http.get(urls[0])] * TIMES)
    gone_on = [one for one in answers if one.status_code in (302, 303)]
    assert len(gone_on) == 1
    assert sent_to(gone_on[0], "/consent?")
    assert {one.status_code for one in answers if one not in gone_on} <= {400}


async def test_a_double_submit_is_one_sign_in(spa: Client) -> None:
    http, headers = spa.http, {"logto-app-id": "spa"}
    await ask(spa)
    await http.put("/api/experience", json={"interactionEvent": "SignIn"}, headers=headers)
    verified = await http.post(
        "/api/experience/verification/password",
        json={"identifier": {"type": "username", "value": "ada"}, "password": PASSWORD},
        headers=headers,
    )
    await http.post("/api/experience/identification", json=verified.json(), headers=headers)
    answers = await at_once(*[lambda: http.post("/api/experience/submit", headers=headers)] * TIMES)
    good = [one for one in answers if one.status_code == 200]
    assert good
    assert len({one.json()["redirectTo"] for one in good}) == 1
    assert all(one.status_code < 500 for one in answers)
    resumed = [await http.get(good[0].json()["redirectTo"]) for _ in range(2)]
    assert [one.status_code for one in resumed] == [303, 400]


async def test_a_double_consent_is_one_code(spa: Client) -> None:
    http = spa.http
    await ask(spa)
    answer = await http.get(await answer_experience(http, "spa", "ada"))
    page = answer.headers["location"]
    first = await http.get(page)
    answers = await at_once(*[lambda: http.get(first.headers["location"])] * TIMES)
    codes = [one.headers["location"] for one in answers if one.status_code in (302, 303)]
    with_code = [one for one in codes if "code=" in one]
    assert len(with_code) == 1


async def test_signing_out_while_redeeming_leaves_no_token(spa: Client) -> None:
    """Whichever comes first: afterwards nothing of the session is left."""
    body = await tokens(spa, scope="openid profile")
    code = sent_to(await ask(spa, prompt=None, scope="openid profile"), "https:")["code"]
    leave = {"id_token_hint": body["id_token"]}
    redeemed, _ = await at_once(
        lambda: spa.redeem(code), lambda: spa.http.get("/oidc/session/end", params=leave)
    )
    if redeemed.status_code == 200:
        assert (await spa.userinfo(redeemed.json()["access_token"])).status_code == 401
    assert (await spa.userinfo(body["access_token"])).status_code == 401
