"""Personal access tokens: sealed, because the API shows them again, and found by their digest."""

from __future__ import annotations

import hashlib

import sqlalchemy as sa

from gatehouse.storage import schema
from gatehouse.storage.errors import Conflict
from gatehouse.storage.records import PersonalAccessToken
from gatehouse.storage.repository import Repository, Rows
from gatehouse.storage.statement import Stmt
from gatehouse.storage.transaction import Transaction

_t = schema.personal_access_tokens
_OF_USER = Stmt(
    sa.select(_t)
    .where(_t.c.tenant_id == sa.bindparam("tenant_id"), _t.c.user_id == sa.bindparam("user_id"))
    .order_by(_t.c.created_at, _t.c.name)
)
_BY_DIGEST = Stmt(
    sa.select(_t).where(
        _t.c.tenant_id == sa.bindparam("tenant_id"),
        _t.c.value_digest == sa.bindparam("value_digest"),
    )
)


class PersonalAccessTokens(Repository[PersonalAccessToken]):
    """The named tokens of users; their key is (user id, name).

    `create` raises `Conflict` on `name`, `Referenced` if there is no such user.
    """

    rows = Rows(_t, PersonalAccessToken)

    def of(self, user_id: str) -> list[PersonalAccessToken]:
        """A user's tokens, oldest first, also those that have expired."""
        return self._many(_OF_USER, user_id=user_id)

    def find_by_value(self, value: str) -> PersonalAccessToken | None:
        """The token that was presented."""
        found = self._many(_BY_DIGEST, value_digest=digest(value))
        return found[0] if found else None

    def make(self, record: PersonalAccessToken) -> PersonalAccessToken:
        """Store a new token under its digest."""
        return self.create(
            PersonalAccessToken(
                user_id=record.user_id,
                name=record.name,
                value=record.value,
                value_digest=digest(record.value),
                expires_at=record.expires_at,
                created_at=record.created_at,
            )
        )

    def rename(self, user_id: str, name: str, new_name: str) -> PersonalAccessToken:
        """Give a token another name. Raises `NotFound`, `Conflict`.

        The seal is bound to the name, so the token is sealed anew.
        """
        old = self.get(user_id, name)
        if name == new_name:
            return old
        if self.find(user_id, new_name) is not None:
            raise Conflict(self.rows.entity, "name")
        self.delete(user_id, name)
        return self.make(
            PersonalAccessToken(
                user_id=user_id,
                name=new_name,
                value=old.value,
                expires_at=old.expires_at,
                created_at=old.created_at,
            )
        )


def find_token_user(tx: Transaction, tenant_id: str, value: str, now: int) -> str | None:
    """Whose token this is, if it is good at this moment (ms)."""
    token = PersonalAccessTokens(tx, tenant_id).find_by_value(value)
    if token is None or (token.expires_at is not None and token.expires_at <= now):
        return None
    return token.user_id


def digest(value: str) -> str:
    """What a token is found by. Tokens are random, so a plain digest gives nothing away."""
    return hashlib.sha256(value.encode()).hexdigest()
