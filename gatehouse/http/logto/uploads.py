"""What every upload of a picture does alike, and serving the pictures.

A picture is served under a name that nobody can guess, as what it is, and so that a browser runs
nothing in it even if it is opened by itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from gatehouse.actors.assets import AVATARS, MAX_FILE_BYTES, TYPES, kind_of
from gatehouse.engine.sentinel import Quota
from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.dialect import API
from gatehouse.http.logto.errors import ApiError
from gatehouse.http.multipart import ENVELOPE_BYTES, uploaded_file
from gatehouse.http.operation import Operations
from gatehouse.http.wire import Wire

operations = Operations(tags=("User assets",))

PATH = "/user-assets"
MAX_UPLOAD_BYTES = MAX_FILE_BYTES + ENVELOPE_BYTES
"""A form with one file."""

MAX_AVATAR_BYTES = 512 * 1024
"""What a person's picture of themselves may weigh: it is shown in the size of a stamp."""
BY_SENDER = Quota(most=5, window=3_600_000)
"""Pictures of one sender within an hour."""
BY_ADDRESS = Quota(most=50, window=3_600_000)
"""Pictures from one address within an hour: many people may share it."""
BY_ALL = Quota(most=2000, window=24 * 3_600_000)
"""Pictures within a day, which bounds what strangers can fill the disk with to 1 GB."""

ASSETS = replace(API, name="assets", prefix=PATH, headers=())
"""The dialect of the pictures: other sites may show them, so its headers are their own."""

_SAME = {"image/vnd.microsoft.icon": "image/x-icon"}
_HEADERS = (
    ("cache-control", "public, max-age=31536000, immutable"),
    ("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox"),
    ("cross-origin-resource-policy", "cross-origin"),
    ("x-content-type-options", "nosniff"),
)


class AssetUrl(Wire):
    """Where a file is served."""

    url: str


async def keep(
    call: Call[Any, Any], kinds: Collection[str], most: int = MAX_FILE_BYTES
) -> AssetUrl:
    """Keep the picture that a form brings, if it is of one of these kinds, and of `most` bytes.

    Raises InvalidInput, ApiError. Sender and content must agree on what it is.
    """
    upload = uploaded_file(call)
    if len(upload.content) > most:
        raise ApiError("guard.file_size_exceeded")
    said = _SAME.get(upload.content_type, upload.content_type)
    if upload.content_type not in kinds or kind_of(upload.content) != said:
        raise ApiError("guard.mime_type_not_allowed")
    store = call.core.assets
    if store is None:
        raise ApiError("storage.not_configured")
    try:
        name = await store.put(upload.content, TYPES[upload.content_type])
    except OSError:
        raise ApiError("storage.upload_error") from None
    return AssetUrl(url=f"{call.core.public_url}{PATH}/{name}")


async def keep_avatar(call: Call[Any, Any], sender: str) -> AssetUrl:
    """Keep a picture that somebody sends of themselves. Raises as `keep` does.

    Pictures are never deleted, and anybody can begin to register: so there are limits to how many
    one sender, one address and all of them together may send.
    """
    limits = ((BY_SENDER, sender), (BY_ADDRESS, call.client_address), (BY_ALL, "all"))
    core = call.core
    for quota, whose in limits:
        name = f"avatar:{hashlib.sha256(whose.encode()).hexdigest()}"
        allowance = await core.engine.sentinel.admit(quota, core.tenant_id, "avatar-upload", name)
        if not allowance.allowed:
            raise ApiError("request.rate_limited")
    return await keep(call, AVATARS, MAX_AVATAR_BYTES)


@operations.get(f"{PATH}/{{name}}", "UserAsset", documented=False)
async def serve(call: Call) -> Reply:
    """Serve a picture."""
    store = call.core.assets
    asset = None if store is None else await store.get(call.path["name"])
    if asset is None:
        return Reply(404, "Not Found", content_type="text/plain; charset=utf-8")
    return Reply(200, asset.content, _HEADERS, content_type=asset.content_type)
