"""Addresses that could be read as two, and numbers that are none, get in nowhere."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.running import Server

TWO = "a@b.c,d@e.f"
NO_NUMBER = "491701234567,8"
REFUSED = "guard.invalid_input"


@pytest.mark.parametrize(
    ("operation_id", "body"),
    [
        ("CreateUser", {"primaryEmail": TWO}),
        ("CreateUser", {"primaryPhone": NO_NUMBER}),
        ("AddOneTimeTokens", {"email": TWO}),
        ("CreateVerificationCode", {"email": TWO}),
        ("CreateVerificationCode", {"phone": NO_NUMBER}),
        (
            "CreateOrganizationInvitation",
            {"invitee": TWO, "organizationId": "org", "expiresAt": 1, "messagePayload": False},
        ),
    ],
)
async def test_an_operator_cannot_enter_them(
    server: Server, operation_id: str, body: dict[str, Any]
) -> None:
    api = server.api(await server.management_token())
    assert (await api(operation_id, json=body, expect=400))["code"] == REFUSED
