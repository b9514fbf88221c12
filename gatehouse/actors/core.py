"""The parts of a running server that every dialect calls, held together in one value.

A dialect receives a `Core` with each call and nothing else: no globals, no registry. It is built
once per process, after the engine and the database are up.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatehouse.actors.activity import Activity
from gatehouse.actors.assets import AssetStore
from gatehouse.actors.audit import AuditEntry, record
from gatehouse.actors.client_documents import ClientDocuments
from gatehouse.actors.collector import Collector
from gatehouse.actors.connectors.messengers import Messengers
from gatehouse.actors.connectors.social.backchannel import Backchannel
from gatehouse.actors.connectors.social.registry import SocialConnectors
from gatehouse.actors.cookies import CookieSigner
from gatehouse.actors.directory import Directory
from gatehouse.actors.keyring import key_id
from gatehouse.actors.outbound import Outbound
from gatehouse.actors.scripts.runner import ScriptRunner
from gatehouse.actors.secret_ring import SecretRing
from gatehouse.actors.sso.identity_providers import IdentityProviders
from gatehouse.actors.tokens import TokenCodec

if TYPE_CHECKING:
    from gatehouse.actors.hashing import PasswordHasher
    from gatehouse.actors.keyring import Keyring
    from gatehouse.engine.engine import Engine
    from gatehouse.engine.redis import Redis
    from gatehouse.storage.database import Database
    from gatehouse.storage.vault import Vault


MAX_JOURNAL = 20_000
"""Lines of the audit log that one process keeps while the database is away, at about 1 KB each."""


class CoreObserver:
    """What the core reports about itself; the default ignores it. Operations count it."""

    def sign_in(self, factor: str, outcome: str) -> None:
        """A sign-in attempt ended. Both values are from fixed sets: they become metric labels."""

    def lockout(self) -> None:
        """An identifier was locked after too many failures."""

    def token_issued(self, grant_type: str) -> None:
        """The token endpoint answered a grant with tokens."""


def wall_clock() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Core:
    """One tenant's identity core in one process.

    `public_url` has no trailing slash. `ring` holds the server's own secrets, for whoever needs a
    derived key; `vault` seals secrets that wait in Redis. `clock()` is in milliseconds since the
    epoch. Protected applications are reached as subdomains of `protected_app_domain`; without it
    there are none.
    """

    tenant_id: str
    public_url: str
    engine: Engine
    db: Database
    directory: Directory
    hasher: PasswordHasher
    ring: SecretRing
    vault: Vault
    tokens: TokenCodec
    cookies: CookieSigner
    observer: CoreObserver
    clock: Callable[[], int]
    activity: Activity
    journal: Collector[AuditEntry]
    outbound: Outbound
    identity_providers: IdentityProviders
    protected_app_domain: str | None
    messengers: Messengers
    backchannel: Backchannel
    social: SocialConnectors
    scripts: ScriptRunner
    assets: AssetStore | None = None

    @property
    def issuer(self) -> str:
        """The issuer identifier of this tenant (OpenID Connect Discovery §3)."""
        return f"{self.public_url}/oidc"

    async def keyring(self, token: str | None = None) -> Keyring:
        """The signing keys as of now: cached, and replaced when an operator rotates them.

        `token` is one that is to be verified: it may name a key that another node has just begun
        to sign with.
        """
        return await self.directory.keyring(None if token is None else key_id(token))


def build_core(
    *,
    tenant_id: str,
    public_url: str,
    engine: Engine,
    redis: Redis,
    db: Database,
    hasher: PasswordHasher,
    ring: SecretRing,
    observer: CoreObserver | None = None,
    clock: Callable[[], int] = wall_clock,
    outbound: Outbound | None = None,
    messengers: Messengers | None = None,
    protected_app_domain: str | None = None,
    assets: AssetStore | None = None,
) -> Core:
    """Put a core together from parts that are already running.

    The caller keeps `core.directory.run()` running in its nursery, which tells other processes
    what was changed in this one, and `core.activity.run()` and `core.journal.run()`, which store
    what is noted in passing: who was active, and lines of the audit log that no turn leaves.
    """
    outbound = outbound or Outbound()
    messengers = messengers or Messengers(db, outbound)
    directory = Directory(tenant_id, db, redis, clock, ClientDocuments(outbound))
    return Core(
        tenant_id=tenant_id,
        public_url=public_url.rstrip("/"),
        engine=engine,
        db=db,
        directory=directory,
        hasher=hasher,
        ring=ring,
        vault=ring.vault(),
        tokens=TokenCodec(ring),
        cookies=CookieSigner(ring),
        observer=observer or CoreObserver(),
        clock=clock,
        activity=Activity(tenant_id, db, clock),
        journal=Collector(db, record, MAX_JOURNAL),
        outbound=outbound,
        identity_providers=IdentityProviders(outbound, clock),
        protected_app_domain=protected_app_domain,
        messengers=messengers,
        backchannel=Backchannel(outbound, clock),
        social=SocialConnectors(directory, messengers),
        scripts=ScriptRunner(outbound),
        assets=assets,
    )
