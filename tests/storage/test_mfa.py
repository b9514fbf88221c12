"""Second factors at rest: sealed, used once, gone with their user."""

import pytest

from gatehouse.storage.database import Database
from gatehouse.storage.errors import Conflict, NotFound, Refused
from gatehouse.storage.mfa import (
    MAX_CREDENTIALS,
    BackupCode,
    MfaVerification,
    MfaVerifications,
    backup_codes_json,
)
from gatehouse.storage.organizations import Organizations
from gatehouse.storage.organizations_members import OrganizationUsers
from gatehouse.storage.organizations_records import Organization
from gatehouse.storage.records import User
from gatehouse.storage.statement import Stmt
from gatehouse.storage.transaction import Transaction
from gatehouse.storage.users import Users
from tests.storage.conftest import TENANT

KEY = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def factors(tx: Transaction) -> MfaVerifications:
    return MfaVerifications(tx, TENANT)


def use_step(tx: Transaction, factor_id: str, step: int) -> bool:
    return factors(tx).use_step(factor_id, step)


def use_code(tx: Transaction, user_id: str, code: str) -> bool:
    return factors(tx).use_backup_code(user_id, code)


def use_signature(tx: Transaction, factor_id: str, counter: int) -> bool:
    return factors(tx).use_signature(factor_id, counter)


async def ada(db: Database) -> str:
    user = await db.write(lambda tx: Users(tx, TENANT).create(User(username="ada")))
    return user.id


def totp(user_id: str, **fields: object) -> MfaVerification:
    return MfaVerification(user_id=user_id, type="Totp", secret=KEY, **fields)  # type: ignore[arg-type]


def codes(user_id: str, *texts: str) -> MfaVerification:
    secret = backup_codes_json([BackupCode(text) for text in texts])
    return MfaVerification(user_id=user_id, type="BackupCode", secret=secret)


def credential(user_id: str, credential_id: str = "c1", counter: int = 0) -> MfaVerification:
    return MfaVerification(
        user_id=user_id, type="WebAuthn", credential_id=credential_id, counter=counter
    )


async def test_secrets_of_factors_are_sealed_in_the_database(db: Database) -> None:
    import sqlalchemy as sa

    user_id = await ada(db)
    await db.write(lambda tx: factors(tx).add(totp(user_id)))
    stored = Stmt(sa.text("SELECT secret FROM mfa_verifications"))
    ((secret,),) = await db.read(lambda tx: tx.rows(stored))
    assert secret.startswith("v1.k1.")
    assert KEY not in secret
    (factor,) = await db.read(lambda tx: factors(tx).of(user_id))
    assert factor.secret == KEY
    assert KEY not in repr(factor)


async def test_a_user_has_one_totp(db: Database) -> None:
    user_id = await ada(db)
    await db.write(lambda tx: factors(tx).add(totp(user_id)))
    with pytest.raises(Refused, match="totp_exists"):
        await db.write(lambda tx: factors(tx).add(totp(user_id)))


async def test_the_same_factor_is_added_once(db: Database) -> None:
    user_id = await ada(db)
    for _ in range(2):
        await db.write(lambda tx: factors(tx).add(totp(user_id, id="chosen-before")))
    assert len(await db.read(lambda tx: factors(tx).of(user_id))) == 1


async def test_a_time_step_is_taken_once_and_never_an_earlier_one(db: Database) -> None:
    user_id = await ada(db)
    factor = await db.write(lambda tx: factors(tx).add(totp(user_id, counter=10)))
    for step, taken in ((10, False), (12, True), (12, False), (11, False), (13, True)):
        used = await db.write(use_step, factor.id, step)
        assert used is taken, step


async def test_a_backup_code_is_taken_once(db: Database) -> None:
    user_id = await ada(db)
    await db.write(lambda tx: factors(tx).add(codes(user_id, "aaaaaaaaaa", "bbbbbbbbbb")))
    for code, taken in (("aaaaaaaaaa", True), ("aaaaaaaaaa", False), ("ääää", False)):
        used = await db.write(use_code, user_id, code)
        assert used is taken
    (factor,) = await db.read(lambda tx: factors(tx).of(user_id))
    assert factor.remaining == 1
    assert factor.usable
    assert factor.last_used_at == factor.codes[0].used_at


