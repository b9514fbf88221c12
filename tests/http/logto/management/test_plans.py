"""Lists, counts and exact searches stay fast however much there is, on both databases.

Every list of the Management API is asked for, while the database says what it does for each
statement. A statement may read few rows, whatever the tenant holds; or it may walk through more of
an index, as counting and far pages need, but never through the rows themselves.
"""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from gatehouse.http.logto.access import MANAGEMENT
from gatehouse.http.logto.management.paging import Page
from gatehouse.http.logto.skin import skins
from gatehouse.http.operation import Operation
from gatehouse.storage.database import Database, sqlite_path
from gatehouse.storage.sqlite import connect
from gatehouse.storage.statement import Params, Stmt
from gatehouse.storage.transaction import Transaction
from gatehouse.storage.vault import Vault
from tests.http.contract import Api
from tests.http.logto.management import crowd
from tests.http.logto.management.plan_cases import ASKED, HANDFUL, LISTS_BESIDES, Ask
from tests.http.running import run_server

FEW = 700
"""Rows that a statement may look at: more than a page needs, far fewer than a table has."""
STEPS = 30_000
"""What SQLite's machine takes to do that, in instructions."""
STEPS_BY_INDEX = 20 * crowd.USERS
"""What it takes to walk through the index of the largest table."""
STEP = 100
CHOOSY = " ".join(
    f"-c enable_{way}=off" for way in ("seqscan", "bitmapscan", "hashjoin", "mergejoin")
)
"""PostgreSQL reads and sorts tables whole where they are as small as a test's. Is there a way by
an index, it takes that then."""


@dataclass
class Witness:
    """What the statements of one request did."""

    complaints: list[str] = field(default_factory=list)

    def watch(self, tx: Transaction, statement: Stmt, params: Params) -> None:
        """Let the database explain a statement that is about to be executed."""
        if statement.writes:
            return
        sql, bound = statement.bind(tx.dialect, params)
        see = self._sqlite if tx.dialect == "sqlite" else self._postgresql
        looked_at, plan = see(tx._connection, sql, bound)
        if looked_at:
            self.complaints.append(f"{looked_at}\n{plan}\n{sql}")

    def _sqlite(self, connection: Any, sql: str, bound: Params) -> tuple[str, str]:
        calls: list[None] = []  # of this statement: others run in threads beside it
        connection.set_progress_handler(lambda: calls.append(None), STEP)
        connection.execute(sql, bound).fetchall()
        connection.set_progress_handler(None, 0)
        steps = STEP * len(calls)
        rows = connection.execute(f"EXPLAIN QUERY PLAN {sql}", bound).fetchall()
        plan = "\n".join(row[-1] for row in rows)
        by_index = "COVERING INDEX" in plan
        enough = STEPS_BY_INDEX if by_index else STEPS
        return (f"{steps} steps" if steps > enough else ""), plan

    def _postgresql(self, connection: Any, sql: str, bound: Params) -> tuple[str, str]:
        rows = connection.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", bound).fetchall()
        scans = [node for node in _nodes(rows[0][0][0]["Plan"]) if "Scan" in node["Node Type"]]
        far = [node for node in scans if _looked_at(node) > FEW]
        plan = "\n".join(
            f"{node['Node Type']} on {node.get('Relation Name', '')}"
            f" by {node.get('Index Name', '')}: {_looked_at(node)}"
            for node in far
        )
        worst = [node for node in far if node["Node Type"] != "Index Only Scan"]
        return ("too many rows" if worst else ""), plan


def _nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for one in plan.get("Plans", ()):
        yield from _nodes(one)


def _looked_at(node: Mapping[str, Any]) -> float:
    names = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
    return float(sum(node.get(name, 0) for name in names) * node["Actual Loops"])


@contextmanager
def watching(monkeypatch: pytest.MonkeyPatch) -> Iterator[Witness]:
    """Watch every statement of the block."""
    witness, execute = Witness(), Transaction._execute

    def watched(tx: Transaction, statement: Stmt, params: Params) -> Any:
        witness.watch(tx, statement, params)
        return execute(tx, statement, params)

    with monkeypatch.context() as patch:
        patch.setattr(Transaction, "_execute", watched)
        yield witness


def lists() -> set[str]:
    """The operations of the Management API that list or count."""
    found = {
        one.operation_id
        for _, operations in skins()
        for one in operations
        if one.access is MANAGEMENT and one.method == "GET" and _is_list(one)
    }
    return found | LISTS_BESIDES


def _is_list(operation: Operation) -> bool:
    paged = isinstance(operation.query, type) and issubclass(operation.query, Page)
    whole = typing.get_origin(operation.response) is list
    return paged or whole or operation.path.startswith("/api/dashboard")


def test_every_list_is_asked_for() -> None:
    assert {ask.operation for ask in ASKED} | HANDFUL == lists()


async def _settle(url: str, *, statistics: bool) -> None:
    """Leave the database as time would: PostgreSQL's autovacuum is off in tests."""
    if url.startswith("postgresql"):
        with psycopg.connect(url, autocommit=True) as server:
            server.execute("VACUUM ANALYZE")
    elif statistics:
        path = sqlite_path(url)
        assert path is not None
        connection = connect(path)
        connection.execute("ANALYZE")
        connection.close()


@pytest.mark.parametrize(
    ("database_url", "statistics"),
    [("sqlite", False), ("sqlite", True), ("postgres", True)],
    indirect=["database_url"],
)
async def test_no_list_reads_a_table(
    database_url: str, redis_url: str, statistics: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Database.open(database_url, vault=Vault({"k1": b"v" * 32})) as db:
        await db.write(crowd.fill)
    await _settle(database_url, statistics=statistics)
    if database_url.startswith("postgresql"):
        database_url += f"&options={quote(CHOOSY)}"
    async with run_server(database_url, redis_url) as server:
        api = server.api(await server.management_token())
        complaints = [one for ask in ASKED for one in await _complaints(api, ask, monkeypatch)]
    assert not complaints, "\n\n".join([f"{len(complaints)} complaints", *complaints])


async def _complaints(api: Api, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> Sequence[str]:
    found = []
    for query in ask.queries:
        with watching(monkeypatch) as witness:
            answer = await api.send(ask.operation, json=None, headers=None, query=query, **ask.path)
        refused = [] if answer.status_code == 200 else [answer.text]
        found += [f"{ask.operation}?{query}: {one}" for one in (*refused, *witness.complaints)]
    return found
