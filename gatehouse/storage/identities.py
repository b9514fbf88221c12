"""Who users are at social providers, and the tokens those gave, sealed.

An identity is kept twice: with its user, as it is shown, and as a row of its own by which the user
is found and of which there is one in the tenant. Both are changed here and nowhere else. Tokens go
with the identity, the connector or the user they belong to, whichever goes first.
"""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from gatehouse.storage import schema
from gatehouse.storage.errors import Conflict, NotFound
from gatehouse.storage.records import Json, Record, User
from gatehouse.storage.repository import Repository, Rows
from gatehouse.storage.statement import Stmt
from gatehouse.storage.transaction import Transaction
from gatehouse.storage.users import Users

TOKEN_SET = "federated_token_set"  # noqa: S105 - the name of a kind of secret
"""The kind of secret that tokens of another provider are."""


class _Identity(Record, frozen=True, kw_only=True):
    tenant_id: str = ""
    target: str
    identity_id: str
    user_id: str


class Secret(Record, frozen=True, kw_only=True):
    """Tokens of another provider: `value` is JSON text, in the clear here and sealed at rest.

    `target` and `connector_id` are a social identity's, `issuer` and `sso_connector_id` an
    enterprise one's. `metadata` says what may be known without opening it.
    """

    tenant_id: str = ""
    id: str = ""
    user_id: str
    type: str = TOKEN_SET
    value: str
    metadata: Json = msgspec.field(default_factory=dict)
    connector_id: str | None = None
    target: str | None = None
    sso_connector_id: str | None = None
    issuer: str | None = None
    identity_id: str
    created_at: int = 0
    updated_at: int = 0


_i = schema.social_identities
_s = schema.secrets
_ROWS = Rows(_i, _Identity)
_OF_USER = Stmt(
    sa.delete(_i).where(
        _i.c.tenant_id == sa.bindparam("tenant_id"),
        _i.c.user_id == sa.bindparam("user_id"),
        _i.c.target == sa.bindparam("target"),
    )
)
_SECRETS_OF_USER = Stmt(
    sa.select(_s)
    .where(_s.c.tenant_id == sa.bindparam("tenant_id"), _s.c.user_id == sa.bindparam("user_id"))
    .order_by(_s.c.created_at, _s.c.id)
)
_OF_CONNECTOR = Stmt(
    sa.delete(_s).where(
        _s.c.tenant_id == sa.bindparam("tenant_id"),
        _s.c.connector_id == sa.bindparam("connector_id"),
    )
)

_OF_SSO_CONNECTOR = Stmt(
    sa.delete(_s).where(
        _s.c.tenant_id == sa.bindparam("tenant_id"),
        _s.c.sso_connector_id == sa.bindparam("sso_connector_id"),
    )
)


class SocialIdentities:
    """The social identities of a tenant's users, in one transaction."""

    def __init__(self, tx: Transaction, tenant_id: str) -> None:
        self.tx = tx
        self.tenant_id = tenant_id
        self._users = Users(tx, tenant_id)

    def find_user(self, target: str, identity_id: str) -> User | None:
        """Who this is."""
        row = self.tx.row(_ROWS.select, _ROWS.at(self.tenant_id, (target, identity_id)))
        if row is None:
            return None
        return self._users.find(_ROWS.mapping.read(self.tx, row).user_id)

    def link(self, user_id: str, target: str, identity_id: str, details: Json | None) -> User:
        """Let a user be this at the provider, in place of whom they were there before.

        Raises `NotFound` if there is no such user, `Conflict` on `identity_id` if it is another
        user's.
        """
        user = self._users.get(user_id)
        known = self.find_user(target, identity_id)
        if known is not None and known.id != user_id:
            raise Conflict(_ROWS.entity, "identity_id")
        if known is None:
            self._forget(user_id, target)
            record = _Identity(
                tenant_id=self.tenant_id, target=target, identity_id=identity_id, user_id=user_id
            )
            self.tx.run(_ROWS.insert, _ROWS.mapping.write(self.tx, record))
        identity: Json = {"userId": identity_id}
        if details is not None:
            identity["details"] = details
        return self._users.update(user_id, identities={**user.identities, target: identity})

    def unlink(self, user_id: str, target: str) -> User:
        """Let a user be nobody at the provider. Raises `NotFound`: no such user or identity."""
        user = self._users.get(user_id)
        if target not in user.identities:
            raise NotFound(_ROWS.entity, target)
        self._forget(user_id, target)
        others = {name: one for name, one in user.identities.items() if name != target}
        return self._users.update(user_id, identities=others)

    def _forget(self, user_id: str, target: str) -> None:
        params = {"tenant_id": self.tenant_id, "user_id": user_id, "target": target}
        self.tx.run(_OF_USER, params)


class Secrets(Repository[Secret]):
    """The sealed tokens of a tenant's users: one set for each identity."""

    rows = Rows(_s, Secret)

    def of(self, user_id: str) -> list[Secret]:
        """A user's token sets, oldest first."""
        return self._many(_SECRETS_OF_USER, user_id=user_id)

    def of_target(self, user_id: str, target: str) -> Secret | None:
        """The tokens of a user's social identity."""
        return next((one for one in self.of(user_id) if one.target == target), None)

    def of_sso_connector(self, user_id: str, sso_connector_id: str) -> Secret | None:
        """The tokens of a user's enterprise identity."""
        mine = self.of(user_id)
        return next((one for one in mine if one.sso_connector_id == sso_connector_id), None)

    def put(self, record: Secret) -> Secret:
        """Store a token set in place of the one that the identity has had.

        Raises `Referenced` if the identity or the connector does not exist.
        """
        for old in self.of(record.user_id):
            here = (record.target, record.sso_connector_id)
            if (old.target, old.sso_connector_id) == here:
                self.delete(old.id)
        return self.create(record)

    def delete_of_sso_connector(self, sso_connector_id: str) -> None:
        """Forget the tokens that came through an enterprise connector."""
        params = {"tenant_id": self.tenant_id, "sso_connector_id": sso_connector_id}
        self.tx.run(_OF_SSO_CONNECTOR, params)

    def delete_of_connector(self, connector_id: str) -> None:
        """Forget the tokens that came through a social connector."""
        self.tx.run(_OF_CONNECTOR, {"tenant_id": self.tenant_id, "connector_id": connector_id})
