"""Units of work: all or nothing, together or alone, cancelled or not."""

import threading
from contextlib import suppress

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from gatehouse.storage.database import Database
from gatehouse.storage.errors import (
    Busy,
    Conflict,
    InvalidValue,
    NotFound,
    Referenced,
    StorageError,
)
from gatehouse.storage.observer import StorageObserver
from gatehouse.storage.records import DomainEvent, Role, SsoIdentity, User
from gatehouse.storage.repository import Rows
from gatehouse.storage.roles import Roles, UserRoles
from gatehouse.storage.schema import sso_identities
from gatehouse.storage.tenants import Configs
from gatehouse.storage.transaction import Transaction
from gatehouse.storage.users import Users
from gatehouse.storage.vault import Vault
from gatehouse.storage.workers import MAX_WAITING
from tests.storage.conftest import TENANT


def add_user(tx: Transaction, username: str) -> User:
    return Users(tx, TENANT).create(User(username=username))


def usernames(tx: Transaction) -> set[str | None]:
    return {user.username for user in Users(tx, TENANT).page(100).items}


async def test_a_unit_that_raises_leaves_nothing_behind(db: Database) -> None:
    def unit(tx: Transaction) -> None:
        add_user(tx, "ada")
        Roles(tx, TENANT).create(Role(name="r", description="d"))
        raise KeyError("half way")

    with pytest.raises(KeyError, match="half way"):
        await db.write(unit)
    assert await db.read(usernames) == set()
    assert (await db.read(lambda tx: Roles(tx, TENANT).page())).total == 0


async def test_what_was_written_is_there_for_the_next_read(db: Database) -> None:
    for name in ("ada", "bob", "eve"):
        await db.write(add_user, name)
        assert name in await db.read(usernames)


async def test_a_lookup_finds_what_was_written_and_raises_what_its_unit_raises(
    db: Database,
) -> None:
    def fail(tx: Transaction) -> None:
        raise KeyError("not here")

    for name in ("ada", "bob"):
        user = await db.write(add_user, name)
        assert await db.lookup(lambda tx, wanted=user: Users(tx, TENANT).find(wanted.id)) == user
    with pytest.raises(KeyError, match="not here"):
        await db.lookup(fail)
    with pytest.raises(StorageError):
        await db.lookup(add_user, "eve")
    assert await db.lookup(usernames) == {"ada", "bob"}


async def test_a_lookup_needs_no_thread_where_the_database_is_a_file(db: Database) -> None:
    here = threading.get_ident()
    thread = await db.lookup(lambda tx: (usernames(tx), threading.get_ident())[1])
    assert (thread == here) == (db._finder is not None)


async def test_units_that_wait_together_fail_alone(db: Database) -> None:
    outcomes: dict[str, str] = {}

    async def add(number: int) -> None:
        name = f"user{number % 10}"
        with suppress(Conflict):
            user = await db.write(add_user, name)
            outcomes[user.id] = name

    async with trio.open_nursery() as nursery:
        for number in range(40):
            nursery.start_soon(add, number)
    assert sorted(outcomes.values()) == sorted(f"user{number}" for number in range(10))
    assert await db.read(usernames) == set(outcomes.values())


async def test_of_two_writers_who_want_one_name_one_gets_it(db: Database) -> None:
    winners: list[str] = []

    async def take(email: str) -> None:
        with suppress(Conflict):
            await db.write(lambda tx: Users(tx, TENANT).create(User(primary_email=email)))
            winners.append(email)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(take, "Ada@example.com")
        nursery.start_soon(take, "ada@EXAMPLE.com")
    assert len(winners) == 1


async def test_no_increment_is_lost_between_concurrent_units(db: Database) -> None:
    def increment(tx: Transaction) -> None:
        configs = Configs(tx, TENANT)
        found = configs.find("counter")
        configs.put("counter", 1 if found is None else found.value + 1)

    async with trio.open_nursery() as nursery:
        for _ in range(60):
            nursery.start_soon(db.write, increment)
    assert await db.read(lambda tx: Configs(tx, TENANT).value("counter")) == 60


async def test_a_rule_that_reads_and_then_writes_holds_between_concurrent_units(
    db: Database,
) -> None:
    def one_at_most(tx: Transaction, name: str) -> None:
        if not usernames(tx):
            add_user(tx, name)

    async with trio.open_nursery() as nursery:
        for number in range(8):
            nursery.start_soon(db.write, one_at_most, f"user{number}")
    assert len(await db.read(usernames)) == 1


