"""People: their names, which are unique in the tenant, their credentials, and what ends both.

Usernames are unique as they are written, email addresses whatever their case. Deleting a user
takes their roles and enterprise identities along. What a user has signed is told apart by
`tokens_valid_after`: suspension and a changed password move it to now, and whoever issues or
accepts tokens compares.
"""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from gatehouse.storage import schema
from gatehouse.storage.ids import new_user_id
from gatehouse.storage.records import SsoIdentity, User
from gatehouse.storage.repository import Page, Repository, Rows
from gatehouse.storage.roles import USER_ROLES, Roles, UserRoles
from gatehouse.storage.search import Finder, Search
from gatehouse.storage.statement import Stmt

_u = schema.users
_HERE = _u.c.tenant_id == sa.bindparam("tenant_id")
_VALUE = sa.bindparam("value", type_=sa.Text)
_BY_USERNAME = Stmt(sa.select(_u).where(_HERE, _u.c.username == _VALUE))
_BY_FOLDED_USERNAME = Stmt(
    sa.select(_u)
    .where(_HERE, sa.func.lower(_u.c.username) == sa.func.lower(_VALUE))
    # Not by the column alone: SQLite would walk the index of that, and meet everybody.
    .order_by(_u.c.created_at + sa.literal_column("0"))
)
_BY_EMAIL = Stmt(
    sa.select(_u).where(_HERE, sa.func.lower(_u.c.primary_email) == sa.func.lower(_VALUE))
)
_BY_PHONE = Stmt(sa.select(_u).where(_HERE, _u.c.primary_phone == _VALUE))
_STANDING = Stmt(
    sa.select(_u.c.is_suspended, _u.c.tokens_valid_after).where(_HERE, _u.c.id == _VALUE)
)
_SIGNED_IN = Stmt(
    sa.update(_u)
    .where(_HERE, _u.c.id == sa.bindparam("at_id"))
    .values(last_sign_in_at=sa.bindparam("new_last_sign_in_at"))
)

_FOLDED = sa.func.lower(_u.c.username)
_SHARED = (
    sa.select(_FOLDED.label("name"))
    .where(_HERE, _u.c.username.is_not(None))
    .group_by(_FOLDED)
    .having(sa.func.count() > 1)
)
_COUNT_ALIKE = Stmt(sa.select(sa.func.count()).select_from(_SHARED.subquery()))
_ALIKE = Stmt(_SHARED.order_by(_FOLDED).limit(sa.bindparam("limit", type_=sa.Integer)))
MAX_ALIKE = 20
"""Users that are named of those who share a username."""
_NAMED_ALIKE = Stmt(
    sa.select(_u.c.id)
    .where(_HERE, _FOLDED == _VALUE)
    .order_by(_u.c.created_at + sa.literal_column("0"), _u.c.id)
    .limit(MAX_ALIKE)
)

FEW_HOLDERS = 2000
"""Up to so many holders of a role are sorted for a page; of more, the newest users are tried."""
SEARCH_FIELDS = ("id", "username", "primary_email", "primary_phone", "name")
"""What Logto's search looks through."""
_FINDER = Finder(
    _u,
    SEARCH_FIELDS,
    lower_case=("id", "primary_phone"),
    filters={
        "one of few": USER_ROLES.has_member("role_id"),
        "one of many": USER_ROLES.has_member_each("role_id"),
    },
)

_SSO = Rows(schema.sso_identities, SsoIdentity)
_SSO_OF_USER = Stmt(
    sa.select(schema.sso_identities).where(
        schema.sso_identities.c.tenant_id == sa.bindparam("tenant_id"),
        schema.sso_identities.c.user_id == sa.bindparam("user_id"),
    )
)


