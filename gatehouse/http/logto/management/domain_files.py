"""`/api/domains/{id}/verification-files`: small files by which others see whose a domain is.

They are served under that domain alone, on paths that nothing else of this server has.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.management.store import read, write
from gatehouse.http.operation import Operations
from gatehouse.http.wire import View, Wire

if TYPE_CHECKING:
    from gatehouse.actors.core import Core

operations = Operations(tags=("Domains",), access=MANAGEMENT, cors=CONSOLE_ONLY)

PATH = "/api/domains/{id}/verification-files"
MAX_FILES = 10

_FILE = r"/[\w-][\w.-]*\.[\w-][\w.-]*|/\.well-known(?:/[\w-][\w.-]*)+"
"""A file with an extension at the top, or anything below `.well-known` (RFC 8615)."""
_HEADERS = (
    ("cache-control", "no-store"),
    ("content-security-policy", "default-src 'none'; sandbox"),
    ("x-content-type-options", "nosniff"),
)


class VerificationFile(Wire):
    """A file."""

    path: Annotated[str, Field(pattern=rf"^(?:{_FILE})$", max_length=256)]
    content: Annotated[str, Field(min_length=1, max_length=16 * 1024)]
    content_type: Literal["text/plain", "application/json"]

    @model_validator(mode="after")
    def _is_json(self) -> VerificationFile:
        if self.content_type == "application/json":
            try:
                json.loads(self.content)
            except (ValueError, RecursionError):
                raise PydanticCustomError("custom", "The content is not JSON.") from None
        return self


class NewFiles(Wire):
    """The files of a domain."""

    verification_files: Annotated[list[VerificationFile], Field(max_length=MAX_FILES)]

    @model_validator(mode="after")
    def _are_different(self) -> NewFiles:
        if len({file.path for file in self.verification_files}) < len(self.verification_files):
            raise PydanticCustomError("custom", "A path is named twice.")
        return self


class FileView(View):
    """A file as it is shown."""

    path: str
    content: str
    content_type: str


@operations.get(PATH, "ListDomainVerificationFiles", response=list[FileView], statuses=(404,))
async def list_files(call: Call) -> Reply:
    """List the files of a domain."""
    domain = await read(call, lambda store: store.domains.get(call.path["id"]))
    return Reply(200, _shown(domain.verification_files))


@operations.put(
    PATH,
    "ReplaceDomainVerificationFiles",
    body=NewFiles,
    response=list[FileView],
    statuses=(400, 404),
    max_body=MAX_FILES * 128 * 1024,
)
async def replace_files(call: Call[NewFiles]) -> Reply:
    """Set the files of a domain."""
    files = [file.as_json() for file in call.body.verification_files]
    domain = await write(
        call, lambda store: store.domains.update(call.path["id"], verification_files=files)
    )
    return Reply(200, _shown(domain.verification_files))


async def verification_file(core: Core, host: str, path: str) -> Reply | None:
    """The file that a domain has under a path, if it has one."""
    if not re.fullmatch(_FILE, path):
        return None
    files = await core.directory.verification_files()
    found = files.get((host.partition(":")[0].lower(), path))
    if found is None:
        return None
    return Reply(200, found["content"], _HEADERS, content_type=found["contentType"])


def _shown(files: Sequence[dict[str, str]]) -> list[FileView]:
    return [
        FileView(path=file["path"], content=file["content"], content_type=file["contentType"])
        for file in files
    ]
