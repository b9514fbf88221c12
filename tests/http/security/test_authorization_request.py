"""RFC 9700 on the way to a code: where browsers are sent, PKCE, mix-up, injection, CSRF."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx

from tests.http.oidc.house import (
    CALLBACK,
    GOODBYE,
    Client,
    answer_experience,
    challenge_of,
    consent,
    sent_to,
    sign_in,
    tokens,
)
from tests.http.security.site import Site, ask

NEAR_MISSES = [
    f"{CALLBACK}/",
    f"{CALLBACK}/..",
    f"{CALLBACK}?x=1",
    f"{CALLBACK}?fixed=1&x=1",
    f"{CALLBACK}#x",
    f"{CALLBACK}%20",
    f" {CALLBACK}",
    CALLBACK.upper(),
    CALLBACK.replace("https", "http"),
    CALLBACK.replace("app.example", "app.example."),
    CALLBACK.replace("app.example", "app.example:443"),
    CALLBACK.replace("app.example", "evil.app.example"),
    CALLBACK.replace("app.example", "app.example@evil.example"),
    CALLBACK.replace("app.example", "app.example.evil.example"),
    CALLBACK.replace("//app.example", "//evil.example\\@app.example"),
    "https://evil.example/",
    "//app.example/callback",
    "/callback",
    "javascript:alert(1)//app.example/callback",
    "data:text/html,<script>1</script>",
]


async def test_rfc9700_2_1_redirect_uris_are_compared_exactly(spa: Client) -> None:
    """§2.1 and §4.1.3."""
    for uri in NEAR_MISSES:
        answer = await ask(spa, redirect_uri=uri)
        assert answer.status_code == 400, uri
        assert "location" not in answer.headers, uri


async def test_rfc9700_4_11_2_errors_lead_nowhere_before_the_client_is_known(
    spa: Client,
) -> None:
    """§4.11.2: the authorization server is no open redirector."""
    for changes in (
        {"client_id": "nobody"},
        {"client_id": None},
        {"redirect_uri": None},
        {"redirect_uri": "https://evil.example", "response_type": "nonsense"},
        {"redirect_uri": "https://evil.example", "prompt": "none"},
    ):
        answer = await ask(spa, **changes)
        assert answer.status_code == 400
        assert "location" not in answer.headers


async def test_rfc9700_4_11_2_signing_out_leads_nowhere_else(spa: Client) -> None:
    """§4.11.2."""
    body = await tokens(spa)
    for uri in ("https://evil.example/", f"{GOODBYE}/", f"{GOODBYE}#x", "//x"):
        params = {"id_token_hint": body["id_token"], "post_logout_redirect_uri": uri}
        answer = await spa.http.get("/oidc/session/end", params=params)
        assert answer.status_code == 400, uri
        assert "location" not in answer.headers, uri


async def test_rfc9700_4_11_2_pages_lead_nowhere_else(spa: Client) -> None:
    """§4.11.2: no parameter of a page or of the endpoint says where to go afterwards."""
    evil = "https://evil.example/"
    names = ("next", "redirect", "redirectTo", "redirect_to", "return_to", "url", "fallback")
    extra = dict.fromkeys(names, evil)
    answer = await spa.http.get("/oidc/auth", params={**spa.request(), **extra})
    sent_to(answer, "/sign-in?")
    url = await answer_experience(spa.http, "spa", "ada")
    assert urlsplit(url).netloc in ("", urlsplit(str(spa.http.base_url)).netloc)
    answer = await spa.http.get(url, params=extra)
    sent_to(answer, "/consent?")
    answer = await spa.http.get("/consent", params={"app_id": "spa", **extra})
    assert evil not in answer.headers["location"]


async def test_rfc9700_2_1_1_public_clients_must_use_pkce(spa: Client) -> None:
    """§2.1.1."""
    answer = await ask(spa, code_challenge=None, code_challenge_method=None)
    assert sent_to(answer, CALLBACK)["error"] == "invalid_request"


async def test_rfc9700_2_1_1_only_s256_is_taken(spa: Client) -> None:
    """§2.1.1: a challenge must not expose its verifier."""
    for method in ("plain", None, "s256", "S512"):
        answer = await ask(spa, code_challenge_method=method)
        assert sent_to(answer, CALLBACK)["error"] == "invalid_request", method


async def test_rfc9700_4_8_2_a_verifier_without_a_challenge_is_a_downgrade(web: Client) -> None:
    """§4.8.2: PKCE downgrade attack."""
    code = (await sign_in(web, code_challenge=None, code_challenge_method=None))["code"]
    refused = await web.redeem(code)
    assert refused.json()["error"] == "invalid_grant"


async def test_rfc9700_4_8_2_a_challenge_without_a_verifier_is_refused(web: Client) -> None:
    """§4.8.2, the other way round."""
    code = (await sign_in(web))["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    assert (await web.token(**form)).json()["error"] == "invalid_grant"


async def test_rfc9700_2_1_2_no_token_travels_through_the_browser(spa: Client) -> None:
    """§2.1.2: the implicit grant and its relatives are not offered."""
    for kind in ("token", "id_token", "code token", "code id_token", "id_token token", "none"):
        params = sent_to(await ask(spa, response_type=kind), CALLBACK)
        assert params["error"] == "unsupported_response_type", kind
        assert not {"code", "access_token", "id_token"} & params.keys(), kind


async def test_rfc9700_4_4_2_every_answer_names_its_issuer(spa: Client, site: Site) -> None:
    """§4.4.2 (mix-up): `iss` with a code and with an error, as announced (RFC 9207 §2)."""
    metadata = (await spa.http.get("/oidc/.well-known/openid-configuration")).json()
    assert metadata["authorization_response_iss_parameter_supported"] is True
    assert metadata["issuer"] == site.issuer
    assert (await sign_in(spa))["iss"] == site.issuer
    for mode in ("query", "fragment"):
        answer = await ask(spa, prompt="none", response_mode=mode, max_age="x")
        assert sent_to(answer, CALLBACK)["iss"] == site.issuer
    form = await ask(spa, response_mode="form_post", max_age="x")
    assert f'name="iss" value="{site.issuer}"' in form.text


async def test_rfc9700_4_5_3_a_stolen_code_is_of_no_use_in_another_session(
    spa: Client, site: Site
) -> None:
    """§4.5.3 (code injection): the attacker's session has another verifier."""
    stolen = (await sign_in(spa))["code"]
    attacker = Client(await site.browser(), "spa")
    assert attacker.verifier != spa.verifier
    assert (await attacker.redeem(stolen)).json()["error"] == "invalid_grant"