async def test_a_unit_that_swallows_a_refusal_is_not_committed(db: Database) -> None:
    def unit(tx: Transaction) -> None:
        add_user(tx, "ada")
        with pytest.raises(Conflict):
            add_user(tx, "ada")

    with pytest.raises(Conflict):
        await db.write(unit)
    assert await db.read(usernames) == set()


async def test_a_savepoint_undoes_its_block_alone(db: Database) -> None:
    events: list[DomainEvent] = []
    db.listen(events.extend)

    def unit(tx: Transaction) -> None:
        add_user(tx, "ada")
        with suppress(Conflict), tx.savepoint():
            add_user(tx, "bob")
            add_user(tx, "ada")
        with tx.savepoint():
            add_user(tx, "eve")

    await db.write(unit)
    assert await db.read(usernames) == {"ada", "eve"}
    assert [event.type for event in events] == ["User.Created", "User.Created"]


async def test_a_unit_that_reads_cannot_write(db: Database) -> None:
    with pytest.raises(StorageError, match="only reads"):
        await db.read(add_user, "ada")


async def test_listeners_hear_of_what_was_committed_and_of_nothing_else(db: Database) -> None:
    heard: list[DomainEvent] = []
    db.listen(heard.extend)
    user = await db.write(add_user, "ada")
    with pytest.raises(Conflict):
        await db.write(add_user, "ada")
    assert [(event.type, event.payload) for event in heard] == [("User.Created", {"id": user.id})]


async def test_a_row_cannot_refer_to_what_is_not_there(db: Database) -> None:
    rows = Rows(sso_identities, SsoIdentity)
    orphan = SsoIdentity(
        tenant_id=TENANT,
        id="1",
        user_id="nobody",
        issuer="i",
        identity_id="x",
        sso_connector_id="c",
    )
    with pytest.raises(Referenced):
        await db.write(lambda tx: tx.run(rows.insert, rows.mapping.write(tx, orphan)))


@pytest.mark.parametrize(
    "value",
    [
        {"name": "a\x00b"},
        {"name": "\ud800"},
        {"custom_data": {"deep": ["a\x00b"]}},
        {"custom_data": {"a\x00b": 1}},
        {"custom_data": {"a": "\ud800"}},
        {"last_sign_in_at": 2**63},
        {"is_suspended": "no"},
    ],
    ids=str,
)
async def test_values_that_no_column_can_hold_are_refused_alike(
    db: Database, value: dict[str, object]
) -> None:
    user = await db.write(add_user, "ada")
    with pytest.raises(InvalidValue):
        await db.write(lambda tx: Users(tx, TENANT).update(user.id, **value))


async def test_text_that_merely_looks_like_an_escaped_nul_is_kept(db: Database) -> None:
    user = await db.write(add_user, "ada")
    document = {"text": "\\u0000", "é": "日本語 🎈"}
    await db.write(lambda tx: Users(tx, TENANT).update(user.id, custom_data=document))
    found = await db.read(lambda tx: Users(tx, TENANT).get(user.id))
    assert found.custom_data == document


async def test_a_unit_that_still_waits_can_be_cancelled(url: str, vault: Vault) -> None:
    async with Database.open(url, vault=vault, pool_size=1) as db:
        gate, entered = threading.Event(), trio.Event()
        token = trio.lowlevel.current_trio_token()

        def block(tx: Transaction) -> None:
            token.run_sync_soon(entered.set)
            gate.wait(30)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(db.write, block)
            await entered.wait()
            async with trio.open_nursery() as cancelled:
                cancelled.start_soon(db.write, add_user, "ada")
                await wait_all_tasks_blocked()
                cancelled.cancel_scope.cancel()
            gate.set()
        assert await db.read(usernames) == set()


async def test_a_unit_that_has_begun_to_write_is_finished_though_cancelled(
    url: str, vault: Vault
) -> None:
    async with Database.open(url, vault=vault) as db:
        gate, entered = threading.Event(), trio.Event()
        token = trio.lowlevel.current_trio_token()
        added: list[User] = []

        def slow(tx: Transaction) -> User:
            token.run_sync_soon(entered.set)
            gate.wait(30)
            return add_user(tx, "ada")

        async def write() -> None:
            added.append(await db.write(slow))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(write)
            await entered.wait()
            nursery.cancel_scope.cancel()
            gate.set()
        assert [user.username for user in added] == ["ada"]
        assert await db.read(usernames) == {"ada"}


