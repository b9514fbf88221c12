"""Signing out: who may do it without asking, and what ends with it."""

from __future__ import annotations

import re

import httpx
import pytest

from tests.http.oidc.house import GOODBYE, Client, Node, sent_to, sign_in, tokens

END = "/oidc/session/end"


async def signed_in(client: Client) -> bool:
    """Whether the browser still is."""
    answer = await client.http.get("/oidc/auth", params=client.request())
    return not answer.headers["location"].startswith("/sign-in")


async def confirmation(client: Client, **params: str) -> dict[str, str]:
    """The fields of the page that asks."""
    page = await client.http.get(END, params=params)
    assert page.status_code == 200
    assert "Sign out?" in page.text
    return dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.text.partition("<button")[0]))


async def test_a_client_that_shows_an_id_token_signs_its_user_out_at_once(spa: Client):
    body = await tokens(spa)
    answer = await spa.http.get(
        END,
        params={
            "id_token_hint": body["id_token"],
            "post_logout_redirect_uri": GOODBYE,
            "state": "the state",
        },
    )
    assert sent_to(answer, f"{GOODBYE}?") == {"state": "the state"}
    assert "_session" not in spa.http.cookies
    assert not await signed_in(spa)


async def test_the_request_may_come_in_a_form(spa: Client):
    body = await tokens(spa)
    answer = await spa.http.post(END, data={"id_token_hint": body["id_token"]})
    assert answer.status_code == 200
    assert "You are signed out" in answer.text
    assert not await signed_in(spa)


async def test_tokens_end_with_the_session_unless_they_were_for_offline_use(spa: Client):
    web = Client(spa.http, "web")
    online = await tokens(spa, scope="openid profile")
    params = await sign_in(web, prompt="login consent")
    offline = (await web.redeem(params["code"])).json()
    await spa.http.get(END, params={"id_token_hint": online["id_token"]})
    assert (await spa.userinfo(online["access_token"])).status_code == 401
    assert (await web.userinfo(offline["access_token"])).status_code == 200
    assert (await web.refresh(offline["refresh_token"])).status_code == 200


async def test_a_code_that_was_not_redeemed_ends_too(spa: Client):
    body = await tokens(spa, scope="openid")
    params = sent_to(
        await spa.http.get("/oidc/auth", params=spa.request(scope="openid", prompt=None)), "https:"
    )
    await spa.http.get(END, params={"id_token_hint": body["id_token"]})
    assert (await spa.redeem(params["code"])).status_code == 400


async def test_without_a_hint_the_person_is_asked(spa: Client):
    await sign_in(spa)
    fields = await confirmation(spa, client_id="spa", post_logout_redirect_uri=GOODBYE, state="s")
    assert await signed_in(spa)
    answer = await spa.http.post(f"{END}/confirm", data={**fields, "logout": "yes"})
    assert sent_to(answer, f"{GOODBYE}?") == {"state": "s"}
    assert not await signed_in(spa)


async def test_the_person_may_stay(spa: Client):
    await sign_in(spa)
    fields = await confirmation(spa, client_id="spa", post_logout_redirect_uri=GOODBYE)
    answer = await spa.http.post(f"{END}/confirm", data={**fields, "logout": "no"})
    assert sent_to(answer, GOODBYE) == {}
    assert await signed_in(spa)
    answer = await spa.http.post(f"{END}/confirm", data={**await confirmation(spa), "logout": "no"})
    assert "You stay signed in" in answer.text


async def test_a_hint_about_somebody_else_is_no_permission(spa: Client, node: Node):
    async with node.client() as other:
        hint = (await tokens(Client(other, "spa"), "bob"))["id_token"]
    await sign_in(spa)
    await confirmation(spa, id_token_hint=hint)
    assert await signed_in(spa)


@pytest.mark.parametrize("csrf", [None, "", "AAAAAAAAAAAAAAAAAAAAAA"])
async def test_another_site_cannot_sign_a_person_out(spa: Client, csrf: str | None):
    await sign_in(spa)
    form = {"logout": "yes"} if csrf is None else {"logout": "yes", "csrf": csrf}
    answer = await spa.http.post(f"{END}/confirm", data=form)
    assert answer.status_code == 403
    assert await signed_in(spa)


async def test_a_form_of_one_session_is_no_use_in_another(spa: Client, node: Node):
    await sign_in(spa)
    fields = await confirmation(spa)
    async with node.client() as other:
        victim = Client(other, "spa")
        await sign_in(victim)
        answer = await other.post(f"{END}/confirm", data={**fields, "logout": "yes"})
        assert answer.status_code == 403
        assert await signed_in(victim)


@pytest.mark.parametrize(
    "params",
    [
        {"post_logout_redirect_uri": "https://evil.example"},
        {"post_logout_redirect_uri": GOODBYE},
        {"client_id": "spa", "post_logout_redirect_uri": "https://evil.example"},
        {"client_id": "spa", "post_logout_redirect_uri": f"{GOODBYE}/more"},
        {"client_id": "nobody"},
        {"id_token_hint": "a.b.c"},
    ],
)
async def test_nobody_is_sent_to_an_address_that_is_not_registered(
    http: httpx.AsyncClient, params: dict[str, str]
):
    answer = await http.get(END, params=params)
    assert answer.status_code == 400
    assert "location" not in answer.headers


async def test_client_and_hint_belong_together(spa: Client):
    body = await tokens(spa)
    params = {"id_token_hint": body["id_token"], "client_id": "web"}
    assert (await spa.http.get(END, params=params)).status_code == 400


async def test_who_is_signed_out_already_is_simply_sent_on(http: httpx.AsyncClient):
    params = {"client_id": "spa", "post_logout_redirect_uri": GOODBYE}
    assert sent_to(await http.get(END, params=params), GOODBYE) == {}
    assert "You are signed out" in (await http.get(END)).text
    answer = await http.post(f"{END}/confirm", data={"logout": "yes"})
    assert answer.status_code == 200