async def test_rfc9700_4_5_3_a_code_is_its_clients_own(spa: Client, site: Site) -> None:
    """§4.5.3: also with the right verifier."""
    stolen = (await sign_in(spa))["code"]
    other = Client(await site.browser(), "web", spa.verifier)
    assert (await other.redeem(stolen)).json()["error"] == "invalid_grant"


async def test_rfc9700_4_5_3_a_code_is_for_one_redirect_uri(spa: Client) -> None:
    """§4.5.3.2 and RFC 6749 §4.1.3."""
    code = (await sign_in(spa))["code"]
    refused = await spa.redeem(code, redirect_uri=f"{CALLBACK}?fixed=1")
    assert refused.json()["error"] == "invalid_grant"


async def test_rfc9700_4_5_3_1_the_nonce_comes_back_as_it_was(spa: Client) -> None:
    """§4.5.3.2: nonce and state belong to one request each."""
    params = await sign_in(spa, nonce="n & \u2603", state="s=&;\u2603")
    assert params["state"] == "s=&;\u2603"


async def test_rfc9700_4_7_1_another_site_cannot_answer_for_the_person(
    spa: Client, site: Site
) -> None:
    """§4.7 (CSRF): an interaction goes on only in the browser where it began."""
    await ask(spa)
    resume = await answer_experience(spa.http, "spa", "ada")
    victim = await site.browser()
    answer = await victim.get(resume)
    assert answer.status_code == 400
    assert "location" not in answer.headers


