"""Pages of an operator's own: shown in the place of ours, and nothing but what was uploaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatehouse.actors.assets import LocalAssets
from gatehouse.http.pages.custom_ui import content_security_policy
from tests.actors.test_archives import zipped
from tests.http.logto.experience.house import House
from tests.http.pages.visiting import get

FILES = {
    "index.html": b"<html>Ours</html>",
    "static/main.js": b"alert(1)",
    "strange.exe": b"MZ",
}


@pytest.fixture
async def site(house: House, tmp_path: Path) -> str:
    """The id of uploaded pages."""
    (tmp_path / "secret.txt").write_bytes(b"secret")
    store = LocalAssets(tmp_path / "assets")
    for node in house.nodes:
        object.__setattr__(node.core, "assets", store)
    return await store.put_site(zipped(FILES))


async def test_uploaded_pages_take_the_place_of_ours(house: House, site: str) -> None:
    browser = await house.browser()
    assert b"Ours" not in (await get(browser, "/sign-in?app_id=demo-app")).content
    csp = {"scriptSrc": ["https://cdn.example"], "connectSrc": ["https://x.example; script-src *"]}
    await house.settle(custom_ui_assets={"id": site, "createdAt": 1}, custom_ui_csp=csp)
    for path in ("/sign-in?app_id=demo-app", "/register?app_id=demo-app", "/any/page"):
        page = await get(browser, path)
        assert (page.status_code, page.content) == (200, FILES["index.html"]), path
        assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert "script-src 'self' https://cdn.example;" in policy
    assert "connect-src 'self';" in policy
    for path, kind in (
        ("/static/main.js", "text/javascript; charset=utf-8"),
        ("/strange.exe", "application/octet-stream"),
    ):
        file = await get(browser, path)
        assert (file.status_code, file.headers["content-type"]) == (200, kind)
        assert file.headers["x-content-type-options"] == "nosniff"


async def test_the_rest_of_the_server_stays_where_it_is(house: House, site: str) -> None:
    await house.settle(custom_ui_assets={"id": site, "createdAt": 1})
    browser = await house.browser()
    for path in ("/api/nothing", "/oidc/nothing", "/static/other.js"):
        assert (await get(browser, path)).status_code == 404, path
    assert (await get(browser, "/api/status")).status_code == 204
    answer = await browser.client.post("/any/page", headers=browser.headers)
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/..%2f..%2fsecret.txt",
        "/static/%2e%2e/%2e%2e/%2e%2e/%2e%2e/secret.txt",
        "//secret.txt",
        "/static/..%5c..%5csecret.txt",
        "/static",
        "/%00.txt",
    ],
)
async def test_nothing_is_served_but_what_was_uploaded(house: House, site: str, path: str) -> None:
    await house.settle(custom_ui_assets={"id": site, "createdAt": 1})
    answer = await house.client.get(path)
    assert b"secret" not in answer.content


@pytest.mark.parametrize("site_id", ["../..", "", "0" * 16, "/etc"])
async def test_pages_that_are_not_there_leave_ours(house: House, site: str, site_id: str) -> None:
    await house.settle(custom_ui_assets={"id": site_id, "createdAt": 1})
    browser = await house.browser()
    assert b"csrf" in (await get(browser, "/sign-in?app_id=demo-app")).content
    assert (await get(browser, "/secret.txt")).status_code == 404


def test_a_source_cannot_begin_another_directive() -> None:
    wanted = {"scriptSrc": ["x; object-src *", "a b", "https://ok.example", "a,b", 5, "é"]}
    assert "script-src 'self' https://ok.example;" in content_security_policy(wanted)
    assert content_security_policy({"scriptSrc": "x"}) == content_security_policy({})
