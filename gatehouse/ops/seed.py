"""The first start: what must exist so that a new installation can be used and managed.

A tenant, the Management API as a resource, a machine-to-machine application that may call it, a
signing key, the sign-in experience, and (unless told otherwise) an application and a user to try
it with. Seeding again adds what the settings now ask for and brings back nothing that an operator
has deleted. What was made up here is returned once, to be printed and kept.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import TYPE_CHECKING, Any, Final

import msgspec

from gatehouse.actors.hashing import StoredPassword, hash_now
from gatehouse.actors.keyring import KeyMaterial, KeyStatus, SigningAlgorithm, generate_key
from gatehouse.storage.applications import Applications, ApplicationSecrets
from gatehouse.storage.ids import new_id
from gatehouse.storage.records import (
    Application,
    ApplicationSecret,
    OidcClientMetadata,
    Resource,
    Role,
    Scope,
    SignInExperience,
    SigningKey,
    Tenant,
    User,
)
from gatehouse.storage.resources import Resources, Scopes
from gatehouse.storage.roles import ApplicationRoles, Roles, RoleScopes
from gatehouse.storage.tenants import SignInExperiences, SigningKeys, System, Tenants
from gatehouse.storage.users import Users

if TYPE_CHECKING:
    from gatehouse.ops.settings import Settings
    from gatehouse.storage.database import Database
    from gatehouse.storage.transaction import Transaction

SEED_VERSION: Final = 1
"""Raised when a release seeds something more."""

MANAGEMENT_SCOPE: Final = "all"
MANAGEMENT_ROLE: Final = "Management API access"
DEMO_APP: Final = "demo-app"
DEMO_PATH: Final = "/demo-app"
"""The page of the demo application, which is also where it is redirected to."""
SECRET_NAME: Final = "Default secret"  # noqa: S105  # the name of one
_MARK: Final = "seed"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a seed needs and a unit of work must not make itself."""

    tenant_id: str
    origin: str
    fingerprint: str
    client_id: str
    client_secret: str
    key: KeyMaterial
    demo: bool
    demo_user: str
    demo_password: str
    demo_hash: StoredPassword


