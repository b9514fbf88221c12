"""Unpacking a zip archive that somebody sent: within bounds, and nowhere but where it belongs.

Three things make archives dangerous: names that lead out of the directory, links, and contents
that weigh a thousand times what was sent. Names and kinds are checked before anything is written,
and the bytes are counted while they are written, because what an archive says of itself is not
to be believed. What was begun and refused is removed.
"""

from __future__ import annotations

import io
import re
import shutil
import stat
import zipfile
from pathlib import Path

MAX_FILES = 1000
MAX_ARCHIVE_BYTES = 32 * 1024 * 1024
"""What all files of an archive may weigh unpacked."""
MAX_DEPTH = 8
CHUNK = 64 * 1024
INDEX = "index.html"

_PART = re.compile(r"[A-Za-z0-9_@~+()\[\]][A-Za-z0-9 ._@~+()\[\]-]{0,127}|\.well-known")
"""A name of a file or a directory; hidden ones are left out on purpose."""


class ArchiveRefused(Exception):  # noqa: N818 - it reads as what happened
    """An archive that is not unpacked. The text is safe to show."""


def is_usable(path: str) -> bool:
    """Whether a path within an archive names a file that could have been unpacked from it."""
    parts = path.split("/")
    return len(parts) <= MAX_DEPTH and all(_PART.fullmatch(part) for part in parts)


def unpack(zipped: bytes, target: Path) -> None:
    """Unpack into a new directory, whole or not at all. Raises ArchiveRefused, OSError."""
    partial = target.with_name(f"{target.name}.part")
    try:
        with zipfile.ZipFile(io.BytesIO(zipped)) as archive:
            entries = _checked(archive)
            _extract(archive, entries, partial)
        partial.rename(target)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise ArchiveRefused("this is no zip archive that can be read") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _checked(archive: zipfile.ZipFile) -> list[tuple[zipfile.ZipInfo, Path]]:
    """The files of an archive and where they belong, relative to its top."""
    infos = archive.infolist()
    if len(infos) > MAX_FILES:
        raise ArchiveRefused(f"there are more than {MAX_FILES} files")
    if sum(info.file_size for info in infos) > MAX_ARCHIVE_BYTES:
        raise ArchiveRefused("the files are too large")
    found: dict[Path, zipfile.ZipInfo] = {}
    for info in infos:
        mode = info.external_attr >> 16
        if info.is_dir() or info.filename.startswith("__MACOSX/"):
            continue
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG) or info.flag_bits & 1:
            raise ArchiveRefused("there are links, or encrypted files")
        if not is_usable(info.filename):
            raise ArchiveRefused("a file has a name that cannot be used")
        path = Path(info.filename)
        if path in found:
            raise ArchiveRefused("a file is there twice")
        found[path] = info
    if Path(INDEX) not in found:
        raise ArchiveRefused(f"there is no {INDEX}")
    return [(info, path) for path, info in found.items()]


def _extract(
    archive: zipfile.ZipFile, entries: list[tuple[zipfile.ZipInfo, Path]], target: Path
) -> None:
    left = MAX_ARCHIVE_BYTES
    target.mkdir(mode=0o700, parents=True)
    for info, path in entries:
        file = target / path
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with archive.open(info) as source, file.open("xb") as sink:
            while chunk := source.read(CHUNK):
                left -= len(chunk)
                if left < 0:
                    raise ArchiveRefused("the files are too large")
                sink.write(chunk)
