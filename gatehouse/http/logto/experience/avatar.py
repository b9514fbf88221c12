"""The picture of somebody who is registering."""

from __future__ import annotations

from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.verification import Event
from gatehouse.http.call import Call
from gatehouse.http.logto.experience.access import experience_operations
from gatehouse.http.logto.uploads import MAX_UPLOAD_BYTES, AssetUrl, keep_avatar
from gatehouse.http.visit import visit_of

operations = experience_operations()


@operations.post(
    "/api/experience/user-assets/avatar",
    "UploadExperienceAvatar",
    response=AssetUrl,
    statuses=(400, 403, 404, 429, 500),
    upload=True,
    max_body=MAX_UPLOAD_BYTES,
)
async def upload_avatar(call: Call) -> AssetUrl:
    """Upload a picture of oneself while registering."""
    visit = visit_of(call)
    _, event = await visit.started()
    if event is Event.FORGOT_PASSWORD:
        raise Refused(Reason.NOT_FOR_FORGOT_PASSWORD)
    if event is not Event.REGISTER:
        raise Refused(Reason.WRONG_EVENT)
    return await keep_avatar(call, visit.uid)