async def test_a_unit_that_reads_is_abandoned_when_cancelled(url: str, vault: Vault) -> None:
    async with Database.open(url, vault=vault) as db:
        gate, entered = threading.Event(), trio.Event()
        token = trio.lowlevel.current_trio_token()

        def slow(tx: Transaction) -> None:
            token.run_sync_soon(entered.set)
            gate.wait(30)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(db.read, slow)
            await entered.wait()
            nursery.cancel_scope.cancel()
        gate.set()
        assert await db.read(usernames) == set()


async def test_too_many_waiting_units_are_refused_and_the_others_served(
    url: str, vault: Vault
) -> None:
    async with Database.open(url, vault=vault, pool_size=1) as db:
        gate, entered = threading.Event(), trio.Event()
        token = trio.lowlevel.current_trio_token()
        served: list[None] = []

        def block(tx: Transaction) -> None:
            token.run_sync_soon(entered.set)
            gate.wait(30)

        async def read() -> None:
            served.append(await db.read(lambda tx: None))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(db.read, block)
            await entered.wait()
            for _ in range(MAX_WAITING):
                nursery.start_soon(read)
            await wait_all_tasks_blocked()
            with pytest.raises(Busy):
                await db.read(lambda tx: None)
            gate.set()
        assert len(served) == MAX_WAITING


async def test_a_missing_record_says_what_was_missing(db: Database) -> None:
    with pytest.raises(NotFound) as caught:
        await db.read(lambda tx: Users(tx, TENANT).get("nobody"))
    assert (caught.value.entity, caught.value.id) == ("user", "nobody")


async def test_the_observer_hears_of_every_unit_and_of_the_pool(url: str, vault: Vault) -> None:
    class Counter(StorageObserver):
        def __init__(self) -> None:
            self.units: list[bool] = []
            self.pools: dict[str, int] = {}

        def unit_finished(self, pool: str, waited: float, took: float, failed: bool) -> None:
            assert waited >= 0
            assert took >= 0
            self.units.append(failed)

        def pool_changed(self, pool: str, size: int, in_use: int, waiting: int) -> None:
            self.pools[pool] = size

    observer = Counter()
    async with Database.open(url, vault=vault, observer=observer) as db:
        await db.write(add_user, "ada")
        with pytest.raises(Conflict):
            await db.write(add_user, "ada")
    assert observer.units == [False, True]
    assert all(size >= 1 for size in observer.pools.values())
    assert observer.pools


async def test_records_do_not_print_what_they_hold(db: Database) -> None:
    user = await db.write(
        lambda tx: Users(tx, TENANT).create(User(username="ada", password_hash="$argon2id$x"))
    )
    assert repr(user) == f"<User {user.id}>"


@pytest.mark.parametrize("text", ["mysql://x/y", "sqlite://", "sqlite:///:memory:", "nonsense"])
async def test_urls_of_other_databases_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="URL"):
        async with Database.open(text):
            pass


async def test_units_that_relate_neighbours_are_not_in_each_others_way(db: Database) -> None:
    people = 12
    ready = threading.Barrier(2)
    runs: list[str] = []

    def make(tx: Transaction) -> list[str]:
        roles = [
            Roles(tx, TENANT).create(Role(id=f"r{n}", name=f"r{n}", description="d"))
            for n in range(2)
        ]
        for number in range(people):
            Users(tx, TENANT).create(User(id=f"u{number:02}"))
        return [role.id for role in roles]

    roles = await db.write(make)

    def relate(tx: Transaction, user_id: str) -> None:
        runs.append(user_id)
        UserRoles(tx, TENANT).replace(user_id, roles)
        if tx.dialect == "postgresql":
            with suppress(threading.BrokenBarrierError):
                ready.wait(0.2)  # so that two of them overlap

    async with trio.open_nursery() as nursery:
        for number in range(people):
            nursery.start_soon(db.relate, relate, f"u{number:02}")
    assert len(runs) == people
    held = await db.read(lambda tx: Roles(tx, TENANT).count_users(roles))
    assert held == dict.fromkeys(roles, people)


async def test_of_two_replacements_of_one_owners_roles_one_holds(db: Database) -> None:
    def make(tx: Transaction) -> None:
        for number in range(6):
            Roles(tx, TENANT).create(Role(id=f"r{number}", name=f"r{number}", description="d"))
        Users(tx, TENANT).create(User(id="ada"))

    def replace(tx: Transaction, number: int) -> None:
        UserRoles(tx, TENANT).replace("ada", [f"r{number}"])

    await db.write(make)
    for _ in range(5):
        async with trio.open_nursery() as nursery:
            for number in range(6):
                nursery.start_soon(db.relate, replace, number)
        held = await db.read(lambda tx: UserRoles(tx, TENANT).members("ada"))
        assert len(held) == 1