async def test_new_backup_codes_replace_the_old(db: Database) -> None:
    user_id = await ada(db)
    await db.write(lambda tx: factors(tx).add(codes(user_id, "aaaaaaaaaa")))
    await db.write(lambda tx: factors(tx).add(codes(user_id, "bbbbbbbbbb")))
    (factor,) = await db.read(lambda tx: factors(tx).of(user_id))
    assert [code.code for code in factor.codes] == ["bbbbbbbbbb"]


async def test_a_signature_counter_grows_or_stays_at_zero(db: Database) -> None:
    user_id = await ada(db)
    counting = await db.write(lambda tx: factors(tx).add(credential(user_id, "c1", counter=5)))
    for counter, taken in ((5, False), (0, False), (6, True), (6, False)):
        used = await db.write(use_signature, counting.id, counter)
        assert used is taken, counter
    silent = await db.write(lambda tx: factors(tx).add(credential(user_id, "c2")))
    for _ in range(2):
        assert await db.write(lambda tx: factors(tx).use_signature(silent.id, 0))


async def test_a_credential_belongs_to_one_user_and_is_found_by_its_id(db: Database) -> None:
    user_id = await ada(db)
    bob = await db.write(lambda tx: Users(tx, TENANT).create(User(username="bob")))
    await db.write(lambda tx: factors(tx).add(credential(user_id)))
    with pytest.raises(Conflict, match="credential_id"):
        await db.write(lambda tx: factors(tx).add(credential(bob.id)))
    found = await db.read(lambda tx: factors(tx).find_credential("c1"))
    assert found is not None
    assert found.user_id == user_id
    assert await db.read(lambda tx: factors(tx).find_credential("c2")) is None


async def test_a_user_has_only_so_many_credentials(db: Database) -> None:
    user_id = await ada(db)

    def fill(tx: Transaction) -> None:
        for number in range(MAX_CREDENTIALS):
            factors(tx).add(credential(user_id, f"c{number}"))

    await db.write(fill)
    with pytest.raises(Refused, match="too_many_credentials"):
        await db.write(lambda tx: factors(tx).add(credential(user_id, "one-more")))


async def test_only_the_owner_removes_and_names_a_factor(db: Database) -> None:
    user_id = await ada(db)
    factor = await db.write(lambda tx: factors(tx).add(credential(user_id)))
    named = await db.write(lambda tx: factors(tx).rename(user_id, factor.id, "Laptop"))
    assert named.name == "Laptop"
    with pytest.raises(NotFound):
        await db.write(lambda tx: factors(tx).remove("somebody-else", factor.id))
    key = await db.write(lambda tx: factors(tx).add(totp(user_id)))
    with pytest.raises(NotFound):
        await db.write(lambda tx: factors(tx).rename(user_id, key.id, "Phone"))
    await db.write(lambda tx: factors(tx).remove(user_id, factor.id))
    assert [f.id for f in await db.read(lambda tx: factors(tx).of(user_id))] == [key.id]


async def test_factors_end_with_their_user(db: Database) -> None:
    user_id = await ada(db)
    await db.write(lambda tx: factors(tx).add(totp(user_id)))
    await db.write(lambda tx: Users(tx, TENANT).delete(user_id))
    assert await db.read(lambda tx: factors(tx).of(user_id)) == []


async def test_a_factor_needs_its_user(db: Database) -> None:
    with pytest.raises(NotFound):
        await db.write(lambda tx: factors(tx).add(totp("nobody")))


async def test_an_organization_can_demand_a_second_factor_of_its_members(db: Database) -> None:
    user_id = await ada(db)

    def join(tx: Transaction, demanding: bool) -> None:
        organization = Organization(name="Tea", is_mfa_required=demanding)
        made = Organizations(tx, TENANT).create(organization)
        OrganizationUsers(tx, TENANT).add(made.id, [user_id])

    await db.write(join, False)
    assert not await db.read(lambda tx: factors(tx).demanded(user_id))
    await db.write(join, True)
    assert await db.read(lambda tx: factors(tx).demanded(user_id))
