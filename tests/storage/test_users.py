"""People: names, credentials, search."""

import pytest

from gatehouse.storage.database import Database
from gatehouse.storage.errors import Conflict, InvalidValue, NotFound
from gatehouse.storage.records import DomainEvent, Role, User
from gatehouse.storage.roles import Roles, UserRoles
from gatehouse.storage.search import Match, Search
from gatehouse.storage.transaction import Transaction
from gatehouse.storage.users import Users
from tests.storage.conftest import START, TENANT

ADA = User(
    username="Ada",
    primary_email="Ada@Example.com",
    primary_phone="4912345",
    name="Ada Lovelace",
    password_hash="$argon2id$old",
    password_algorithm="Argon2id",
    profile={"familyName": "Lovelace", "address": {"country": "UK"}},
    custom_data={"level": 3},
)


async def add(db: Database, user: User = ADA, tenant: str = TENANT) -> User:
    return await db.write(lambda tx: Users(tx, tenant).create(user))


async def found(db: Database, search: Search | str) -> list[str | None]:
    page = await db.read(lambda tx: Users(tx, TENANT).search(search))
    return [user.username for user in page.items]


async def test_a_user_comes_back_as_it_was_stored(db: Database) -> None:
    user = await add(db)
    assert len(user.id) == 12
    assert user.created_at == user.updated_at == user.password_changed_at > START
    assert await db.read(lambda tx: Users(tx, TENANT).get(user.id)) == user


async def test_a_user_is_found_by_each_name(db: Database) -> None:
    user = await add(db)

    def unit(tx: Transaction) -> None:
        users = Users(tx, TENANT)
        assert users.find_by_username("Ada") == user
        assert users.find_by_username("ada") is None
        assert users.find_by_username("aDA", case_sensitive=False) == user
        assert users.find_by_email("aDA@eXAMPLE.com") == user
        assert users.find_by_phone("4912345") == user
        assert users.find_by_phone("") is None

    await db.read(unit)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", "Ada"),
        ("primary_email", "ADA@example.COM"),
        ("primary_phone", "4912345"),
    ],
)
async def test_a_name_belongs_to_one_user_of_the_tenant(
    db: Database, field: str, value: str
) -> None:
    await add(db)
    with pytest.raises(Conflict) as caught:
        await add(db, User(**{field: value}))
    assert (caught.value.entity, caught.value.field) == ("user", field)
    other = await add(db, User(username="other"))
    with pytest.raises(Conflict) as caught:
        await db.write(lambda tx: Users(tx, TENANT).update(other.id, **{field: value}))
    assert caught.value.field == field
    await add(db, User(**{field: value}), tenant="elsewhere")


async def test_any_number_of_users_have_no_email(db: Database) -> None:
    for name in ("a", "b", "c"):
        await add(db, User(username=name))
    assert (await db.read(lambda tx: Users(tx, TENANT).page())).total == 3


async def test_a_tenant_does_not_see_another_tenants_user(db: Database) -> None:
    user = await add(db)

    def unit(tx: Transaction) -> None:
        users = Users(tx, "elsewhere")
        assert users.find(user.id) is None
        assert users.find_by_username("Ada") is None
        assert users.search("%Ada%").items == []
        with pytest.raises(NotFound):
            users.update(user.id, name="x")

    await db.write(unit)
    with pytest.raises(NotFound):
        await db.write(lambda tx: Users(tx, "elsewhere").delete(user.id))
    assert await db.read(lambda tx: Users(tx, TENANT).get(user.id)) == user


async def test_a_partial_update_changes_what_it_names(db: Database) -> None:
    user = await add(db)
    changed = await db.write(
        lambda tx: Users(tx, TENANT).update(user.id, name=None, custom_data={"level": 4})
    )
    assert (changed.name, changed.custom_data) == (None, {"level": 4})
    assert changed.profile == user.profile
    assert changed.updated_at > user.updated_at
    assert await db.read(lambda tx: Users(tx, TENANT).get(user.id)) == changed


@pytest.mark.parametrize("field", ["id", "tenant_id", "created_at", "nonsense"])
async def test_what_never_changes_cannot_be_updated(db: Database, field: str) -> None:
    user = await add(db)
    with pytest.raises(TypeError, match=field):
        await db.write(lambda tx: Users(tx, TENANT).update(user.id, **{field: "x"}))


