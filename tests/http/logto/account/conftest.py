"""A server whose account centre is open, and somebody with an account."""

from __future__ import annotations

import pytest

from tests.http.logto.account.people import Person, add_user, open_account_centre, person
from tests.http.running import Server


@pytest.fixture
async def ada(server: Server) -> Person:
    """Somebody who may change everything, in an application that has every scope."""
    await open_account_centre(server)
    user = await add_user(
        server,
        "ada",
        name="Ada",
        primary_email="ada@example.com",
        primary_phone="4915112345",
        profile={"familyName": "Example", "address": {"locality": "London"}},
        custom_data={"shoe": 43},
    )
    return await person(server, user)
