"""Enterprise single sign-on: connectors to identity providers, and who people are there.

The domains of a connector decide whose email addresses are sent to it. They are kept twice: with
the connector in the order they were given, and as rows of their own that a sign-in looks up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from gatehouse.storage import schema
from gatehouse.storage.errors import NotFound
from gatehouse.storage.links import LinkRows, Links
from gatehouse.storage.organizations_template import ORGANIZATIONS
from gatehouse.storage.records import Json, Record, SsoIdentity
from gatehouse.storage.repository import Listing, Page, Repository, Rows
from gatehouse.storage.statement import Stmt
from gatehouse.storage.transaction import Transaction


class SsoConnector(Record, frozen=True, kw_only=True):
    """A company's identity provider. `config` is JSON text, sealed where it is stored."""

    tenant_id: str = ""
    id: str = ""
    provider_name: str
    connector_name: str
    config: str = "{}"
    domains: list[str] = msgspec.field(default_factory=list)
    branding: Json = msgspec.field(default_factory=dict)
    sync_profile: bool = False
    enable_token_storage: bool = False
    created_at: int = 0


class SsoSigningKey(Record, frozen=True, kw_only=True):
    """What a connector signs its SAML requests with: PEM, the certificate for everyone to see."""

    tenant_id: str = ""
    sso_connector_id: str
    id: str = ""
    private_key: str
    certificate: str
    active: bool
    expires_at: int
    created_at: int = 0


class SsoIdpInitiatedConfig(Record, frozen=True, kw_only=True):
    """Where people go whom a connector's identity provider sends here unasked."""

    tenant_id: str = ""
    sso_connector_id: str
    default_application_id: str
    redirect_uri: str | None = None
    auth_parameters: dict[str, str] = msgspec.field(default_factory=dict)
    auto_send_authorization_request: bool = False
    client_idp_initiated_auth_callback_uri: str | None = None
    created_at: int = 0


_c = schema.sso_connectors
_d = schema.sso_connector_domains
_k = schema.sso_signing_keys
_i = schema.sso_identities

CONNECTORS = Rows(_c, SsoConnector)
JIT_CONNECTORS = LinkRows(schema.organization_jit_sso_connectors, ORGANIZATIONS, CONNECTORS)

_OF_TENANT = Stmt(
    sa.select(_c)
    .where(_c.c.tenant_id == sa.bindparam("tenant_id"))
    .order_by(_c.c.created_at, _c.c.id)
    .limit(sa.bindparam("row_limit", type_=sa.Integer))
)
_OF_DOMAIN = Stmt(
    sa.select(_c)
    .join(_d, (_d.c.tenant_id == _c.c.tenant_id) & (_d.c.sso_connector_id == _c.c.id))
    .where(_d.c.tenant_id == sa.bindparam("tenant_id"), _d.c.domain == sa.bindparam("domain"))
    .order_by(_c.c.created_at, _c.c.id)
)
_OF_CONNECTOR = (
    _d.c.tenant_id == sa.bindparam("tenant_id"),
    _d.c.sso_connector_id == sa.bindparam("sso_connector_id"),
)
_CLEAR_DOMAINS = Stmt(sa.delete(_d).where(*_OF_CONNECTOR))
_ADD_DOMAIN = Stmt(
    sa.insert(_d).values(
        {name: sa.bindparam(name) for name in ("tenant_id", "sso_connector_id", "domain")}
    )
)
_FORGET_IDENTITIES = Stmt(
    sa.delete(_i).where(
        _i.c.tenant_id == sa.bindparam("tenant_id"),
        _i.c.sso_connector_id == sa.bindparam("sso_connector_id"),
    )
)
_BY_IDENTITY = Stmt(
    sa.select(_i).where(
        _i.c.tenant_id == sa.bindparam("tenant_id"),
        _i.c.issuer == sa.bindparam("issuer"),
        _i.c.identity_id == sa.bindparam("identity_id"),
    )
)
_OF_USER = Stmt(
    sa.select(_i)
    .where(
        _i.c.tenant_id == sa.bindparam("tenant_id"),
        _i.c.user_id == sa.bindparam("user_id"),
        _i.c.sso_connector_id == sa.bindparam("sso_connector_id"),
    )
    .order_by(_i.c.created_at, _i.c.id)
)
_KEYS_HERE = (
    _k.c.tenant_id == sa.bindparam("tenant_id"),
    _k.c.sso_connector_id == sa.bindparam("sso_connector_id"),
)
_KEYS = Stmt(sa.select(_k).where(*_KEYS_HERE).order_by(_k.c.created_at.desc(), _k.c.id))
_ACTIVE_KEY = Stmt(sa.select(_k).where(*_KEYS_HERE, _k.c.active))
_JIT_PAGE = Listing(_c, JIT_CONNECTORS.related("organization_id"), keyed=True)
_JIT_ORGANIZATIONS = Stmt(
    sa.select(schema.organization_jit_sso_connectors.c.organization_id)
    .where(
        schema.organization_jit_sso_connectors.c.tenant_id == sa.bindparam("tenant_id"),
        schema.organization_jit_sso_connectors.c.sso_connector_id
        == sa.bindparam("sso_connector_id"),
    )
    .order_by(schema.organization_jit_sso_connectors.c.organization_id)
)