async def test_a_changed_password_ends_what_was_issued_before(db: Database) -> None:
    user = await add(db)
    changed = await db.write(
        lambda tx: Users(tx, TENANT).set_password(user.id, "$argon2id$new", "Argon2id")
    )
    assert changed.password_hash == "$argon2id$new"
    assert changed.tokens_valid_after == changed.password_changed_at > user.created_at


async def test_a_rehashed_password_ends_nothing(db: Database) -> None:
    user = await add(db)

    def rehash(tx: Transaction, old: str) -> bool:
        return Users(tx, TENANT).rehash_password(user.id, old, "$argon2id$better", "Argon2id")

    assert await db.write(rehash, "$argon2id$old") is True
    assert await db.write(rehash, "$argon2id$old") is False
    changed = await db.read(lambda tx: Users(tx, TENANT).get(user.id))
    assert changed.password_hash == "$argon2id$better"
    assert changed.tokens_valid_after == 0


async def test_suspension_ends_what_was_issued_and_lifting_it_does_not_bring_it_back(
    db: Database,
) -> None:
    user = await add(db)
    suspended = await db.write(lambda tx: Users(tx, TENANT).set_suspended(user.id, True))
    assert suspended.is_suspended
    assert suspended.tokens_valid_after > user.created_at
    lifted = await db.write(lambda tx: Users(tx, TENANT).set_suspended(user.id, False))
    assert not lifted.is_suspended
    assert lifted.tokens_valid_after == suspended.tokens_valid_after


async def test_signing_in_is_noted(db: Database) -> None:
    user = await add(db)
    await db.write(lambda tx: Users(tx, TENANT).signed_in(user.id))
    noted = await db.read(lambda tx: Users(tx, TENANT).get(user.id))
    assert noted.last_sign_in_at is not None
    assert noted.last_sign_in_at > user.created_at
    await db.write(lambda tx: Users(tx, TENANT).signed_in("gone"))


async def test_new_users_receive_the_default_roles_for_users(db: Database) -> None:
    def unit(tx: Transaction) -> None:
        roles = Roles(tx, TENANT)
        default = roles.create(Role(name="default", description="d", is_default=True))
        roles.create(Role(name="other", description="d"))
        roles.create(
            Role(name="machines", description="d", type="MachineToMachine", is_default=True)
        )
        user = Users(tx, TENANT).create(ADA)
        assert UserRoles(tx, TENANT).members(user.id) == {default.id}

    await db.write(unit)


async def test_deleting_a_user_takes_the_roles_along_and_leaves_the_role(db: Database) -> None:
    def unit(tx: Transaction) -> None:
        role = Roles(tx, TENANT).create(Role(name="r", description="d", is_default=True))
        users = Users(tx, TENANT)
        user = users.create(ADA)
        users.delete(user.id)
        assert users.find(user.id) is None
        assert UserRoles(tx, TENANT).members(user.id) == set()
        assert Roles(tx, TENANT).get(role.id) == role

    await db.write(unit)


async def test_every_change_of_a_user_is_told_without_personal_data(db: Database) -> None:
    heard: list[DomainEvent] = []
    db.listen(heard.extend)

    def unit(tx: Transaction) -> str:
        users = Users(tx, TENANT)
        user = users.create(ADA)
        users.update(user.id, name="Countess")
        users.set_password(user.id, "h", "Argon2id")
        users.set_suspended(user.id, True)
        users.delete(user.id)
        return user.id

    user_id = await db.write(unit)
    assert [event.type for event in heard] == [
        "User.Created",
        "User.Data.Updated",
        "User.Password.Updated",
        "User.SuspensionStatus.Updated",
        "User.Deleted",
    ]
    assert all(event.payload == {"id": user_id} for event in heard)


