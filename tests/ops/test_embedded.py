"""The private Valkey: private, durable, replaced when it dies, and never in the way."""

from __future__ import annotations

import os
import signal
import stat
from pathlib import Path

import pytest
import redis
import trio

from gatehouse.ops import embedded
from gatehouse.ops.datadir import DataDirError, sole_owner
from gatehouse.ops.embedded import private_valkey, running_valkey, socket_path


def client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def process_id(url: str) -> int:
    return int(client(url).info("server")["process_id"])


async def test_it_is_for_its_owner_alone(tmp_path: Path) -> None:
    async with private_valkey(tmp_path) as url:
        assert mode_of(socket_path(tmp_path / "valkey")) & 0o077 == 0
        assert mode_of(tmp_path / "valkey") == 0o700
        settings = client(url).config_get("port", "appendonly", "maxmemory-policy")
        assert settings == {"port": "0", "appendonly": "yes", "maxmemory-policy": "noeviction"}
    assert running_valkey(tmp_path) is None


async def test_its_data_survives(tmp_path: Path) -> None:
    async with private_valkey(tmp_path) as url:
        client(url).set("a", "kept")
    async with private_valkey(tmp_path) as url:
        assert client(url).get("a") == b"kept"


async def test_one_that_was_left_behind_gives_way_with_its_data(tmp_path: Path) -> None:
    async with private_valkey(tmp_path) as url:
        client(url).set("a", "kept")
        left_behind = process_id(url)
        async with private_valkey(tmp_path) as other:
            assert process_id(other) != left_behind
            assert client(other).get("a") == b"kept"


async def test_one_that_dies_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "RESTART_SECONDS", 0.0)
    async with private_valkey(tmp_path) as url:
        died = process_id(url)
        os.kill(died, signal.SIGKILL)
        with trio.fail_after(30):
            while running_valkey(tmp_path) is None or process_id(url) == died:  # noqa: ASYNC110
                await trio.sleep(0.01)


async def test_one_that_is_being_started_again_is_stopped_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "RESTART_SECONDS", 0.0)
    async with private_valkey(tmp_path) as url:
        os.kill(process_id(url), signal.SIGKILL)
        # Leave as soon as the next one answers, which is before it is known to be there.
        with trio.fail_after(30):
            while running_valkey(tmp_path) is None:
                await trio.lowlevel.checkpoint()
    assert running_valkey(tmp_path) is None


def test_a_long_path_gets_a_short_socket(tmp_path: Path) -> None:
    directory = tmp_path / ("d" * 100)
    path = socket_path(directory)
    assert len(os.fsencode(path)) <= embedded.MAX_SOCKET_PATH
    assert socket_path(directory) == path
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path.parent.rmdir()


def test_a_lock_is_held_and_let_go(tmp_path: Path) -> None:
    with (
        sole_owner(tmp_path),
        pytest.raises(DataDirError, match=str(os.getpid())),
        sole_owner(tmp_path),
    ):
        pass
    with sole_owner(tmp_path):
        pass
