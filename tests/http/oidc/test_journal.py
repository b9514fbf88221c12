"""The audit log of the provider: every attempt under Logto's keys, and no secret in it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import trio

from gatehouse.actors import collector
from gatehouse.actors.collector import Collector
from gatehouse.storage.audit import AuditLogs
from gatehouse.storage.errors import Unavailable
from tests.http.oidc.house import API, SECRET, TENANT, Client, Node, sign_in, tokens


async def logged(node: Node) -> list[dict[str, Any]]:
    """What is in the log once all that was noted is stored."""
    async with trio.open_nursery() as nursery:
        await nursery.start(node.core.journal.run)
        nursery.cancel_scope.cancel()
    page = await node.core.db.read(lambda tx: AuditLogs(tx, TENANT).search(100))
    return [entry.payload for entry in page.items]


async def test_a_sign_in_and_its_tokens_are_in_the_log(spa: Client, node: Node) -> None:
    body = await tokens(spa)
    body = (await spa.refresh(body["refresh_token"], scope="openid email")).json()
    await spa.revoke(body["refresh_token"])

    entries = await logged(node)
    ada = node.users["ada"]
    begun = [one for one in entries if "prompt" in one]
    assert {(one["key"], one["prompt"]["name"], one.get("userId")) for one in begun} == {
        ("Interaction.Create", "login", None),
        ("Interaction.End", "login", ada),
        ("Interaction.Create", "consent", ada),
        ("Interaction.End", "consent", None),
    }
    later = {one["key"]: one for one in entries if one not in begun}
    redeemed = later.pop("ExchangeTokenBy.AuthorizationCode")
    refreshed = later.pop("ExchangeTokenBy.RefreshToken")
    revoked = later.pop("RevokeToken")
    assert not later
    assert redeemed["tokenTypes"] == ["AccessToken", "RefreshToken", "IdToken"]
    assert (refreshed["scope"], refreshed["params"]["scope"]) == ("openid email", "openid email")
    assert revoked["tokenTypes"] == ["RefreshToken"]
    assert {one["userId"] for one in (redeemed, refreshed, revoked)} == {ada}
    for name, value in (("applicationId", "spa"), ("result", "Success"), ("ip", "203.0.113.9")):
        assert {entry[name] for entry in entries} == {value}


async def test_what_was_refused_is_in_the_log(
    spa: Client, web: Client, machine: Client, node: Node
) -> None:
    code = (await sign_in(spa))["code"]
    await spa.redeem(code, code_verifier="v" * 43)
    await web.token(grant_type="refresh_token", refresh_token="x" * 43)
    await machine.token(grant_type="client_credentials", resource="https://nowhere.example")
    await machine.token(grant_type="client_credentials", client_secret="wrong")
    await machine.token(grant_type="password")
    await machine.token(grant_type="client_credentials", resource=API, scope="read")
    await node.client().post("/oidc/token", data={"grant_type": "password", "client_id": "nobody"})

    entries = [one for one in await logged(node) if not one["key"].startswith("Interaction")]
    assert sorted(
        (one["key"].partition(".")[2], one["applicationId"], one.get("error", {}).get("code", ""))
        for one in entries
    ) == [
        ("AuthorizationCode", "spa", "oidc.invalid_grant"),
        ("ClientCredentials", "machine", ""),
        ("ClientCredentials", "machine", "oidc.invalid_client"),
        ("ClientCredentials", "machine", "oidc.invalid_target"),
        ("RefreshToken", "web", "oidc.invalid_grant"),
        ("Unknown", "machine", "oidc.unsupported_grant_type"),
    ]


async def test_the_log_holds_no_token_and_no_secret(web: Client, node: Node) -> None:
    code = (await sign_in(web))["code"]
    body = (await web.redeem(code)).json()
    again = (await web.refresh(body["refresh_token"])).json()
    await web.redeem(code)
    text = json.dumps(await logged(node))
    given = [one[name] for one in (body, again) for name in ("access_token", "refresh_token")]
    for secret in (code, SECRET, web.verifier, body["id_token"], *given):
        assert secret not in text


async def test_a_note_that_cannot_be_stored_holds_up_no_other() -> None:
    kept: list[int] = []

    class Particular:
        """A database that does not take everything."""

        async def write(self, unit: Any, batch: list[int]) -> None:
            if 2 in batch:
                raise ValueError(batch)
            kept.extend(batch)

    database: Any = Particular()
    notes: Collector[int] = Collector(database, lambda tx, batch: None, 9)
    for number in range(5):
        notes.note(number)
    async with trio.open_nursery() as nursery:
        await nursery.start(notes.run)
        nursery.cancel_scope.cancel()
    assert kept == [0, 1, 3, 4]


async def test_what_waits_while_the_database_is_away_is_bounded(
    caplog: pytest.LogCaptureFixture, autojump_clock: trio.testing.MockClock
) -> None:
    kept: list[int] = []

    class Sometimes:
        """A database that is away at first."""

        away = True

        async def write(self, unit: Any, batch: list[int]) -> None:
            if self.away:
                raise Unavailable("away", 1.0)
            kept.extend(batch)

    database: Any = Sometimes()
    notes: Collector[int] = Collector(database, lambda tx, batch: None, 3)
    async with trio.open_nursery() as nursery:
        await nursery.start(notes.run)
        assert [notes.note(number) for number in range(5)] == [True] * 3 + [False] * 2
        await trio.sleep(3 * collector.PAUSE_S)
        assert kept == []
        database.away = False
        await trio.sleep(3 * collector.PAUSE_S)
        assert kept == [0, 1, 2]
        assert "2 notes were lost" in caplog.text
        assert notes.note(5)
        nursery.cancel_scope.cancel()
    assert kept == [0, 1, 2, 5]