class Seeded(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a seed made that nobody can look up later."""

    management_client_id: str = ""
    management_client_secret: str = ""
    management_resource: str = ""
    demo_user: str = ""
    demo_password: str = ""


def management_resource(tenant_id: str) -> str:
    """The resource indicator of a tenant's Management API (RFC 8707)."""
    return f"https://{tenant_id}.logto.app/api"


async def seed(db: Database, settings: Settings, tenant_id: str) -> Seeded | None:
    """Seed the tenant; `None` if it was seeded with these settings before.

    Raises what the database raises.
    """
    fingerprint = _fingerprint(settings)
    mark = await db.read(_read_mark)
    if mark.get("fingerprint") == fingerprint:
        return None
    password = settings.demo_password.get_secret_value() or secrets.token_urlsafe(12)
    plan = Plan(
        tenant_id=tenant_id,
        origin=settings.origin,
        fingerprint=fingerprint,
        client_id=settings.m2m_client_id or mark.get("client_id") or new_id(),
        client_secret=settings.m2m_client_secret.get_secret_value() or secrets.token_urlsafe(32),
        key=generate_key(SigningAlgorithm.ES384, KeyStatus.CURRENT),
        demo=settings.demo,
        demo_user=settings.demo_user,
        demo_password=password,
        demo_hash=hash_now(password),
    )
    secret_is_given = bool(settings.m2m_client_secret.get_secret_value())
    return await db.write(_seed, plan, secret_is_given)


def stored_key(key: KeyMaterial, tenant_id: str) -> SigningKey:
    """A signing key as storage keeps it."""
    return SigningKey(
        tenant_id=tenant_id,
        kid=key.kid,
        alg=key.algorithm.value,
        public_jwk=dict(key.public_jwk),
        private_key=key.private_pem.decode(),
        status=key.status.value,
    )


def _fingerprint(settings: Settings) -> str:
    facts = [
        SEED_VERSION,
        settings.origin,
        settings.m2m_client_id,
        settings.m2m_client_secret.get_secret_value(),
        settings.demo,
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _read_mark(tx: Transaction) -> dict[str, Any]:
    text = System(tx).find(_MARK)
    mark: dict[str, Any] = json.loads(text) if text else {}
    return mark


def _seed(tx: Transaction, plan: Plan, secret_is_given: bool) -> Seeded:
    mark = _read_mark(tx)
    tenant = plan.tenant_id
    if not mark:
        _tenant(tx, plan)
    made = Seeded()
    if mark.get("client_id") != plan.client_id or secret_is_given:
        made = _manager(tx, plan)
    if plan.demo and not mark.get("demo"):
        made = msgspec.structs.replace(made, **_demo(tx, plan))
    _follow_origin(tx, plan)
    content = {
        "fingerprint": plan.fingerprint,
        "client_id": plan.client_id,
        "demo": bool(plan.demo or mark.get("demo")),
        "tenant": tenant,
    }
    System(tx).put(_MARK, json.dumps(content))
    return made


def _tenant(tx: Transaction, plan: Plan) -> None:
    tenant = plan.tenant_id
    if Tenants(tx).find(tenant) is None:
        Tenants(tx).create(Tenant(id=tenant, name=tenant))
    if not SigningKeys(tx, tenant).all():
        SigningKeys(tx, tenant).create(stored_key(plan.key, tenant))
    if SignInExperiences(tx, tenant).find("default") is None:
        SignInExperiences(tx, tenant).create(SignInExperience())
    indicator = management_resource(tenant)
    if Resources(tx, tenant).find_by_indicator(indicator) is None:
        resource = Resources(tx, tenant).create(
            Resource(name="Logto Management API", indicator=indicator)
        )
        scope = Scopes(tx, tenant).create(
            Scope(
                resource_id=resource.id,
                name=MANAGEMENT_SCOPE,
                description="Full access to the Management API",
            )
        )
        role = Roles(tx, tenant).create(
            Role(
                name=MANAGEMENT_ROLE,
                description="For programs that manage this server",
                type="MachineToMachine",
            )
        )
        RoleScopes(tx, tenant).add(role.id, [scope.id])


def _manager(tx: Transaction, plan: Plan) -> Seeded:
    """The application that manages the server, with the secret of the plan."""
    tenant = plan.tenant_id
    if Applications(tx, tenant).find(plan.client_id) is None:
        Applications(tx, tenant).create(
            Application(id=plan.client_id, name="Management", type="MachineToMachine")
        )
    kept = ApplicationSecrets(tx, tenant)
    if kept.find(plan.client_id, SECRET_NAME) is not None:
        kept.delete(plan.client_id, SECRET_NAME)
    kept.create(
        ApplicationSecret(application_id=plan.client_id, name=SECRET_NAME, value=plan.client_secret)
    )
    role = Roles(tx, tenant).find_by_name(MANAGEMENT_ROLE)
    if role is not None:
        ApplicationRoles(tx, tenant).add(plan.client_id, [role.id])
    return Seeded(
        management_client_id=plan.client_id,
        management_client_secret=plan.client_secret,
        management_resource=management_resource(tenant),
    )


def _demo(tx: Transaction, plan: Plan) -> dict[str, str]:
    tenant = plan.tenant_id
    if Applications(tx, tenant).find(DEMO_APP) is None:
        Applications(tx, tenant).create(Application(id=DEMO_APP, name="Demo", type="SPA"))
    if Users(tx, tenant).find_by_username(plan.demo_user) is not None:
        return {}
    Users(tx, tenant).create(
        User(
            username=plan.demo_user,
            password_hash=plan.demo_hash.digest,
            password_algorithm=plan.demo_hash.algorithm,
        )
    )
    return {"demo_user": plan.demo_user, "demo_password": plan.demo_password}


def _follow_origin(tx: Transaction, plan: Plan) -> None:
    """Have the demo application redirected to where its page now is."""
    applications = Applications(tx, plan.tenant_id)
    if applications.find(DEMO_APP) is not None:
        page = plan.origin + DEMO_PATH
        metadata = OidcClientMetadata(redirect_uris=[page], post_logout_redirect_uris=[page])
        applications.update(DEMO_APP, oidc_client_metadata=metadata)
