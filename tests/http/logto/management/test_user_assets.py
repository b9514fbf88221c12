"""Uploads: pictures that are what they say, served so that nothing in them runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from gatehouse.actors.assets import MAX_FILE_BYTES, LocalAssets
from tests.actors.test_archives import INDEX, zipped
from tests.http.contract import CONTRACT, Api, check_answer
from tests.http.running import Server

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 32
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.fixture
def kept(server: Server, tmp_path: Path) -> Path:
    """Where the server keeps files."""
    server.keep_files(LocalAssets(tmp_path / "assets"))
    return tmp_path / "assets"


def files_in(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()]


async def upload(
    api: Api, operation: str, name: str, content: bytes, kind: str, field: str = "file"
) -> httpx.Response:
    answer = await api.client.post(
        CONTRACT[operation]["path"],
        files={field: (name, content, kind)},
        headers={"authorization": f"Bearer {api.token}"},
    )
    check_answer(operation, answer)
    return answer


@pytest.mark.parametrize(
    ("content", "kind"),
    [(PNG, "image/png"), (SVG, "image/svg+xml"), (b"GIF89a...", "image/gif")],
    ids=["PNG", "SVG", "GIF"],
)
async def test_a_picture_is_kept_and_served(
    api: Api, kept: Path, content: bytes, kind: str
) -> None:
    answer = await upload(api, "CreateUserAsset", "../../evil name.png", content, kind)
    assert answer.status_code == 200
    url = answer.json()["url"]
    assert "evil" not in url
    served = await api.client.get(url)
    assert (served.status_code, served.content) == (200, content)
    assert served.headers["content-type"] == kind
    assert served.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in served.headers["content-security-policy"]
    (file,) = files_in(kept)
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("content", "kind", "code"),
    [
        (SVG, "image/png", "guard.mime_type_not_allowed"),
        (b"<html>", "image/svg+xml", "guard.mime_type_not_allowed"),
        (b"<html>", "text/html", "guard.mime_type_not_allowed"),
        (b"", "image/png", "guard.mime_type_not_allowed"),
        (PNG + b"\0" * MAX_FILE_BYTES, "image/png", "guard.file_size_exceeded"),
    ],
    ids=["a script", "no SVG", "HTML", "nothing", "too much"],
)
async def test_what_is_no_picture_is_not_kept(
    api: Api, kept: Path, content: bytes, kind: str, code: str
) -> None:
    answer = await upload(api, "CreateUserAsset", "a.png", content, kind)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert files_in(kept) == []


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{}", "application/json"),
        (b"", "multipart/form-data; boundary=x"),
        (b"--x\r\n", "multipart/form-data; boundary=x"),
        (b"--x\r\n\r\n--x--", "multipart/form-data; boundary=<>"),
        (
            b"--x\r\ncontent-disposition: form-data; name=file\r\n\r\nx\r\n--x--\r\n",
            "multipart/form-data; boundary=x",
        ),
        (b"--x\r\n" + b"a" * 100_000, "multipart/form-data; boundary=x"),
        (
            b"--x\r\ncontent-disposition: form-data; name=a\r\n\r\n1\r\n" * 50 + b"--x--\r\n",
            "multipart/form-data; boundary=x",
        ),
    ],
    ids=["JSON", "nothing", "cut off", "bad boundary", "no file", "long head", "many parts"],
)
async def test_what_is_no_form_with_a_file_is_refused(
    api: Api, kept: Path, body: bytes, kind: str
) -> None:
    answer = await api.client.post(
        "/api/user-assets",
        content=body,
        headers={"authorization": f"Bearer {api.token}", "content-type": kind},
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "guard.invalid_input")


async def test_a_body_above_the_bound_is_not_read(api: Api, kept: Path) -> None:
    answer = await api.client.post(
        "/api/user-assets",
        content=b"x" * (9 * 1024 * 1024),
        headers={"authorization": f"Bearer {api.token}", "content-type": "multipart/form-data"},
    )
    assert answer.status_code == 413


async def test_nothing_is_served_but_what_was_uploaded(api: Api, kept: Path) -> None:
    secret = kept.parent / "secret.png"
    secret.write_bytes(PNG)
    for name in ("..%2f..%2fsecret.png", "secret.png", "0" * 32 + ".png", "0" * 32 + ".exe"):
        answer = await api.client.get(f"/user-assets/{name}")
        assert answer.status_code == 404, name


async def test_without_a_place_for_files_nothing_is_kept(server: Server, api: Api) -> None:
    server.keep_files(None)
    assert (await api("GetUserAssetServiceStatus"))["status"] == "not_configured"
    answer = await upload(api, "CreateUserAsset", "a.png", PNG, "image/png")
    assert (answer.status_code, answer.json()["code"]) == (400, "storage.not_configured")
    assert (await api.client.get(f"/user-assets/{'0' * 32}.png")).status_code == 404


async def test_the_service_says_what_it_takes(api: Api, kept: Path) -> None:
    status = await api("GetUserAssetServiceStatus")
    assert status["status"] == "ready"
    assert status["maxUploadFileSize"] == MAX_FILE_BYTES
    assert "image/png" in status["allowUploadMimeTypes"]


async def test_pages_of_ones_own_are_unpacked(api: Api, kept: Path) -> None:
    archive = zipped({**INDEX, "main.js": b"1"})
    answer = await upload(api, "UploadCustomUiAssets", "ui.zip", archive, "application/zip")
    assert answer.status_code == 200
    site = kept / "sites" / answer.json()["customUiAssetId"]
    assert (site / "main.js").read_bytes() == b"1"


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (zipped(INDEX), "image/png", 400, "guard.mime_type_not_allowed"),
        (PNG, "application/zip", 400, "guard.mime_type_not_allowed"),
        (b"no archive", "application/zip", 500, "storage.upload_error"),
        (zipped({**INDEX, "../evil": b""}), "application/zip", 500, "storage.upload_error"),
        (b"PK" + b"\0" * MAX_FILE_BYTES, "application/zip", 400, "guard.file_size_exceeded"),
    ],
    ids=["wrong kind", "a picture", "no archive", "a way out", "too much"],
)
async def test_what_is_no_archive_of_pages_is_not_kept(
    api: Api, kept: Path, content: bytes, kind: str, status: int, code: str
) -> None:
    answer = await upload(api, "UploadCustomUiAssets", "ui.zip", content, kind)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert files_in(kept) == []


async def test_a_stranger_keeps_no_files(server: Server, api: Api, kept: Path) -> None:
    for operation in ("CreateUserAsset", "UploadCustomUiAssets"):
        answer: Any = await upload(server.api("x"), operation, "a.png", PNG, "image/png")
        assert answer.status_code == 401
