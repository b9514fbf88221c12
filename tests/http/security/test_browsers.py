"""What other sites, other people at the browser and curious strangers try at the pages."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gatehouse.actors.connectors.configs import SmtpConfig
from gatehouse.actors.connectors.smtp import compose
from gatehouse.actors.connectors.templates import REQUIRED_USES, Template, Worded
from gatehouse.storage.records import User
from gatehouse.storage.transaction import Transaction
from gatehouse.storage.users import Users
from tests.http.oidc.house import PASSWORD, TENANT, Client, sent_to, sign_in
from tests.http.security.site import Site, ask


async def test_a_planted_session_never_becomes_somebodys_sign_in(site: Site) -> None:
    """Session fixation: the attacker's session cookie in the victim's browser."""
    attacker, victim = await site.browser(), await site.browser()
    await sign_in(Client(attacker, "spa"), "bob")
    planted = {name: attacker.cookies[name] for name in ("_session", "_session.sig")}
    for name, value in planted.items():
        victim.cookies.set(name, value, domain="127.0.0.1", path="/")
    await sign_in(Client(victim, "spa"), "ada", prompt="login consent")
    assert victim.cookies["_session"] != planted["_session"]
    silent = {"prompt": "none", "scope": "openid"}
    answer = await ask(Client(attacker, "spa"), **silent)
    assert "login_required" in answer.headers["location"]
    assert "code=" in (await ask(Client(victim, "spa"), **silent)).headers["location"]


async def test_an_invented_session_is_none(site: Site, spa: Client) -> None:
    spa.http.cookies.set("_session", "A" * 43, domain="127.0.0.1", path="/")
    spa.http.cookies.set("_session.sig", "A" * 27, domain="127.0.0.1", path="/")
    sent_to(await ask(spa), "/sign-in?")
    await sign_in(spa)
    assert spa.http.cookies["_session"] != "A" * 43


async def test_a_planted_interaction_signs_in_nobody_else(site: Site) -> None:
    """Login CSRF: the attacker's interaction in the victim's browser leads to no session there
    unless the victim came by the attacker's cookies entirely, and then to the attacker's own."""
    attacker, victim = await site.browser(), await site.browser()
    await ask(Client(attacker, "spa"))
    victim.cookies.set("_interaction", attacker.cookies["_interaction"])
    victim.cookies.set("_interaction.sig", "A" * 27)
    answer = await victim.put("/api/experience", json={"interactionEvent": "SignIn"})
    assert answer.status_code == 400
    assert answer.json()["code"] == "session.not_found"


async def test_no_page_can_be_framed(spa: Client) -> None:
    """RFC 9700 §4.16 (clickjacking): also errors, and forms that submit themselves."""
    await ask(spa)
    html = {"accept": "text/html"}
    for answer in (
        await spa.http.get("/sign-in", params={"app_id": "spa"}),
        await spa.http.get("/sign-in", params={"app_id": "nothing"}),
        await spa.http.get("/oidc/session/end"),
        await spa.http.get("/oidc/auth", params={"client_id": "nobody"}, headers=html),
        await spa.http.get("/oidc/auth/nothing", headers=html),
        await ask(spa, response_mode="form_post", max_age="x"),
    ):
        policy = answer.headers.get("content-security-policy", "")
        assert "frame-ancestors 'none'" in policy, answer.request.url


async def attempt(http: httpx.AsyncClient, username: str, password: str) -> httpx.Response:
    await http.put("/api/experience", json={"interactionEvent": "SignIn"})
    identifier = {"type": "username", "value": username}
    return await http.post(
        "/api/experience/verification/password",
        json={"identifier": identifier, "password": password},
    )


async def test_nobody_learns_who_has_an_account(
    site: Site, spa: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """User enumeration: the same answer after the same work, whoever it is about."""
    await site.node.change(add_user_without_password)
    hasher, counted = site.node.core.hasher, []
    verify = hasher.verify

    async def counting(stored: Any, password: str) -> bool:
        counted.append(stored)
        return await verify(stored, password)

    monkeypatch.setattr(hasher, "verify", counting)
    seen = []
    for name in ("ada", "nobody", "no-password"):
        await ask(spa)
        before = len(counted)
        answer = await attempt(spa.http, name, "wrong password")
        seen.append((answer.status_code, answer.text, len(counted) - before))
    assert seen[0][0] == 422
    assert seen[0][2] == 1
    assert len(set(seen)) == 1
    assert (await attempt(spa.http, "ada", PASSWORD)).status_code == 200


def add_user_without_password(tx: Transaction) -> None:
    Users(tx, TENANT).create(User(username="no-password"))


async def test_a_suspended_persons_state_is_told_to_nobody_without_the_password(
    site: Site, spa: Client
) -> None:
    def suspend(tx: Transaction) -> None:
        Users(tx, TENANT).set_suspended(site.house.users["bob"], True)

    await site.node.change(suspend)
    await ask(spa)
    wrong = await attempt(spa.http, "bob", "wrong password")
    unknown = await attempt(spa.http, "nobody", "wrong password")
    assert (wrong.status_code, wrong.json()) == (unknown.status_code, unknown.json())


@pytest.mark.parametrize(
    "address",
    [
        "ada@example.com\r\nBcc: victim@example.com",
        "ada@example.com\nSubject: x",
        "Ada <ada@example.com>",
        '"a\r\nb"@example.com',
        "ada@example.com\x00",
    ],
)
async def test_no_address_writes_a_mails_header(spa: Client, address: str) -> None:
    """Header injection: such an address is refused before anything is sent."""
    await ask(spa)
    await spa.http.put("/api/experience", json={"interactionEvent": "SignIn"})
    answer = await spa.http.post(
        "/api/experience/verification/verification-code",
        json={
            "identifier": {"type": "email", "value": address},
            "interactionEvent": "SignIn",
        },
    )
    assert answer.status_code == 400, answer.text


MAIL_SERVER = SmtpConfig(
    host="mail.example",
    port=25,
    from_email="a@b.example",
    templates=tuple(Template(use, "A code", "{{code}}") for use in REQUIRED_USES),
)


@pytest.mark.parametrize("recipient", ["a@example.com,b@example.com", "a@b.example\r\nBcc: c@d.e"])
def test_a_mail_goes_to_one_recipient(recipient: str) -> None:
    worded = Worded(subject="x", body="x", content_type="text/plain")
    with pytest.raises(ValueError, match="not a mail address"):
        compose(MAIL_SERVER, "id", recipient, worded)


def test_a_subject_writes_no_header() -> None:
    worded = Worded(subject="x\r\nBcc: victim@example.com", body="x", content_type="text/plain")
    with pytest.raises(ValueError, match="carriage return"):
        compose(MAIL_SERVER, "id", "ada@example.com", worded)
