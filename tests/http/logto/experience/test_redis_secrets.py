"""What Redis is told: nothing by which somebody who reads it could sign in as somebody else."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
import trio

from tests.http.logto.experience.factors import bind, code, factors_of, identified, mfa
from tests.http.logto.experience.house import PASSWORD, House, open_house
from tests.http.logto.experience.proving import ADA, give, given, send


@asynccontextmanager
async def listening(url: str) -> AsyncIterator[list[str]]:
    """Every command that a Redis is sent in the block, as the Redis itself reports them."""
    stream = await trio.open_unix_socket(urlsplit(url).path)
    heard: list[str] = []
    async with stream, trio.open_nursery() as nursery:
        await stream.send_all(b"MONITOR\r\n")
        assert (await stream.receive_some()).startswith(b"+OK")

        async def listen() -> None:
            while chunk := await stream.receive_some():
                heard.append(chunk.decode())

        nursery.start_soon(listen)
        yield heard
        nursery.cancel_scope.cancel()


@pytest.fixture
async def heard_house(
    request: pytest.FixtureRequest, database_url: str
) -> AsyncIterator[tuple[House, list[str]]]:
    """A server, and what its Redis hears: one server, so that it hears everything."""
    url = request.getfixturevalue("standalone_url")
    async with open_house(url, database_url, 1) as house, listening(url) as heard:
        yield house, heard


def told(heard: list[str], secret: str) -> bool:
    """Whether a secret was among it, and not by chance within a longer number."""
    return re.search(rf"(?<!\d){re.escape(secret)}(?!\d)", "".join(heard)) is not None


async def test_factors_that_are_being_set_up_are_sealed(
    heard_house: tuple[House, list[str]],
) -> None:
    house, heard = heard_house
    user = await house.add_user("ada")
    await house.settle(**mfa("Totp", "BackupCode"))
    browser = await identified(house)
    totp = await browser("CreateTotpSecret")
    first = {"code": code(house, totp["secret"]), "verificationId": totp["verificationId"]}
    await browser("VerifyTotpVerification", json=first)
    await bind(browser, "Totp", totp["verificationId"])
    backup = await browser("GenerateBackupCodes")
    await bind(browser, "BackupCode", backup["verificationId"])
    await browser.submit()
    stored = await factors_of(house, user.id)
    assert stored[0].secret == totp["secret"]
    assert [one.code for one in stored[1].codes] == backup["codes"]
    assert browser.uid in "".join(heard)
    for secret in (totp["secret"], *backup["codes"], PASSWORD):
        assert not told(heard, secret)


async def test_codes_on_their_way_to_people_are_sealed(
    heard_house: tuple[House, list[str]],
) -> None:
    house, heard = heard_house
    await house.add_user("ada", primary_email=ADA["value"])
    browser = await (await house.browser()).start()
    verification_id = await send(browser)
    sent = await house.code(ADA["value"])
    await give(browser, given(verification_id, sent))
    assert ADA["value"] in "".join(heard)
    assert not told(heard, sent)
