"""One-time tokens move between their statuses as the diagram says, and never become good again."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from gatehouse.storage.database import Database
from gatehouse.storage.errors import Refused
from gatehouse.storage.one_time_tokens import OneTimeToken, OneTimeTokens, TokenStatus
from gatehouse.storage.transaction import Transaction
from tests.storage.conftest import TENANT

DIAGRAM = Path(__file__).parents[2] / "docs" / "diagrams" / "one_time_token.mmd"
ADA = "ada@example.com"
STATUSES: tuple[TokenStatus, ...] = ("active", "consumed", "revoked", "expired")


def issued(tx: Transaction, status: TokenStatus) -> OneTimeToken:
    """A new token, brought to a status."""
    tokens = OneTimeTokens(tx, TENANT)
    made = tokens.issue(ADA, {}, tx.now + 1000)
    return made if status == "active" else tokens.set_status(made.id, status)


def _consume(tokens: OneTimeTokens, token: OneTimeToken) -> None:
    tokens.consume(token.token, ADA)


def _expire(tokens: OneTimeTokens, token: OneTimeToken) -> None:
    tokens.update(token.id, expires_at=tokens.tx.now)


def _set(status: TokenStatus) -> Callable[[OneTimeTokens, OneTimeToken], None]:
    return lambda tokens, token: tokens.set_status(token.id, status) and None


ACTIONS: list[tuple[str, Callable[[OneTimeTokens, OneTimeToken], None]]] = [
    ("consume", _consume),
    ("time", _expire),
    *(("set_status", _set(status)) for status in STATUSES),
]


async def test_the_statuses_move_as_the_diagram_says(db: Database) -> None:
    moved = {("[*]", "active", "issue")}

    def move(tx: Transaction) -> None:
        tokens = OneTimeTokens(tx, TENANT)
        for before in STATUSES:
            for name, act in ACTIONS:
                token = issued(tx, before)
                try:
                    act(tokens, token)
                except Refused:
                    continue
                after = tokens.show(token.id).status
                if after != before:
                    moved.add((before, after, name))

    await db.write(move)
    arrow = re.compile(r"^ +(\S+) --> (\S+) : (\S+)$", re.MULTILINE)
    assert moved == set(arrow.findall(DIAGRAM.read_text()))


@pytest.mark.parametrize("status", ["consumed", "revoked", "expired"])
async def test_a_token_that_has_ended_is_refused_by_name(db: Database, status: TokenStatus) -> None:
    def use(tx: Transaction) -> None:
        OneTimeTokens(tx, TENANT).consume(issued(tx, status).token, ADA)

    with pytest.raises(Refused) as refused:
        await db.write(use)
    assert refused.value.rule == f"token_{status}"


async def test_the_token_is_sealed_in_its_row(db: Database) -> None:
    def look(tx: Transaction) -> tuple[str, str]:
        made = issued(tx, "active")
        row = tx._connection.execute("SELECT token, token_digest FROM one_time_tokens").fetchone()
        return made.token, " ".join(map(str, row))

    token, stored = await db.write(look)
    assert token not in stored
