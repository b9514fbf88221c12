"""A picture of oneself: uploaded, served, set as the avatar."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from gatehouse.actors.assets import LocalAssets
from tests.http.contract import CONTRACT, Api, check_answer
from tests.http.logto.account.people import (
    THIRD_PARTY,
    Person,
    add_third_party,
    open_account_centre,
    person,
    stored,
)
from tests.http.running import Server

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 32
OPERATION = "UploadAccountAvatar"


@pytest.fixture
async def ada(server: Server, ada: Person, tmp_path: Path) -> Person:
    """Somebody whose server keeps files."""
    server.keep_files(LocalAssets(tmp_path / "assets"))
    return ada


async def upload(api: Api, content: bytes = PNG, kind: str = "image/png") -> httpx.Response:
    answer = await api.client.post(
        CONTRACT[OPERATION]["path"],
        files={"file": ("me.png", content, kind)},
        headers={} if api.token is None else {"authorization": f"Bearer {api.token}"},
    )
    check_answer(OPERATION, answer)
    return answer


async def test_a_picture_becomes_the_avatar(ada: Person) -> None:
    uploaded = await upload(ada.api)
    assert uploaded.status_code == 200, uploaded.text
    url = uploaded.json()["url"]
    served = await ada.api.client.get(url)
    assert (served.content, served.headers["content-type"]) == (PNG, "image/png")
    assert (await ada.api("UpdateProfile", json={"avatar": url}))["avatar"] == url


@pytest.mark.parametrize(
    ("content", "kind"), [(b"<svg/>", "image/svg+xml"), (b"<html>", "image/png")]
)
async def test_what_is_no_picture_is_refused(ada: Person, content: bytes, kind: str) -> None:
    refused = await upload(ada.api, content, kind)
    assert refused.status_code == 400
    assert refused.json()["code"] == "guard.mime_type_not_allowed"


async def test_who_may_not_change_the_avatar_uploads_none(server: Server, ada: Person) -> None:
    assert (await upload(ada.api.with_token(None))).status_code == 401
    user = await stored(server, ada.user_id)
    other = await person(server, user, "openid", "email")
    assert (await upload(other.api)).status_code == 401
    await add_third_party(server)
    other = await person(server, user, client=THIRD_PARTY)
    assert (await upload(other.api)).status_code == 403
    await open_account_centre(server, "ReadOnly")
    refused = await upload(ada.api)
    assert refused.json()["code"] == "account_center.field_not_editable"
