"""Made-up events, for operators who want to see what their receiver does with one."""

from __future__ import annotations

from typing import Any

from gatehouse.actors.shown import USER_FIELDS, shown
from gatehouse.actors.webhook_payloads import APPLICATION_FIELDS, iso_time
from gatehouse.actors.webhooks import INTERACTION_EVENTS
from gatehouse.storage.records import Application, User

USER = User(
    id="sampleuser01",
    username="sample_user",
    primary_email="sample@example.com",
    primary_phone="15550100",
    name="Sample User",
    avatar="https://example.com/avatar.png",
    custom_data={"favourite": "blue"},
    identities={"github": {"userId": "sample-at-github"}},
    application_id="sampleapplication0001",
)
APPLICATION = Application(
    id="sampleapplication0001", name="Sample application", type="SPA", description="An example"
)
_EVENTS = {hook_event: event for event, hook_event in INTERACTION_EVENTS.items()}


def sample_payload(hook_id: str, event: str, now: int) -> dict[str, Any]:
    """An example of what a webhook is told of such an event."""
    payload: dict[str, Any] = {
        "hookId": hook_id,
        "event": event,
        "createdAt": iso_time(now),
        "userAgent": "Sample/1.0",
    }
    if event.startswith("Post"):
        user = {**shown(USER, USER_FIELDS), "createdAt": now, "updatedAt": now}
        return payload | {
            "interactionEvent": _EVENTS.get(event, "SignIn"),
            "sessionId": "sample-session",
            "userId": USER.id,
            "userIp": "192.0.2.1",
            "user": {**user, "lastSignInAt": now},
            "application": shown(APPLICATION, APPLICATION_FIELDS),
        }
    return payload | {
        "ip": "192.0.2.1",
        "path": "/api/samples/sample",
        "method": "POST",
        "status": 200,
        "params": {"id": "sample"},
        "data": {"id": "sample"},
    }
