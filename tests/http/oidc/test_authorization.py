"""The authorization endpoint: what it refuses, where it says so, and when it asks whom."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from gatehouse.actors.authorization import MAX_INTERACTION_AGE_MS
from gatehouse.actors.session import SESSION_AGE_MS
from gatehouse.storage.applications import Applications
from gatehouse.storage.records import OidcClientMetadata
from gatehouse.storage.users import Users
from tests.http.oidc.house import (
    API,
    CALLBACK,
    ISSUER,
    TENANT,
    Client,
    House,
    Node,
    answer_experience,
    claims,
    consent,
    sent_to,
    sign_in,
    tokens,
)


async def ask(client: Client, **changes: str | None) -> httpx.Response:
    return await client.http.get("/oidc/auth", params=client.request(**changes))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_id": None}, "invalid_request"),
        ({"client_id": "nobody"}, "invalid_client"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"redirect_uri": "https://evil.example/callback"}, "invalid_redirect_uri"),
        ({"redirect_uri": f"{CALLBACK}/"}, "invalid_redirect_uri"),
        ({"redirect_uri": f"{CALLBACK}?more=1"}, "invalid_redirect_uri"),
        ({"redirect_uri": f"{CALLBACK}#fragment"}, "invalid_redirect_uri"),
        ({"redirect_uri": CALLBACK.upper()}, "invalid_redirect_uri"),
        ({"redirect_uri": "https://app.example@evil.example/callback"}, "invalid_redirect_uri"),
        ({"redirect_uri": "//app.example/callback"}, "invalid_redirect_uri"),
    ],
)
async def test_nobody_is_sent_to_an_address_that_is_not_registered(
    spa: Client, changes: dict[str, str | None], error: str
):
    answer = await ask(spa, **changes)
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert answer.json()["code"] == f"oidc.{error}"
    assert answer.json()["error"] == error


async def test_a_browser_is_shown_a_page_that_repeats_nothing_of_the_request(spa: Client):
    answer = await spa.http.get(
        "/oidc/auth",
        params=spa.request(redirect_uri="https://evil.example/<script>"),
        headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"},
    )
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("text/html")
    assert "evil.example" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_mode": "web_message"}, "unsupported_response_mode"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": "x" * 44}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "create"}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"scope": 'openid "quoted"'}, "invalid_scope"),
        ({"resource": "https://unknown.example"}, "invalid_target"),
        ({"request": "eyJ"}, "request_not_supported"),
        ({"request_uri": "https://evil.example/jar"}, "request_uri_not_supported"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"id_token_hint": "a.b.c"}, "invalid_request"),
        ({"nonce": "n" * 3000}, "invalid_request"),
    ],
)
async def test_what_is_wrong_with_the_request_is_told_to_the_client(
    spa: Client, changes: dict[str, str | None], error: str
):
    answer = sent_to(await ask(spa, **changes), CALLBACK)
    assert answer["error"] == error
    assert answer["state"] == "the-state"
    assert answer["iss"] == ISSUER
    assert "code" not in answer


async def test_a_repeated_parameter_is_refused(spa: Client):
    params = [*spa.request().items(), ("state", "another")]
    answer = sent_to(await spa.http.get("/oidc/auth", params=params), CALLBACK)
    assert answer["error"] == "invalid_request"


async def test_a_machine_cannot_send_people_here(machine: Client):
    answer = await ask(machine)
    assert answer.json()["error"] == "invalid_redirect_uri"


async def test_a_confidential_client_may_leave_pkce_out_but_not_half_of_it(web: Client):
    sent_to(await ask(web, code_challenge=None, code_challenge_method=None), "/sign-in")
    answer = sent_to(await ask(web, code_challenge=None), CALLBACK)
    assert answer["error"] == "invalid_request"


@pytest.mark.parametrize(
    "uri",
    ["http://127.0.0.1/callback", "http://127.0.0.1:54321/callback", "com.example.app:/callback"],
)
async def test_a_native_application_listens_on_any_loopback_port(http: httpx.AsyncClient, uri: str):
    sent_to(await ask(Client(http, "native"), redirect_uri=uri), "/sign-in")


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:54321/other",
        "http://localhost/callback",
        "http://127.0.0.1:99999999/callback",
        "http://127.0.0.1:80@evil.example/callback",
        "http://user@127.0.0.1:80/callback",
        "https://127.0.0.1/callback",
        "com.example.app:/other",
    ],
)
async def test_and_nowhere_else(http: httpx.AsyncClient, uri: str):
    answer = await ask(Client(http, "native"), redirect_uri=uri)
    assert answer.json()["error"] == "invalid_redirect_uri"


async def test_other_clients_have_no_such_port(spa: Client):
    answer = await ask(spa, redirect_uri="http://127.0.0.1:54321/callback")
    assert answer.json()["error"] == "invalid_redirect_uri"


async def test_the_request_may_come_in_a_form(spa: Client):
    answer = await spa.http.post("/oidc/auth", data=spa.request())
    sent_to(answer, "/sign-in")
    sent_to(await spa.http.post("/oidc/auth", json=spa.request()), "/sign-in")
    plain = await spa.http.post("/oidc/auth", content="x", headers={"content-type": "text/plain"})
    assert plain.json()["error"] == "invalid_request"


@pytest.mark.parametrize(
    ("first_screen", "page"),
    [("register", "/register"), ("sign_in", "/sign-in"), ("https://evil.example", "/sign-in")],
)
async def test_the_client_chooses_the_first_page_among_ours(
    spa: Client, first_screen: str, page: str
):
    answer = await ask(spa, first_screen=first_screen, login_hint="ada & co")
    assert sent_to(answer, f"{page}?") == {"app_id": "spa", "login_hint": "ada & co"}


async def test_the_answer_may_come_in_the_fragment(spa: Client):
    answer = await ask(spa, response_mode="fragment", prompt="none")
    location = urlsplit(answer.headers["location"])
    assert not location.query
    assert parse_qs(location.fragment)["error"] == ["login_required"]


async def test_the_answer_may_come_in_a_form(spa: Client):
    answer = await ask(spa, response_mode="form_post", prompt="none", state='"><script>x</script>')
    assert answer.status_code == 200
    assert f'action="{CALLBACK}"' in answer.text
    assert 'name="error" value="login_required"' in answer.text
    assert "<script>x" not in answer.text
    assert "script-src 'sha256-" in answer.headers["content-security-policy"]


async def test_a_query_in_the_redirect_uri_is_kept(spa: Client):
    answer = await ask(spa, redirect_uri=f"{CALLBACK}?fixed=1", prompt="none")
    assert answer.headers["location"].startswith(f"{CALLBACK}?fixed=1&error=login_required")


async def test_who_is_signed_in_needs_no_password_for_a_second_application(spa: Client):
    await sign_in(spa)
    web = Client(spa.http, "web")
    received = await consent(web, await ask(web))
    assert (await web.redeem(received["code"])).status_code == 200


async def test_what_was_consented_is_not_asked_again(spa: Client):
    await sign_in(spa, scope="openid profile", prompt=None)
    again = sent_to(await ask(spa, scope="openid", prompt=None), CALLBACK)
    assert "code" in again
    sent_to(await ask(spa, scope="openid email", prompt=None), "/consent")
    sent_to(await ask(spa, scope="openid", prompt="consent"), "/consent")


async def test_signing_in_silently_works_for_our_own_applications_alone(spa: Client):
    await sign_in(spa)
    silent = sent_to(await ask(Client(spa.http, "web"), prompt="none"), CALLBACK)
    assert "code" in silent
    refused = sent_to(await ask(Client(spa.http, "third"), prompt="none"), CALLBACK)
    assert refused["error"] == "consent_required"


async def test_a_client_may_ask_for_a_fresh_login(spa: Client):
    await sign_in(spa)
    sent_to(await ask(spa, prompt="login consent"), "/sign-in")
    url = await answer_experience(spa.http, "spa", "ada")
    assert "code" in await consent(spa, await spa.http.get(url))


async def test_a_login_that_is_too_old_is_asked_for_again(spa: Client, house: House):
    await sign_in(spa)
    sent_to(await ask(spa, max_age="60"), "/consent")
    house.clock.pass_ms(61_000)
    sent_to(await ask(spa, max_age="60"), "/sign-in")
    refused = sent_to(await ask(spa, max_age="60", prompt="none"), CALLBACK)
    assert refused["error"] == "login_required"


async def test_a_client_that_sets_max_age_is_told_the_auth_time(spa: Client):
    body = await tokens(spa, max_age="60")
    identity = claims(body["id_token"])
    assert abs(identity["auth_time"] - identity["iat"]) <= 2
    assert "auth_time" not in claims((await tokens_again(spa))["id_token"])


async def test_an_id_token_says_how_the_person_signed_in(spa: Client):
    """OpenID Connect Core §2, RFC 8176: amr."""
    first = await tokens(spa)
    assert claims(first["id_token"])["amr"] == ["pwd"]
    assert claims((await tokens_again(spa))["id_token"])["amr"] == ["pwd"]


async def tokens_again(client: Client) -> dict[str, str]:
    params = await consent(client, await ask(client))
    return dict((await client.redeem(params["code"])).json())


async def test_a_hint_at_another_user_asks_for_a_login(spa: Client, node: Node):
    hint = (await tokens(spa))["id_token"]
    sent_to(await ask(spa, id_token_hint=hint), "/consent")
    async with node.client() as other:
        bob = Client(other, "spa")
        await sign_in(bob, "bob")
        sent_to(await ask(bob, id_token_hint=hint), "/sign-in")
        refused = sent_to(await ask(bob, id_token_hint=hint, prompt="none"), CALLBACK)
        assert refused["error"] == "login_required"


async def test_who_is_not_whom_the_client_hinted_at_gets_no_code(spa: Client, node: Node):
    hint = (await tokens(spa))["id_token"]
    async with node.client() as other:
        for name in ("bob", "ada"):
            sent_to(await ask(Client(other, "spa"), id_token_hint=hint), "/sign-in")
            answer = await other.get(await answer_experience(other, "spa", name))
            if name == "bob":
                assert sent_to(answer, CALLBACK)["error"] == "login_required"
                assert "_session" not in other.cookies
        sent_to(answer, "/consent")


async def test_offline_access_without_consent_is_ignored(spa: Client):
    body = await tokens(spa, scope="openid offline_access", prompt=None)
    assert "refresh_token" not in body
    assert body["scope"] == "openid"


async def test_another_browser_cannot_resume_an_interaction(spa: Client, node: Node):
    await ask(spa)
    url = await answer_experience(spa.http, "spa", "ada")
    async with node.client() as victim:
        answer = await victim.get(url)
        assert answer.status_code == 400
        assert answer.json()["code"] == "session.not_found"
        assert "set-cookie" not in answer.headers
    sent_to(await spa.http.get(url), "/consent")


async def test_an_answer_is_taken_once(spa: Client):
    await ask(spa)
    url = await answer_experience(spa.http, "spa", "ada")
    cookies = dict(spa.http.cookies)
    sent_to(await spa.http.get(url), "/consent")
    spa.http.cookies.update(cookies)
    assert (await spa.http.get(url)).status_code == 400


async def test_coming_back_without_an_answer_leads_to_the_page_again(spa: Client):
    await ask(spa)
    uid = spa.http.cookies["_interaction_resume"]
    sent_to(await spa.http.get(f"/oidc/auth/{uid}"), "/sign-in")


@pytest.mark.parametrize("uid", ["x", "a" * 43, "a" * 42 + ":", "%00" * 43])
async def test_an_unknown_interaction_is_refused(http: httpx.AsyncClient, uid: str):
    assert (await http.get(f"/oidc/auth/{uid}")).status_code == 400


async def test_an_interaction_ends_after_an_hour(spa: Client, house: House):
    await ask(spa)
    uid = spa.http.cookies["_interaction_resume"]
    house.clock.pass_ms(MAX_INTERACTION_AGE_MS)
    assert (await spa.http.get(f"/oidc/auth/{uid}")).status_code == 400


async def test_two_applications_are_signed_in_to_in_two_tabs(spa: Client):
    web = Client(spa.http, "web")
    await ask(spa)
    await ask(web)
    first = await answer_experience(spa.http, "spa", "ada")
    second = await answer_experience(spa.http, "web", "ada")
    assert first != second
    assert "code" in await consent(spa, await spa.http.get(first))
    assert "code" in await consent(web, await spa.http.get(second))


async def test_another_user_gets_another_session(spa: Client, node: Node):
    first = await tokens(spa, scope="openid")
    old = spa.http.cookies["_session"]
    sent_to(await ask(spa, prompt="login", scope="openid"), "/sign-in")
    url = await answer_experience(spa.http, "spa", "bob")
    params = await consent(spa, await spa.http.get(url))
    assert spa.http.cookies["_session"] != old
    body = (await spa.redeem(params["code"])).json()
    assert claims(body["id_token"])["sub"] == node.users["bob"]
    assert (await spa.userinfo(first["access_token"])).status_code == 401


async def test_a_forged_session_cookie_is_no_session(spa: Client):
    await sign_in(spa)
    session = spa.http.cookies["_session"]
    spa.http.cookies.clear()
    spa.http.cookies.set("_session", session)
    spa.http.cookies.set("_session.sig", "AAAAAAAAAAAAAAAAAAAAAAAAAAA")
    sent_to(await ask(spa), "/sign-in")


async def test_a_session_lives_a_fortnight_from_its_last_use(spa: Client, house: House):
    await sign_in(spa)
    cookies = dict(spa.http.cookies)
    house.clock.pass_ms(SESSION_AGE_MS - 60_000)
    spa.http.cookies.update(cookies)
    sent_to(await ask(spa, scope="openid", prompt=None), CALLBACK)
    house.clock.pass_ms(SESSION_AGE_MS - 60_000)
    sent_to(await ask(spa, scope="openid", prompt=None), CALLBACK)
    house.clock.pass_ms(SESSION_AGE_MS + 1)
    sent_to(await ask(spa, scope="openid", prompt=None), "/sign-in")


async def test_a_suspended_users_session_is_worth_nothing(spa: Client, node: Node):
    await sign_in(spa)
    await node.change(lambda tx: Users(tx, TENANT).set_suspended(node.users["ada"], True))
    sent_to(await ask(spa), "/sign-in")
    await node.change(lambda tx: Users(tx, TENANT).set_suspended(node.users["ada"], False))
    sent_to(await ask(spa), "/sign-in")


async def test_a_user_suspended_half_way_does_not_get_in(spa: Client, node: Node):
    await ask(spa)
    url = await answer_experience(spa.http, "spa", "ada")
    await node.change(lambda tx: Users(tx, TENANT).set_suspended(node.users["ada"], True))
    answer = await spa.http.get(url)
    assert answer.status_code == 400
    assert "_session" not in spa.http.cookies


async def test_a_redirect_uri_that_was_removed_meanwhile_receives_nothing(spa: Client, node: Node):
    await ask(spa)
    url = await answer_experience(spa.http, "spa", "ada")
    answer = await spa.http.get(url)
    await node.change(
        lambda tx: Applications(tx, TENANT).update(
            "spa", oidc_client_metadata=OidcClientMetadata(redirect_uris=[])
        )
    )
    answer = await spa.http.get(answer.headers["location"])
    answer = await spa.http.get(answer.headers["location"])
    assert answer.status_code == 400
    assert "location" not in answer.headers


async def third_party(client: Client) -> tuple[httpx.Response, str]:
    """Up to the consent page of an application that is not ours, and its form's token."""
    sent_to(await ask(client, resource=API), "/sign-in")
    url = await answer_experience(client.http, "third", "ada")
    answer = await client.http.get(url)
    sent_to(answer, "/consent")
    page = await client.http.get(answer.headers["location"])
    assert page.status_code == 200
    found = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert found is not None
    return page, found[1]


