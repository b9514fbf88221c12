"""`/api/my-account/user-assets/avatar`: a picture of oneself."""

from __future__ import annotations

from gatehouse.http.call import Call
from gatehouse.http.logto.account.access import (
    account_operations,
    center_of,
    check_first_party,
    check_scope,
    person_of,
)
from gatehouse.http.logto.uploads import MAX_UPLOAD_BYTES, AssetUrl, keep_avatar

operations = account_operations()


@operations.post(
    "/api/my-account/user-assets/avatar",
    "UploadAccountAvatar",
    response=AssetUrl,
    statuses=(400, 429, 500),
    upload=True,
    max_body=MAX_UPLOAD_BYTES,
)
async def upload_avatar(call: Call) -> AssetUrl:
    """Upload a picture of oneself; its URL can then be set as the avatar."""
    check_scope(call, "profile")
    await check_first_party(call)
    (await center_of(call)).check_editable("avatar")
    return await keep_avatar(call, person_of(call).subject)
