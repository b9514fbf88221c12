"""The Account API and its schema are one, for somebody who may do everything there."""

from __future__ import annotations

from functools import partial

import pytest
import trio

from gatehouse.storage.tenants import SignInExperiences
from tests.http.logto.account.people import Person
from tests.http.logto.test_schema import FEW, MANY, operations_of, send
from tests.http.running import TENANT, Server

DOCUMENT = "/api/.well-known/user.openapi.json"


async def fuzz(server: Server, ada: Person, examples: int) -> list[str]:
    """Send requests to every operation as somebody who has shown who they are."""
    mfa = {"factors": ["Totp", "WebAuthn", "BackupCode"], "policy": "NoPrompt"}
    await server.core.db.write(lambda tx: SignInExperiences(tx, TENANT).change(mfa=mfa))
    document = (await server.client.get(DOCUMENT)).json()
    headers = await ada.verified()
    wrong: list[str] = []
    for operation in operations_of(document):
        work = partial(send, operation, server.url, ada.access_token, examples, headers)
        wrong += await trio.to_thread.run_sync(work)
    return wrong


async def test_answers_are_what_the_schema_says(server: Server, ada: Person) -> None:
    wrong = await fuzz(server, ada, FEW)
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.slow
async def test_many_answers_are_what_the_schema_says(server: Server, ada: Person) -> None:
    wrong = await fuzz(server, ada, MANY)
    assert not wrong, "\n\n".join(wrong)
