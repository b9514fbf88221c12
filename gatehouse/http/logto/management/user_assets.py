"""`/api/user-assets` and the pages of one's own: files that operators upload."""

from __future__ import annotations

from typing import Any, Literal

from gatehouse.actors.archives import ArchiveRefused
from gatehouse.actors.assets import MAX_FILE_BYTES, TYPES, AssetStore, kind_of
from gatehouse.http.call import Call
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.errors import ApiError
from gatehouse.http.logto.uploads import MAX_UPLOAD_BYTES, AssetUrl, keep
from gatehouse.http.multipart import uploaded_file
from gatehouse.http.operation import Operations
from gatehouse.http.wire import Wire

operations = Operations(tags=("User assets",), access=MANAGEMENT, cors=CONSOLE_ONLY)

ZIP = frozenset({"application/zip", "application/x-zip-compressed"})


class ServiceStatus(Wire):
    """Whether files can be uploaded, and which. `maxUploadFileSize` is in bytes."""

    status: Literal["ready", "not_configured"]
    allow_upload_mime_types: list[str] | None = None
    max_upload_file_size: int | None = None
    is_experience_avatar_upload_enabled: bool = True


class UploadedSite(Wire):
    """The pages that were uploaded."""

    custom_ui_asset_id: str


@operations.get(
    "/api/user-assets/service-status", "GetUserAssetServiceStatus", response=ServiceStatus
)
async def get_service_status(call: Call) -> ServiceStatus:
    """Tell whether files can be uploaded."""
    if call.core.assets is None:
        return ServiceStatus(status="not_configured", is_experience_avatar_upload_enabled=True)
    return ServiceStatus(
        status="ready",
        allow_upload_mime_types=list(TYPES),
        max_upload_file_size=MAX_FILE_BYTES,
        is_experience_avatar_upload_enabled=True,
    )


@operations.post(
    "/api/user-assets",
    "CreateUserAsset",
    response=AssetUrl,
    statuses=(400, 500),
    upload=True,
    max_body=MAX_UPLOAD_BYTES,
)
async def upload_file(call: Call) -> AssetUrl:
    """Upload a picture, which everybody who knows its URL can see."""
    return await keep(call, frozenset(TYPES))


@operations.post(
    "/api/sign-in-exp/default/custom-ui-assets",
    "UploadCustomUiAssets",
    tags=("Sign-in experience",),
    response=UploadedSite,
    statuses=(400, 500),
    upload=True,
    max_body=MAX_UPLOAD_BYTES,
)
async def upload_site(call: Call) -> UploadedSite:
    """Upload pages of one's own as a zip archive with an `index.html`."""
    upload = uploaded_file(call)
    if len(upload.content) > MAX_FILE_BYTES:
        raise ApiError("guard.file_size_exceeded")
    if upload.content_type not in ZIP or kind_of(upload.content) is not None:
        raise ApiError("guard.mime_type_not_allowed")
    store = _store(call)
    try:
        return UploadedSite(custom_ui_asset_id=await store.put_site(upload.content))
    except (ArchiveRefused, OSError) as error:
        details = str(error) if isinstance(error, ArchiveRefused) else "it could not be stored"
        raise ApiError("storage.upload_error", data={"details": details}) from None


def _store(call: Call[Any, Any]) -> AssetStore:
    if call.core.assets is None:
        raise ApiError("storage.not_configured")
    return call.core.assets