async def test_an_application_that_is_not_ours_needs_the_persons_word(http: httpx.AsyncClient):
    client = Client(http, "third")
    page, token = await third_party(client)
    assert "The third application" in page.text
    answer = await http.post("/consent?app_id=third", data={"csrf": token, "decision": "allow"})
    params = sent_to(await http.get(answer.headers["location"]), CALLBACK)
    assert (await client.redeem(params["code"])).status_code == 200


async def test_the_person_may_say_no(http: httpx.AsyncClient):
    client = Client(http, "third")
    _, token = await third_party(client)
    answer = await http.post("/consent?app_id=third", data={"csrf": token, "decision": "deny"})
    params = sent_to(await http.get(answer.headers["location"]), CALLBACK)
    assert params["error"] == "access_denied"
    assert "code" not in params


@pytest.mark.parametrize("token", ["", "AAAAAAAAAAAAAAAAAAAAAA"])
async def test_another_site_cannot_consent_for_the_person(http: httpx.AsyncClient, token: str):
    client = Client(http, "third")
    await third_party(client)
    answer = await http.post("/consent?app_id=third", data={"csrf": token, "decision": "allow"})
    assert answer.status_code == 200  # the page again
    uid = http.cookies["_interaction_resume"]
    sent_to(await http.get(f"/oidc/auth/{uid}"), "/consent")
