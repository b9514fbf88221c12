"""Keys by command: list those that sign, publish the next, let it sign, delete an old one, and seal
secrets anew.

The rules about signing keys are `gatehouse.actors.key_rotation`'s, the same as for the Management
API. Workers read the keys again every five seconds, so none has to be told.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Final

import trio

from gatehouse.actors import key_rotation
from gatehouse.actors.core import wall_clock
from gatehouse.actors.key_rotation import RotationRefused
from gatehouse.actors.keyring import KeyStatus, SigningAlgorithm, generate_key
from gatehouse.ops import datadir
from gatehouse.ops.seed import stored_key
from gatehouse.ops.worker import TENANT
from gatehouse.storage import rotation
from gatehouse.storage.database import Database
from gatehouse.storage.records import SigningKey
from gatehouse.storage.tenants import SigningKeys

if TYPE_CHECKING:
    from gatehouse.ops.settings import Settings
    from gatehouse.storage.transaction import Transaction


_REFUSALS: Final = {
    "next_is_staged": "another key is prepared already: rotate to it, or delete it",
    "key_not_found": "there is no such key",
    "key_required": "the only key cannot be deleted",
    "only_previous_key_can_be_deleted": "the key that signs cannot be deleted: rotate first",
}


class KeysError(Exception):
    """The keys do not allow this; the message says why."""


async def list_keys(settings: Settings) -> list[SigningKey]:
    """Every key, newest first. Raises StorageError, as all of these do."""
    async with _database(settings) as db:
        return await db.read(_list, wall_clock())


async def prepare_key(settings: Settings, algorithm: str) -> str:
    """Publish a key that will sign later; its id. Raises KeysError if there is one already."""
    new = await _generate(algorithm, KeyStatus.NEXT)
    async with _database(settings) as db:
        with _explained():
            await db.write(_stage, new, wall_clock())
    return new.kid


async def rotate_key(settings: Settings, algorithm: str) -> str:
    """Sign with the prepared key of the algorithm, or with a new one; its id."""
    new = await _generate(algorithm, KeyStatus.NEXT)
    async with _database(settings) as db:
        return await db.write(_promote, new, wall_clock())


async def delete_key(settings: Settings, kid: str) -> None:
    """Delete a key that does not sign. Raises KeysError."""
    async with _database(settings) as db:
        with _explained():
            await db.write(_delete, kid, wall_clock())


async def reseal(settings: Settings) -> tuple[int, str]:
    """Seal every secret with the vault's first key: how many were not, and the key's id.

    Raises SealError, too, if a key is missing by which something is sealed.
    """
    async with _database(settings) as db:
        return await rotation.rewrap(db), datadir.vault(settings).current


def _list(tx: Transaction, now: int) -> list[SigningKey]:
    return key_rotation.as_of(SigningKeys(tx, TENANT).all(), now)


def _stage(tx: Transaction, new: SigningKey, now: int) -> None:
    key_rotation.stage(SigningKeys(tx, TENANT), new, now, None)


def _promote(tx: Transaction, new: SigningKey, now: int) -> str:
    return key_rotation.promote(SigningKeys(tx, TENANT), new, now)


def _delete(tx: Transaction, kid: str, now: int) -> None:
    key_rotation.delete(SigningKeys(tx, TENANT), kid, now, ("previous", "next"))


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except RotationRefused as refusal:
        raise KeysError(_REFUSALS[refusal.rule]) from None


async def _generate(algorithm: str, status: KeyStatus) -> SigningKey:
    # An RSA key takes a second of processor time.
    key = await trio.to_thread.run_sync(generate_key, SigningAlgorithm(algorithm), status)
    return stored_key(key, TENANT)


@asynccontextmanager
async def _database(settings: Settings) -> AsyncIterator[Database]:
    vault = datadir.vault(settings)
    async with Database.open(settings.database, vault=vault, pool_size=1) as db:
        yield db