class Users(Repository[User]):
    """The people of a tenant."""

    rows = Rows(_u, User)
    event = "User"

    def find_by_username(self, username: str, *, case_sensitive: bool = True) -> User | None:
        """Who has this username, or None.

        Without regard to case several may have it: the one who was first is returned.
        """
        return self._by(_BY_USERNAME if case_sensitive else _BY_FOLDED_USERNAME, username)

    def find_by_email(self, email: str) -> User | None:
        """Who has this primary email address, in whatever case, or None."""
        return self._by(_BY_EMAIL, email)

    def find_by_phone(self, phone: str) -> User | None:
        """Who has this primary phone number (digits, with country code), or None."""
        return self._by(_BY_PHONE, phone)

    def alike(self, limit: int) -> tuple[int, dict[str, list[str]]]:
        """How many usernames are shared without regard to case, and by whom some of them are.

        At most `MAX_ALIKE` users are named for each.
        """
        here = {"tenant_id": self.tenant_id}
        total = self.tx.row(_COUNT_ALIKE, here)
        names = [row[0] for row in self.tx.rows(_ALIKE, {**here, "limit": limit})]
        found: dict[str, list[str]] = {}
        for name in names:
            rows = self.tx.rows(_NAMED_ALIKE, {**here, "value": name})
            found[name] = [row[0] for row in rows]
        return (int(total[0]) if total else 0), found

    def search(
        self,
        search: Search | str | None = None,
        limit: int = 20,
        offset: int = 0,
        *,
        role_id: str | None = None,
    ) -> Page[User]:
        """One page of the users found, newest first; a string is looked for in all fields.

        With `role_id`, only those who have the role.
        """
        if role_id is None:
            listing, params = _FINDER.listing(search)
            return self._page(listing, limit, offset, **params)
        holders = UserRoles(self.tx, self.tenant_id).count_owners(role_id)
        few = holders <= FEW_HOLDERS
        listing, params = _FINDER.listing(
            search, ("one of few" if few else "one of many",), few=few
        )
        params["role_id"] = role_id
        if search is None:
            return Page(self._items(listing, limit, offset, **params), holders)
        return self._page(listing, limit, offset, **params)

    def create(self, record: User) -> User:
        """Store a new user, who receives the default roles.

        Raises `Conflict` on `username`, `primary_email`, `primary_phone` (or `id`).
        """
        if record.password_hash is not None and record.password_changed_at is None:
            record = msgspec.structs.replace(record, password_changed_at=self.tx.now)
        user = super().create(record)
        roles = Roles(self.tx, self.tenant_id).default_ids("User")
        if roles:
            UserRoles(self.tx, self.tenant_id).add(user.id, roles)
        return user

    def set_password(
        self, user_id: str, password_hash: str, algorithm: str, *, ends_tokens: bool = True
    ) -> User:
        """Change the password, which ends what was issued under the old one unless it is said.

        Raises `NotFound`.
        """
        changes: dict[str, Any] = {
            "password_hash": password_hash,
            "password_algorithm": algorithm,
            "password_changed_at": self.tx.now,
            "is_password_expired": False,
        }
        if ends_tokens:
            changes["tokens_valid_after"] = self.tx.now
        return self._update((user_id,), changes, "Password.Updated")

    def rehash_password(
        self, user_id: str, old_hash: str, password_hash: str, algorithm: str
    ) -> bool:
        """Store the same password in another form, if it is still the same.

        Ends nothing, and records no event. Returns whether it was still the same.
        """
        user = self.get(user_id)
        if user.password_hash != old_hash:
            return False
        values = {"password_hash": password_hash, "password_algorithm": algorithm}
        params: dict[str, Any] = {f"new_{name}": value for name, value in values.items()}
        statement = self.rows.updating(frozenset(values))
        self.tx.rows(statement, params | self.rows.at(self.tenant_id, (user_id,)))
        return True

    def set_suspended(self, user_id: str, suspended: bool) -> User:
        """Suspend the user, which ends what was issued to them, or let them in again.

        Raises `NotFound`.
        """
        changes: dict[str, Any] = {"is_suspended": suspended}
        if suspended:
            changes["tokens_valid_after"] = self.tx.now
        return self._update((user_id,), changes, "SuspensionStatus.Updated")

    def let_in(self, user_id: str, since: int) -> bool:
        """Whether what began at `since` (ms since the epoch) is still good for the user."""
        row = self.tx.row(_STANDING, {"tenant_id": self.tenant_id, "value": user_id})
        return row is not None and not row[0] and since >= row[1]

    def signed_in(self, user_id: str) -> None:
        """Note that the user has just signed in. No event; no error if they are gone."""
        self.tx.run(
            _SIGNED_IN,
            {
                "tenant_id": self.tenant_id,
                "at_id": user_id,
                "new_last_sign_in_at": self.tx.now,
            },
        )

    def sso_identities(self, user_id: str) -> list[SsoIdentity]:
        """Who the user is at enterprise identity providers."""
        params = {"tenant_id": self.tenant_id, "user_id": user_id}
        return [_SSO.mapping.read(self.tx, row) for row in self.tx.rows(_SSO_OF_USER, params)]

    @staticmethod
    def _new_id() -> str:
        return new_user_id()

    def _by(self, statement: Stmt, value: str) -> User | None:
        return self._one(statement, {"tenant_id": self.tenant_id, "value": value})