@pytest.fixture
async def three(db: Database) -> Database:
    await add(db)
    await add(db, User(username="adamant", name="100% Bob", primary_email="bob@example.com"))
    await add(db, User(username="eve", name="Éve_", primary_phone="4999999"))
    return db


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("%ada%", ["adamant", "Ada"]),
        ("%EXAMPLE.COM", ["adamant", "Ada"]),
        ("ada", ["Ada"]),
        ("bob@EXAMPLE.com", ["adamant"]),
        ("4999999", ["eve"]),
        ("%lovelace", ["Ada"]),
        ("%\\%%", ["adamant"]),
        ("100\\% bob", ["adamant"]),
        ("%\\_", ["eve"]),
        ("ad_", ["Ada"]),
        ("nobody", []),
        ("", []),
        ("%'; DROP TABLE users; --%", []),
    ],
)
async def test_search_looks_in_all_names_whatever_their_case(
    three: Database, pattern: str, names: list[str]
) -> None:
    assert await found(three, pattern) == names


@pytest.mark.parametrize(
    ("search", "names"),
    [
        (Search((Match(("username",), "ADA", "exact"),)), ["Ada"]),
        (Search((Match(("username",), "ADA", "exact", case_sensitive=True),)), []),
        (Search((Match(("username",), "Ad%", case_sensitive=True),)), ["Ada"]),
        (Search((Match(("username",), "a%"), Match(("name",), "%bob"))), ["adamant", "Ada"]),
        (Search((Match(("username",), "a%"), Match(("name",), "%bob")), joint=True), ["adamant"]),
        (Search((Match(("name", "primary_phone"), "4912345"),)), ["Ada"]),
        (Search((Match(("username",), "ada", "exact", others=("eve",)),)), ["eve", "Ada"]),
        (Search((Match(("username",), "^a", "posix"),)), ["adamant", "Ada"]),
        (Search((Match(("username",), "^a", "posix", case_sensitive=True),)), ["adamant"]),
        (Search((Match(("username",), "(Ad|e)_(a|e)?", "similar_to", True),)), ["eve", "Ada"]),
        (Search((Match(("name", "username"), "[0-9]%\\%%", "similar_to", True),)), ["adamant"]),
        (Search((Match(("name",), "a.a", "similar_to", True),)), []),
        (Search(()), ["eve", "adamant", "Ada"]),
    ],
)
async def test_search_by_field_by_mode_and_joint(
    three: Database, search: Search, names: list[str]
) -> None:
    assert await found(three, search) == names


@pytest.mark.parametrize(
    "search",
    [
        Search((Match(("password_hash",), "%"),)),
        Search((Match((), "%"),)),
        Search((Match(("name",), "ends\\"),)),
        Search((Match(("name",), "x"),) * 33),
        Search((Match(("name",), "x", "exact", others=("y",) * 32),)),
        Search((Match(("name",), "(?=x)", "posix"),)),
        Search((Match(("name",), "(", "posix"),)),
        Search((Match(("name",), "x\\", "similar_to", True),)),
    ],
    ids=[
        "secret field",
        "no field",
        "bad escape",
        "too many",
        "too many values",
        "not linear",
        "not well-formed",
        "another bad escape",
    ],
)
async def test_a_senseless_search_is_refused(db: Database, search: Search) -> None:
    with pytest.raises(InvalidValue):
        await found(db, search)


async def test_pages_show_the_newest_first_and_the_total(db: Database) -> None:
    for number in range(7):
        await add(db, User(username=f"user{number}"))

    def names(tx: Transaction, limit: int, offset: int) -> tuple[str, int]:
        page = Users(tx, TENANT).search("user%", limit, offset)
        return "".join(str(user.username)[-1] for user in page.items), page.total

    assert await db.read(names, 3, 0) == ("654", 7)
    assert await db.read(names, 3, 3) == ("321", 7)
    assert await db.read(names, 3, 6) == ("0", 7)
    assert await db.read(names, 3, 9) == ("", 7)
    assert await db.read(names, 7, 0) == ("6543210", 7)


async def test_users_of_a_role_can_be_searched(three: Database) -> None:
    def unit(tx: Transaction) -> list[str | None]:
        role = Roles(tx, TENANT).create(Role(name="r", description="d"))
        users = Users(tx, TENANT)
        members = [user.id for user in users.search("%a%").items if user.username != "eve"]
        UserRoles(tx, TENANT).add(members[0], [role.id])
        return [user.username for user in users.search("%ada%", role_id=role.id).items]

    assert await three.write(unit) == ["adamant"]
