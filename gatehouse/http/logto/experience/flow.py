"""The interaction itself: begin, change one's mind, say who one is, submit, look."""

from __future__ import annotations

from gatehouse.actors import sign_in
from gatehouse.actors.verification import view_of
from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.experience.access import experience_operations
from gatehouse.http.logto.experience.mfa import choices_view
from gatehouse.http.logto.experience.models import (
    CaptchaView,
    EventBody,
    IdentificationBody,
    InteractionView,
    StartBody,
    SubmitReply,
)
from gatehouse.http.visit import visit_of

operations = experience_operations()

SHOWN_OF_PROFILES = (
    "username",
    "primary_email",
    "primary_phone",
    "name",
    "avatar",
    "profile",
    "custom_data",
    "social_identity",
)
"""What the person's own browser may see of what it gave: no password and no token."""


@operations.put(
    "/api/experience",
    "InitInteraction",
    body=StartBody,
    status=204,
    statuses=(400, 422),
    hot=True,
)
async def start(call: Call[StartBody]) -> None:
    """Begin an interaction, forgetting what was collected before."""
    await sign_in.start_afresh(visit_of(call), call.body.event, call.body.captcha_token)


@operations.put(
    "/api/experience/interaction-event",
    "UpdateInteractionEvent",
    body=EventBody,
    status=204,
    statuses=(400, 403),
)
async def switch_event(call: Call[EventBody]) -> None:
    """Change from signing in to registering or back."""
    await sign_in.switch_event(visit_of(call), call.body.event)


@operations.post(
    "/api/experience/identification",
    "IdentifyUser",
    body=IdentificationBody,
    status=204,
    statuses=(201, 400, 401, 403, 404, 409, 422),
    hot=True,
)
async def identify(call: Call[IdentificationBody]) -> Reply | None:
    """Say who is signing in by a verification, or create the user who is registering."""
    created = await sign_in.identify(
        visit_of(call),
        call.body.verification_id,
        linking=bool(call.body.link_social_identity),
    )
    return Reply(201, "Created", content_type="text/plain; charset=utf-8") if created else None


@operations.post(
    "/api/experience/submit",
    "SubmitInteraction",
    response=SubmitReply,
    statuses=(400, 403, 404, 422),
    hot=True,
)
async def submit(call: Call) -> Reply | SubmitReply:
    """Finish: the browser goes on to where the answer says."""
    redirect_to = await sign_in.submit(visit_of(call))
    if redirect_to is None:
        return Reply(200, "OK", content_type="text/plain; charset=utf-8")
    return SubmitReply(redirect_to=redirect_to)


@operations.get("/api/experience/interaction", "GetInteraction", response=InteractionView)
async def interaction(call: Call) -> InteractionView:
    """What the interaction has collected so far."""
    state, event = await visit_of(call).started()
    profile = view_of(state.profile, SHOWN_OF_PROFILES)
    if state.profile.jit_organizations is not None:
        profile["jitOrganizationIds"] = list(state.profile.jit_organizations)
    vouched = any(record.vouched_for for record in state.records)
    view = InteractionView(
        interaction_event=event.value,
        profile=profile,
        verification_records=[record.view() for record in state.records],
        mfa=choices_view(state.mfa),
        captcha=CaptchaView(verified=state.captcha_passed and not vouched, skipped=vouched),
    )
    if state.user_id is not None:
        view.user_id = state.user_id
    return view
