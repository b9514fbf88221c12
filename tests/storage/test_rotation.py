"""Replacing the vault's key while there are secrets."""

import pytest

from gatehouse.storage.applications import Applications, ApplicationSecrets
from gatehouse.storage.database import Database
from gatehouse.storage.records import Application, ApplicationSecret
from gatehouse.storage.rotation import PAGE, rewrap
from gatehouse.storage.tenants import System
from gatehouse.storage.transaction import Transaction
from gatehouse.storage.vault import SealError, Vault
from tests.storage.conftest import TENANT

OLD, NEW = {"old": b"o" * 32}, {"new": b"n" * 32}
SECRETS = PAGE + 20


def fill(tx: Transaction) -> str:
    application = Applications(tx, TENANT).create(
        Application(name="App", type="Traditional", secret="legacy")
    )
    for number in range(SECRETS):
        ApplicationSecrets(tx, TENANT).create(
            ApplicationSecret(application_id=application.id, name=f"n{number}", value=f"v{number}")
        )
    System(tx).put("cookie", "secret")
    return application.id


def check(tx: Transaction, application_id: str) -> None:
    secrets = ApplicationSecrets(tx, TENANT).of(application_id)
    assert {secret.value for secret in secrets} == {f"v{number}" for number in range(SECRETS)}
    assert Applications(tx, TENANT).get(application_id).secret == "legacy"
    assert System(tx).get("cookie") == "secret"


async def test_after_a_rotation_the_old_key_is_not_needed(url: str) -> None:
    async with Database.open(url, vault=Vault(OLD)) as db:
        application_id = await db.write(fill)
    async with Database.open(url, vault=Vault(NEW | OLD)) as db:
        await db.read(check, application_id)
        assert await rewrap(db) == SECRETS + 2
        assert await rewrap(db) == 0
    async with Database.open(url, vault=Vault(NEW)) as db:
        await db.read(check, application_id)


async def test_a_rotation_without_the_old_key_changes_nothing(url: str) -> None:
    async with Database.open(url, vault=Vault(OLD)) as db:
        application_id = await db.write(fill)
    async with Database.open(url, vault=Vault(NEW)) as db:
        with pytest.raises(SealError, match="'old'"):
            await rewrap(db)
    async with Database.open(url, vault=Vault(OLD)) as db:
        await db.read(check, application_id)
