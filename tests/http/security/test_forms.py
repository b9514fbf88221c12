"""RFC 9700 §4.7 (CSRF) on every form: none is taken without the token that its page had."""

from __future__ import annotations

import httpx

from gatehouse.http.logto.skin import skins
from gatehouse.http.operation import Operation
from gatehouse.storage.users import Users
from tests.http.logto.management.test_hostile import path_of
from tests.http.oidc.house import PASSWORD, TENANT, Client, sent_to, sign_in
from tests.http.security.site import Site, ask

FROM_ELSEWHERE = {
    # Providers post their answers here; `state` ties them to the browser (OIDC Core §3.1.2.1).
    "CallbackForm",
}
FORMS = [
    one
    for _, operations in skins()
    for one in operations
    if one.method == "POST"
    and one.form
    and not one.path.startswith(("/api", "/oidc"))
    and one.operation_id not in FROM_ELSEWHERE
]
FIELDS = {
    "identifier": "ada",
    "username": "ada",
    "password": PASSWORD,
    "newPassword": "another horse 8 battery",
    "code": "123456",
    "consent": "yes",
    "decision": "allow",
    "allow": "yes",
    "by": "password",
    "email": "ada@example.com",
    "name": "Mallory",
}


async def post(
    http: httpx.AsyncClient, operation: Operation, app_id: str, csrf: str | None
) -> httpx.Response:
    form = {**FIELDS, **({} if csrf is None else {"csrf": csrf})}
    return await http.post(path_of(operation, "x"), params={"app_id": app_id}, data=form)


def test_there_are_forms() -> None:
    assert len(FORMS) > 10


async def test_rfc9700_4_7_no_form_is_taken_without_its_token(spa: Client, site: Site) -> None:
    """In the middle of a sign-in, and when somebody is signed in."""
    ada = site.house.users["ada"]
    before = await site.node.core.db.read(lambda tx: Users(tx, TENANT).get(ada))
    for _ in range(2):
        for operation in FORMS:
            await ask(spa, prompt="login consent")
            for csrf in (None, "", "A" * 43, "\u00fc"):
                answer = await post(spa.http, operation, "spa", csrf)
                shown = (operation.operation_id, csrf, answer.status_code)
                assert answer.status_code < 500, shown
                location = answer.headers.get("location", "")
                assert "code=" not in location, shown
                assert "/oidc/auth/" not in location, shown
                assert "_session" not in answer.headers.get("set-cookie", ""), shown
        await sign_in(spa, prompt="login consent")
    after = await site.node.core.db.read(lambda tx: Users(tx, TENANT).get(ada))
    changed = {
        name for name in before.__struct_fields__ if getattr(before, name) != getattr(after, name)
    }
    assert changed <= {"last_sign_in_at", "updated_at"}


async def test_rfc9700_4_7_signing_out_needs_the_token_of_its_page(spa: Client) -> None:
    await sign_in(spa)
    for csrf in ("", "A" * 43):
        form = {"logout": "yes", "csrf": csrf}
        answer = await spa.http.post("/oidc/session/end/confirm", data=form)
        assert answer.status_code == 403
    sent_to(await ask(spa, prompt="none", scope="openid"), "https:")
    assert "code=" in (await ask(spa, prompt="none", scope="openid")).headers["location"]


async def test_rfc9700_4_7_a_token_is_good_in_its_own_interaction(spa: Client) -> None:
    """A token that the attacker fetched for their own interaction."""
    page = await spa.http.get((await ask(spa)).headers["location"])
    foreign = page.text.partition('name="csrf" value="')[2].partition('"')[0]
    assert foreign
    await ask(spa)
    form = {"csrf": foreign, "identifier": "ada", "password": PASSWORD}
    answer = await spa.http.post("/sign-in?app_id=spa", data=form)
    assert "/oidc/auth/" not in answer.headers.get("location", "")