class SsoConnectors(Repository[SsoConnector]):
    """The connectors of a tenant. `create` and `update` raise `Conflict` on `connector_name`."""

    rows = CONNECTORS
    event = "SsoConnector"

    def all(self, limit: int) -> list[SsoConnector]:
        """The connectors, oldest first, up to `limit`."""
        return self._many(_OF_TENANT, row_limit=limit)

    def of_domain(self, domain: str) -> list[SsoConnector]:
        """The connectors that people with such an email address sign in through, oldest first."""
        return self._many(_OF_DOMAIN, domain=domain.lower())

    def create(self, record: SsoConnector) -> SsoConnector:
        """Store a connector with its domains."""
        made = super().create(record)
        self._set_domains(made)
        return made

    def _update(self, key: Sequence[str], changes: Mapping[str, object], verb: str) -> SsoConnector:
        changed = super()._update(key, changes, verb)
        if "domains" in changes:
            self._set_domains(changed)
        return changed

    def delete(self, *key: str) -> None:
        """Delete a connector, and who people are there. Raises `NotFound`."""
        super().delete(*key)
        self.tx.run(_FORGET_IDENTITIES, {"tenant_id": self.tenant_id, "sso_connector_id": key[0]})

    def of_organization(self, organization_id: str, limit: int, offset: int) -> Page[SsoConnector]:
        """One page of the connectors whose people join an organization, newest first."""
        return self._page(_JIT_PAGE, limit, offset, organization_id=organization_id)

    def _set_domains(self, connector: SsoConnector) -> None:
        here: dict[str, Any] = {"tenant_id": self.tenant_id, "sso_connector_id": connector.id}
        self.tx.run(_CLEAR_DOMAINS, here)
        for domain in dict.fromkeys(one.lower() for one in connector.domains):
            self.tx.run(_ADD_DOMAIN, here | {"domain": domain})


class SsoSigningKeys(Repository[SsoSigningKey]):
    """The keys that connectors sign with; at most one of each is active.

    The key of a record is (connector id, id).
    """

    rows = Rows(_k, SsoSigningKey)

    def of(self, connector_id: str) -> list[SsoSigningKey]:
        """The keys of a connector, newest first."""
        return self._many(_KEYS, sso_connector_id=connector_id)

    def active(self, connector_id: str) -> SsoSigningKey | None:
        """The key that a connector signs with, if it has one."""
        found = self._many(_ACTIVE_KEY, sso_connector_id=connector_id)
        return found[0] if found else None

    def create(self, record: SsoSigningKey) -> SsoSigningKey:
        """Store a key. If it is active, the one that was active before is not any more."""
        if record.active:
            self._retire(record.sso_connector_id)
        return super().create(record)

    def set_active(self, connector_id: str, key_id: str, active: bool) -> SsoSigningKey:
        """Sign with this key from now on, or not any more. Raises `NotFound`."""
        self.get(connector_id, key_id)
        if active:
            self._retire(connector_id)
        return self.update(connector_id, key_id, active=active)

    def _retire(self, connector_id: str) -> None:
        current = self.active(connector_id)
        if current is not None:
            self.update(connector_id, current.id, active=False)


class SsoIdpInitiatedConfigs(Repository[SsoIdpInitiatedConfig]):
    """What connectors do with people who come unasked; the key is the connector's id."""

    rows = Rows(schema.sso_idp_initiated_configs, SsoIdpInitiatedConfig)

    def put(self, record: SsoIdpInitiatedConfig) -> SsoIdpInitiatedConfig:
        """Store a configuration in place of the connector's old one.

        Raises `NotFound` if connector or application do not exist.
        """
        if self.find(record.sso_connector_id) is not None:
            self.delete(record.sso_connector_id)
        return self.create(record)


class SsoIdentities(Repository[SsoIdentity]):
    """Who people are at identity providers. `create` raises `Conflict` on `identity_id`."""

    rows = Rows(_i, SsoIdentity)

    def find_by_identity(self, issuer: str, identity_id: str) -> SsoIdentity | None:
        """The user's identity that an identity provider knows by this id, or None."""
        return self._one(
            _BY_IDENTITY,
            {"tenant_id": self.tenant_id, "issuer": issuer, "identity_id": identity_id},
        )

    def of_user(self, user_id: str, connector_id: str) -> SsoIdentity:
        """Who a user is at a connector's identity provider. Raises `NotFound`."""
        found = self._many(_OF_USER, user_id=user_id, sso_connector_id=connector_id)
        if not found:
            raise NotFound(self.rows.entity, f"{user_id}/{connector_id}")
        return found[0]


class OrganizationJitSsoConnectors(Links):
    """The connectors whose people join an organization by themselves."""

    def __init__(self, tx: Transaction, tenant_id: str) -> None:
        super().__init__(tx, tenant_id, JIT_CONNECTORS)

    def organizations(self, connector_id: str) -> list[str]:
        """The organizations that people of a connector join."""
        params = {"tenant_id": self.tenant_id, "sso_connector_id": connector_id}
        return [row[0] for row in self.tx.rows(_JIT_ORGANIZATIONS, params)]