async def test_rfc9700_4_7_1_the_pages_api_takes_no_form_of_another_site(spa: Client) -> None:
    """§4.7: what a form of another site can send (simple requests) changes nothing."""
    await ask(spa)
    sent = b'{"interactionEvent":"SignIn"}'
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        headers = {"content-type": kind} if kind else {}
        answer = await spa.http.put("/api/experience", content=sent, headers=headers)
        assert answer.status_code == 400, kind


async def test_rfc9700_4_7_1_cookies_do_not_travel_with_other_sites_forms(spa: Client) -> None:
    """§4.7: SameSite on every cookie; HttpOnly on each that proves something."""
    answer = await ask(spa)
    answers = [answer, await answer_rest(spa, answer)]
    for line in (one for got in answers for one in got.headers.get_list("set-cookie")):
        name = line.split("=")[0]
        assert "samesite=lax" in line.lower(), line
        assert name.startswith("_logto") or "httponly" in line.lower(), line


async def answer_rest(spa: Client, answer: httpx.Response) -> httpx.Response:
    """The answer that gives the session its cookie."""
    return await spa.http.get(await answer_experience(spa.http, "spa", "ada"))


async def test_rfc9700_4_12_credentials_are_not_posted_on(spa: Client) -> None:
    """§4.12: 303, never 307: a browser would send the password along."""
    answer = await ask(spa)
    assert answer.status_code == 303
    page = await spa.http.get(answer.headers["location"])
    csrf = page.text.partition('name="csrf" value="')[2].partition('"')[0]
    form = {"csrf": csrf, "identifier": "ada", "password": "correct horse 7 battery"}
    posted = await spa.http.post("/sign-in?app_id=spa", data=form)
    assert posted.status_code in (302, 303)
    resumed = await spa.http.get(posted.headers["location"])
    assert resumed.status_code == 303
    assert (await consent(spa, resumed))["code"]


async def test_rfc9700_4_3_1_codes_and_tokens_in_a_history_are_of_no_use(spa: Client) -> None:
    """§4.3.1: a code is good once; §4.3.2: no token is taken from a query."""
    params = await sign_in(spa)
    body = (await spa.redeem(params["code"])).json()
    answer = await spa.http.get("/oidc/me", params={"access_token": body["access_token"]})
    assert answer.status_code == 401
    assert (await spa.redeem(params["code"])).json()["error"] == "invalid_grant"


async def test_rfc9700_4_2_4_codes_and_addresses_do_not_leak_by_referrer(spa: Client) -> None:
    """§4.2.4: pages say where they came from to nobody, and load nothing from elsewhere."""
    answer = await ask(spa)
    page = await spa.http.get(answer.headers["location"])
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    form = await ask(spa, response_mode="form_post", max_age="x")
    assert form.headers["referrer-policy"] in ("no-referrer", "strict-origin-when-cross-origin")
    assert "default-src 'none'" in form.headers["content-security-policy"]


async def test_rfc9700_2_6_metadata_tell_what_is_supported(spa: Client) -> None:
    """§2.6, and §2.1.1: that PKCE is must be seen from the metadata."""
    metadata = (await spa.http.get("/oidc/.well-known/openid-configuration")).json()
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    assert metadata["response_types_supported"] == ["code"]
    assert "implicit" not in metadata["grant_types_supported"]
    assert "password" not in metadata["grant_types_supported"]


async def test_a_challenge_is_no_verifier(spa: Client) -> None:
    code = (await sign_in(spa))["code"]
    refused = await spa.redeem(code, code_verifier=challenge_of(spa.verifier))
    assert refused.json()["error"] == "invalid_grant"


async def test_the_answer_is_not_split_by_what_is_repeated_in_it(spa: Client) -> None:
    """Response splitting: state travels encoded."""
    state = "x\r\nset-cookie: evil=1\r\n\r\n<script>"
    answer = await ask(spa, state=state, max_age="x")
    assert "evil" not in answer.headers.get("set-cookie", "")
    location = answer.headers["location"]
    assert "\r" not in location
    assert parse_qs(urlsplit(location).query)["state"] == [state]
