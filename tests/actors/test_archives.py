"""Zip archives from strangers: unpacked within bounds, or not at all."""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from gatehouse.actors import archives
from gatehouse.actors.archives import ArchiveRefused, unpack


def zipped(files: dict[str, bytes], fill: Callable[[zipfile.ZipFile], None] | None = None) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        if fill is not None:
            fill(archive)
    return buffer.getvalue()


INDEX = {"index.html": b"<html></html>"}


def test_an_archive_is_unpacked(tmp_path: Path) -> None:
    files = {**INDEX, "static/js/main.a1.js": b"alert(1)", "__MACOSX/._x": b""}
    unpack(zipped(files), tmp_path / "sites" / "one")
    found = sorted(path for path in (tmp_path / "sites").rglob("*") if path.is_file())
    assert [str(path.relative_to(tmp_path / "sites")) for path in found] == [
        "one/index.html",
        "one/static/js/main.a1.js",
    ]
    assert found[1].read_bytes() == b"alert(1)"


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "/etc/evil",
        "a/../../evil",
        "a\\..\\evil",
        "./evil",
        "a//b",
        ".env",
        "a" * 200,
        "/".join("abcdefghi"),
        "a\x01b",
        "C:evil",
    ],
)
def test_no_name_leads_out_of_the_directory(tmp_path: Path, name: str) -> None:
    with pytest.raises(ArchiveRefused):
        unpack(zipped({**INDEX, name: b"x"}), tmp_path / "site")
    assert list(tmp_path.iterdir()) == []


def test_links_are_refused(tmp_path: Path) -> None:
    def link(archive: zipfile.ZipFile) -> None:
        info = zipfile.ZipInfo("link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")

    with pytest.raises(ArchiveRefused):
        unpack(zipped(INDEX, link), tmp_path / "site")
    assert list(tmp_path.iterdir()) == []


def test_a_bomb_is_refused_by_what_it_says_of_itself(tmp_path: Path) -> None:
    bomb = zipped({**INDEX, "big": b"\0" * (archives.MAX_ARCHIVE_BYTES + 1)})
    assert len(bomb) < 100_000
    with pytest.raises(ArchiveRefused):
        unpack(bomb, tmp_path / "site")
    assert list(tmp_path.iterdir()) == []


def test_a_bomb_that_lies_is_refused_while_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = zipped({**INDEX, "big": b"\0" * 1_000_000})
    monkeypatch.setattr(archives, "MAX_ARCHIVE_BYTES", 500_000)
    monkeypatch.setattr(archives, "sum", lambda sizes: 0, raising=False)
    with pytest.raises(ArchiveRefused, match="too large"):
        unpack(bomb, tmp_path / "site")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no archive",
        zipped({"other.html": b""}),
        zipped({**INDEX, **{f"f{number}": b"" for number in range(1001)}}),
        zipped(INDEX)[:-10],
    ],
)
def test_what_is_no_archive_of_pages_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ArchiveRefused):
        unpack(content, tmp_path / "site")
    assert list(tmp_path.iterdir()) == []
