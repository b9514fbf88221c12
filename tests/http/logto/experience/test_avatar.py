"""The picture that somebody chooses while registering."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from gatehouse.actors.assets import LocalAssets
from gatehouse.http.logto.uploads import BY_SENDER, MAX_AVATAR_BYTES
from tests.http.contract import check_answer
from tests.http.logto.experience.browsing import Browser
from tests.http.logto.experience.house import House

OPERATION = "UploadExperienceAvatar"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 32
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"></svg>'


def pictures_in(directory: Path) -> list[bytes]:
    return [path.read_bytes() for path in directory.rglob("*") if path.is_file()]


async def upload(browser: Browser, content: bytes, kind: str) -> httpx.Response:
    answer = await browser.client.post(
        "/api/experience/user-assets/avatar",
        files={"file": ("me.png", content, kind)},
        headers=browser.headers,
    )
    check_answer(OPERATION, answer)
    return answer


@pytest.fixture(autouse=True)
def kept(house: House, tmp_path: Path) -> Path:
    """Where the server keeps files."""
    for node in house.nodes:
        object.__setattr__(node.core, "assets", LocalAssets(tmp_path / "assets"))
    return tmp_path / "assets"


async def test_a_picture_is_uploaded_while_registering(house: House, kept: Path) -> None:
    browser = await (await house.browser()).start("Register")
    answer = await upload(browser, PNG, "image/png")
    assert answer.status_code == 200
    assert answer.json()["url"].startswith("https://gatehouse.example/user-assets/")
    assert pictures_in(kept) == [PNG]


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ("SignIn", "session.invalid_interaction_type"),
        ("ForgotPassword", "session.not_supported_for_forgot_password"),
    ],
)
async def test_only_who_registers_uploads(house: House, kept: Path, event: str, code: str) -> None:
    browser = await (await house.browser()).start(event)
    answer = await upload(browser, PNG, "image/png")
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert pictures_in(kept) == []


async def test_nobody_uploads_a_script_or_without_an_interaction(house: House, kept: Path) -> None:
    browser = await (await house.browser()).start("Register")
    answer = await upload(browser, SVG, "image/svg+xml")
    assert (answer.status_code, answer.json()["code"]) == (400, "guard.mime_type_not_allowed")
    stranger = Browser(house.core, house.client)
    assert (await upload(stranger, PNG, "image/png")).json()["code"] == "session.not_found"
    assert pictures_in(kept) == []


async def test_a_stranger_sends_no_more_than_a_few_pictures(house: House, kept: Path) -> None:
    browser = await (await house.browser()).start("Register")
    for _ in range(BY_SENDER.most):
        assert (await upload(browser, PNG, "image/png")).status_code == 200
    refused = await upload(browser, PNG, "image/png")
    assert (refused.status_code, refused.json()["code"]) == (429, "request.rate_limited")
    assert len(pictures_in(kept)) == BY_SENDER.most
    large = await upload(
        await (await house.browser()).start("Register"), PNG + b"\0" * MAX_AVATAR_BYTES, "image/png"
    )
    assert (large.status_code, large.json()["code"]) == (400, "guard.file_size_exceeded")
