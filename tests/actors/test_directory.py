"""What is remembered is never older than the last change, and never without bound."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trio

from gatehouse.actors.directory import MAX_ANSWERS, MAX_KEY_LENGTH, Directory
from gatehouse.storage.applications import Applications
from gatehouse.storage.database import Database
from gatehouse.storage.users import Users
from tests.http.oidc.house import API, DATABASE, TENANT, Clock, House, Node, furnish


@pytest.fixture
async def node(tmp_path: Path, redis_url: str) -> AsyncIterator[Node]:
    users = await trio.to_thread.run_sync(furnish, tmp_path)
    house = House(f"sqlite:///{tmp_path / DATABASE}", redis_url, Clock(), users)
    async with house.node() as node:
        with trio.fail_after(5):  # subscribing forgets everything once
            while node.core.directory._generation == 0:  # noqa: ASYNC110
                await trio.sleep(0.001)
        yield node


class Counting:
    """The database, counting how often it is asked."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.reads = 0

    async def read(self, *args: Any, **kwargs: Any) -> Any:
        self.reads += 1
        return await self.db.read(*args, **kwargs)


def counted(node: Node) -> tuple[Directory, Counting]:
    directory = node.core.directory
    counting = Counting(node.core.db)
    directory._db = counting  # type: ignore[assignment]
    directory.forget()
    return directory, counting


async def test_an_answer_is_read_once(node: Node):
    directory, counting = counted(node)
    for _ in range(3):
        assert await directory.client("spa") is not None
        assert await directory.client("nobody") is None
        assert await directory.resource(API) is not None
        assert await directory.client_scopes("machine", API) == {"read", "write"}
    assert counting.reads == 4


async def test_an_answer_is_read_again_after_a_while(node: Node):
    directory, counting = counted(node)
    await directory.client("spa")
    directory._answers = {key: (0.0, value) for key, (_, value) in directory._answers.items()}
    await directory.client("spa")
    assert counting.reads == 2


async def test_a_change_is_seen_as_soon_as_it_is_written(node: Node):
    directory, _ = counted(node)
    assert await directory.client("spa") is not None
    await node.change(lambda tx: Applications(tx, TENANT).update("spa", name="Renamed"))
    client = await directory.client("spa")
    assert client is not None
    assert client.name == "Renamed"


async def test_an_answer_that_a_change_overtook_is_not_kept(node: Node):
    directory, counting = counted(node)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(directory.client, "spa")
        while counting.reads == 0:
            await trio.lowlevel.checkpoint()
        directory.forget()
    await directory.client("spa")
    assert counting.reads == 2


async def test_changes_of_users_forget_nothing(node: Node):
    directory, counting = counted(node)
    await directory.client("spa")
    await node.change(lambda tx: Users(tx, TENANT).update(node.users["ada"], name="A. Lovelace"))
    await directory.client("spa")
    assert counting.reads == 1


async def test_what_is_remembered_is_bounded(node: Node):
    directory, counting = counted(node)
    for _ in range(2):
        await directory.client("x" * MAX_KEY_LENGTH)
    assert counting.reads == 2
    directory._answers = {("filler", str(n)): (0.0, None) for n in range(MAX_ANSWERS)}
    await directory.client("spa")
    assert len(directory._answers) == 1


async def test_keys_are_parsed_once(node: Node):
    directory, _ = counted(node)
    first = await directory.keyring()
    directory.forget()
    assert await directory.keyring() is first
