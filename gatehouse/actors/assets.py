"""Files that people and operators upload, and where they are kept.

An `AssetStore` keeps files under names that this server makes, so nothing a sender says becomes
part of a path. What a file is, its content says, and not its sender. The one store there is keeps
them in the data directory; nodes that are to serve each other's files share it.
"""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import trio

from gatehouse.actors.archives import is_usable, unpack

MAX_FILE_BYTES = 8 * 1024 * 1024
"""What one file may weigh."""

TYPES: dict[str, str] = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/bmp": "bmp",
    "image/tiff": "tiff",
    "image/x-icon": "ico",
    "image/vnd.microsoft.icon": "ico",
    "image/svg+xml": "svg",
}
"""Kinds of files that operators upload, and their extensions."""

AVATARS = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp", "image/bmp"})
"""Kinds of files that people upload as pictures of themselves: none that holds a script."""

_NAME = re.compile(r"[0-9a-f]{32}\.[a-z]{3,4}")
_SITE = re.compile(r"[0-9a-f]{16}")
_SITE_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".map": "application/json; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".ico": "image/x-icon",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".ttf": "font/ttf",
    ".otf": "font/otf",
    ".wasm": "application/wasm",
}
"""What the files of pages are served as; anything else is a download."""
_SERVED_AS = {"svg": "image/svg+xml", **{ext: kind for kind, ext in reversed(TYPES.items())}}
_SIGNATURES: tuple[tuple[str, re.Pattern[bytes]], ...] = (
    ("image/jpeg", re.compile(rb"\xff\xd8\xff")),
    ("image/png", re.compile(rb"\x89PNG\r\n\x1a\n")),
    ("image/gif", re.compile(rb"GIF8[79]a")),
    ("image/webp", re.compile(rb"RIFF....WEBP", re.DOTALL)),
    ("image/bmp", re.compile(rb"BM.{4}\x00{4}", re.DOTALL)),
    ("image/tiff", re.compile(rb"II\*\x00|MM\x00\*")),
    ("image/x-icon", re.compile(rb"\x00\x00\x01\x00")),
    ("image/svg+xml", re.compile(rb"(?:\xef\xbb\xbf)?\s{0,64}<(?:svg|\?xml)[\s>?]")),
)


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is served."""

    content_type: str
    content: bytes


class AssetStore(Protocol):
    """Where files are kept. What goes wrong is an `OSError`."""

    async def put(self, content: bytes, extension: str) -> str:
        """Keep a file; returns its name, which nobody can guess."""
        ...

    async def get(self, name: str) -> Asset | None:
        """The file of a name, if there is one."""
        ...

    async def put_site(self, zipped: bytes) -> str:
        """Keep the files of a zip archive; returns an id. Raises `ArchiveRefused`."""
        ...

    async def site_file(self, site_id: str, path: str) -> Asset | None:
        """A file of such an archive, if there is one."""
        ...


class LocalAssets:
    """Files in a directory of this machine."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def put(self, content: bytes, extension: str) -> str:
        """Keep a file; returns its name."""
        name = f"{secrets.token_hex(16)}.{extension}"
        if not _NAME.fullmatch(name):
            raise ValueError("not an extension")
        await trio.to_thread.run_sync(_write, self._path(name), content)
        return name

    async def get(self, name: str) -> Asset | None:
        """The file of a name, if there is one."""
        if not _NAME.fullmatch(name):
            return None
        kind = _SERVED_AS.get(name.partition(".")[2])
        if kind is None:
            return None
        try:
            content = await trio.to_thread.run_sync(self._path(name).read_bytes)
        except FileNotFoundError:
            return None
        return Asset(kind, content)

    async def put_site(self, zipped: bytes) -> str:
        """Keep the files of a zip archive; returns an id. Raises `ArchiveRefused`."""
        site_id = secrets.token_hex(8)
        await trio.to_thread.run_sync(unpack, zipped, self._root / "sites" / site_id)
        return site_id

    async def site_file(self, site_id: str, path: str) -> Asset | None:
        """A file of such an archive, if there is one."""
        if not _SITE.fullmatch(site_id) or not is_usable(path):
            return None
        file = self._root / "sites" / site_id / path
        try:
            content = await trio.to_thread.run_sync(file.read_bytes)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            return None
        return Asset(_SITE_TYPES.get(file.suffix.lower(), "application/octet-stream"), content)

    def _path(self, name: str) -> Path:
        return self._root / "files" / name[:2] / name


def kind_of(content: bytes) -> str | None:
    """What a file is by its content (a media type, RFC 6838), if it is of a known kind."""
    for kind, signature in _SIGNATURES:
        if signature.match(content[:512]):
            if kind == "image/svg+xml" and b"<svg" not in content[:1024]:
                return None
            return kind
    return None


def _write(path: Path, content: bytes) -> None:
    """Write a file as a whole or not at all, for its owner alone."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = path.with_suffix(f".{secrets.token_hex(4)}.part")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
