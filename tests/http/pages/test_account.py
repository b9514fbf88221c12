"""The account pages: whose they are, and what a form from elsewhere can do (nothing)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from gatehouse.actors.cookies import SESSION_COOKIE
from tests.http.logto.account.people import (
    PASSWORD,
    add_user,
    authorize,
    open_account_centre,
    stored,
)
from tests.http.running import Server

PAGES = ("", "/name", "/username", "/password", "/email", "/factors", "/social", "/sessions")
SENSITIVE = ("/username", "/password", "/email", "/phone", "/factors/totp", "/sessions")


@dataclass
class Visitor:
    """A browser that somebody is signed in at."""

    http: httpx.AsyncClient
    cookies: dict[str, str]
    user_id: str

    async def get(self, path: str) -> httpx.Response:
        return await self.http.get(f"/account{path}", headers=self.headers)

    async def post(self, path: str, /, **form: Any) -> httpx.Response:
        """Send a form with the token that this browser's pages have."""
        page = (await self.get("/name")).text
        token = re.search(r'name="csrf" value="([^"]+)"', page)
        assert token is not None
        return await self.send(path, csrf=token[1], **form)

    async def send(self, path: str, /, **form: Any) -> httpx.Response:
        """Send a form as it is."""
        answer = await self.http.post(f"/account{path}", data=form, headers=self.headers)
        for name, value in answer.cookies.items():
            self.cookies[name] = value
        return answer

    @property
    def headers(self) -> dict[str, str]:
        return {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}


@pytest.fixture
async def visitor(server: Server) -> Visitor:
    """Somebody at a browser, who may change everything."""
    await open_account_centre(server)
    user = await add_user(server, "ada", primary_email="ada@example.com")
    session_id, _ = await authorize(server, user)
    return signed_in(server, user.id, session_id)


def signed_in(server: Server, user_id: str, session_id: str) -> Visitor:
    """A browser with a session."""
    signature = server.core.cookies.signature(SESSION_COOKIE, session_id)
    cookies = {SESSION_COOKIE: session_id, f"{SESSION_COOKIE}.sig": signature}
    return Visitor(server.client, cookies, user_id)


@pytest.mark.parametrize("path", PAGES)
async def test_who_is_not_signed_in_signs_in_first(
    server: Server, visitor: Visitor, path: str
) -> None:
    visitor.cookies.clear()
    answer = await visitor.get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in?")
    assert "set-cookie" in answer.headers


@pytest.mark.parametrize("path", SENSITIVE)
async def test_what_is_sensitive_asks_whether_it_is_really_them(
    visitor: Visitor, path: str
) -> None:
    answer = await visitor.get(path)
    assert answer.status_code == 303
    assert (
        answer.headers["location"] == f"/account/verify?then=%2Faccount{path.replace('/', '%2F')}"
    )
    passed = await visitor.post("/verify", then=f"/account{path}", password=PASSWORD)
    assert passed.headers["location"] == f"/account{path}"
    if path != "/factors/totp":
        assert (await visitor.get(path)).status_code == 200


async def test_a_sensitive_form_without_having_shown_it_changes_nothing(
    server: Server, visitor: Visitor
) -> None:
    before = await stored(server, visitor.user_id)
    for path, form in (
        ("/username", {"value": "countess"}),
        ("/password", {"password": "some-other-9-words"}),
        ("/email", {"by": "remove"}),
        ("/factors", {"factor": "any"}),
        ("/factors/backup-codes", {}),
        ("/sessions", {"session": "any"}),
    ):
        answer = await visitor.post(path, **form)
        assert answer.headers["location"].startswith("/account/verify?")
    assert await stored(server, visitor.user_id) == before


@pytest.mark.parametrize("token", ["", "forged", "é"])
@pytest.mark.parametrize("path", ["/name", "/verify", "/password", "/email", "/sessions"])
async def test_a_form_from_elsewhere_changes_nothing(
    server: Server, visitor: Visitor, path: str, token: str
) -> None:
    before = await stored(server, visitor.user_id)
    answer = await visitor.send(path, csrf=token, value="Mallory", password=PASSWORD)
    assert answer.status_code == 400
    assert "set-cookie" not in answer.headers
    assert await stored(server, visitor.user_id) == before


@pytest.mark.parametrize(
    "there",
    ["https://evil.example", "//evil.example", "/account/../evil", "/account//evil.example", "/x"],
)
async def test_nobody_is_led_elsewhere_afterwards(visitor: Visitor, there: str) -> None:
    answer = await visitor.post("/verify", then=there, password=PASSWORD)
    assert answer.headers["location"] == "/account"


async def test_a_wrong_password_shows_nothing(visitor: Visitor) -> None:
    answer = await visitor.post("/verify", then="/account/password", password="wrong")
    assert answer.status_code == 400
    assert "set-cookie" not in answer.headers


async def test_without_an_account_centre_there_is_no_page(server: Server, visitor: Visitor) -> None:
    manager = server.api(await server.management_token())
    await manager("UpdateAccountCenterSettings", json={"enabled": False})
    answer = await visitor.get("")
    assert answer.status_code == 400
    assert "There is no account centre here." in answer.text


async def test_what_the_tenant_hides_or_keeps_is_not_there(
    server: Server, visitor: Visitor
) -> None:
    await open_account_centre(server, email="Off", name="ReadOnly")
    page = (await visitor.get("")).text
    assert "ada@example.com" not in page
    assert "/account/name" not in page
    assert (await visitor.get("/name")).status_code == 400


async def test_the_operators_style_stays_a_style(server: Server, visitor: Visitor) -> None:
    manager = server.api(await server.management_token())
    for css, there in (("h1 { color: teal }", True), ("</style><script>x</script>", False)):
        await manager("UpdateAccountCenterSettings", json={"customCss": css})
        assert (css in (await visitor.get("")).text) is there


async def test_the_pages_allow_no_script_and_no_frame(visitor: Visitor) -> None:
    policy = (await visitor.get("")).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "frame-ancestors 'none'" in policy
