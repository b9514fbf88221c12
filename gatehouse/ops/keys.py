"""Signing keys by command: list, publish the next, let it sign, delete an old one.

Workers read the keys again every five seconds, so none has to be told.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import trio

from gatehouse.actors.keyring import KeyStatus, SigningAlgorithm, generate_key
from gatehouse.ops import datadir
from gatehouse.ops.seed import stored_key
from gatehouse.ops.worker import TENANT
from gatehouse.storage import records
from gatehouse.storage.database import Database
from gatehouse.storage.records import SigningKey
from gatehouse.storage.tenants import SigningKeys

if TYPE_CHECKING:
    from gatehouse.ops.settings import Settings
    from gatehouse.storage.transaction import Transaction


async def list_keys(settings: Settings) -> list[SigningKey]:
    """Every key, newest first. Raises StorageError, as all of these do."""
    async with _database(settings) as db:
        return await db.read(lambda tx: SigningKeys(tx, TENANT).all())


async def prepare_key(settings: Settings, algorithm: str) -> str:
    """Publish a key that will sign later; its id."""
    new = await _generate(algorithm, KeyStatus.NEXT)
    async with _database(settings) as db:
        await db.write(_add, new)
    return new.kid


async def rotate_key(settings: Settings, algorithm: str) -> str:
    """Sign with the prepared key of the algorithm, or with a new one; its id."""
    new = await _generate(algorithm, KeyStatus.NEXT)
    async with _database(settings) as db:
        return await db.write(_rotate, new)


async def delete_key(settings: Settings, kid: str) -> None:
    """Delete a key that does not sign."""
    async with _database(settings) as db:
        await db.write(lambda tx: SigningKeys(tx, TENANT).delete(kid))


def _rotate(tx: Transaction, new: SigningKey) -> str:
    keys = SigningKeys(tx, TENANT)
    known = keys.all()
    prepared = [key for key in known if key.status == "next" and key.alg == new.alg]
    if prepared:
        new = prepared[-1]
    else:
        keys.create(new)
    changes: list[tuple[str, records.KeyStatus]] = [(new.kid, "current")]
    changes += [(key.kid, "previous") for key in known if key.status == "current"]
    keys.set_statuses(changes)
    return new.kid


def _add(tx: Transaction, key: SigningKey) -> None:
    SigningKeys(tx, TENANT).create(key)


async def _generate(algorithm: str, status: KeyStatus) -> SigningKey:
    # An RSA key takes a second of processor time.
    key = await trio.to_thread.run_sync(generate_key, SigningAlgorithm(algorithm), status)
    return stored_key(key, TENANT)


@asynccontextmanager
async def _database(settings: Settings) -> AsyncIterator[Database]:
    vault = datadir.vault(settings)
    async with Database.open(settings.database, vault=vault, pool_size=1) as db:
        yield db
