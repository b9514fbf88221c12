"""What changes seldom and is asked for with every request: clients, resources, grants, keys.

Answers are remembered until something changes. A write in this process drops them before the
write returns, because the database tells us of its events; other processes hear of it through
Redis. Should that message be lost, `MAX_AGE_S` is the longest an old answer can live; and when the
subscription is made anew after a lost connection, everything is dropped.

Whatever is changed, everything is forgotten: changes are rare, reading again takes microseconds,
and no list of what depends on what can fall out of date.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, cast

import msgspec
import trio

from gatehouse.actors.account_center import AccountCenter, stored_account_center
from gatehouse.actors.client_documents import CIMD_CONFIG, ClientDocuments, is_document_id
from gatehouse.actors.clients import Client, client_of
from gatehouse.actors.id_tokens import DEFAULT_EXTENDED_CLAIMS, ID_TOKEN_CONFIG
from gatehouse.actors.key_rotation import as_of
from gatehouse.actors.keyring import KeyMaterial, Keyring, KeyStatus, SigningAlgorithm
from gatehouse.actors.session import SESSION_AGE_MS, SESSION_CONFIG
from gatehouse.actors.sign_in_rules import view_settings
from gatehouse.actors.sso.routing import offered_connectors
from gatehouse.engine.errors import EngineError
from gatehouse.storage.application_looks import (
    ApplicationSignInExperience,
    ApplicationSignInExperiences,
)
from gatehouse.storage.applications import Applications, ApplicationSecrets
from gatehouse.storage.captcha_providers import THE_ONE, CaptchaProviders
from gatehouse.storage.connectors import Connectors
from gatehouse.storage.consent_scopes import ClientScopes, ConsentScopes, registered
from gatehouse.storage.custom_phrases import CustomPhrases
from gatehouse.storage.custom_profile_fields import CustomProfileField, CustomProfileFields
from gatehouse.storage.domains import Domains
from gatehouse.storage.hooks import Hooks
from gatehouse.storage.organizations import Organizations
from gatehouse.storage.organizations_records import Organization
from gatehouse.storage.records import (
    CaptchaProvider,
    Connector,
    DomainEvent,
    Resource,
    SignInExperience,
)
from gatehouse.storage.resources import Resources, Scopes
from gatehouse.storage.scripts import Scripts
from gatehouse.storage.sso_connectors import SsoConnector
from gatehouse.storage.tenants import Configs, SignInExperiences, SigningKeys

if TYPE_CHECKING:
    from gatehouse.engine.redis import Redis
    from gatehouse.storage.database import Database
    from gatehouse.storage.transaction import Transaction

P = ParamSpec("P")
T = TypeVar("T")
V = TypeVar("V", bound=msgspec.Struct)

MAX_AGE_S = 5.0
"""How long an answer is believed without asking again."""

UNKNOWN_KEY_S = 0.5
"""How often at most the keys are read again because a token names an unknown one."""

MAX_ANSWERS = 20_000
"""Answers remembered; strangers can ask for clients that do not exist, so there is a bound."""

MAX_KEY_LENGTH = 512
"""Characters of a question whose answer is remembered; the longest identifiers fit."""

RETRY_S = 0.5
"""How long to wait before telling the others again, when Redis could not be reached."""

_ABOUT_USERS = "User."
"""Events of this prefix change nothing that is kept here."""


@dataclass(frozen=True, slots=True)
class Api:
    """A resource that tokens are issued for. `token_ttl` is in seconds."""

    indicator: str
    token_ttl: int


class Directory:
    """The remembered answers of one tenant in one process."""

    def __init__(
        self,
        tenant_id: str,
        db: Database,
        redis: Redis,
        clock: Callable[[], int],
        documents: ClientDocuments | None = None,
    ) -> None:
        self._tenant_id = tenant_id
        self._db = db
        self._redis = redis
        self._clock = clock
        self._documents = documents
        self._answers: dict[tuple[str, ...], tuple[float, Any]] = {}
        self._views: dict[type[msgspec.Struct], tuple[SignInExperience, msgspec.Struct]] = {}
        self._generation = 0
        self._unheard = trio.Event()
        self._keyring: Keyring | None = None
        self._keys_read_again = -math.inf
        self._channel = f"gh:directory:{tenant_id}"
        db.listen(self._on_events)
        redis.subscribe(self._channel, self._on_message)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Tell other processes of changes made here, until cancelled."""
        task_status.started()
        while True:
            await self._unheard.wait()
            self._unheard = trio.Event()
            try:
                await self._redis.execute("PUBLISH", self._channel, b"changed")
            except EngineError:
                self._unheard.set()
                await trio.sleep(RETRY_S)

    def forget(self) -> None:
        """Drop every answer; one that is being read at this moment is not kept either."""
        self._generation += 1
        self._answers.clear()

    async def client(self, client_id: str) -> Client | None:
        """The client of this id (RFC 6749 §2.2), registered or known by its document."""
        if self._documents is not None and is_document_id(client_id):
            known = await self.knows_documents()
            return await self._documents.find(client_id) if known else None
        return await self._ask(("client", client_id), _client, client_id)

    async def resource(self, indicator: str) -> Api | None:
        """The API of this resource indicator (RFC 8707 §2)."""
        return await self._ask(("resource", indicator), _resource, indicator)

    async def default_resource(self) -> Api | None:
        """The API that tokens are for when none is named."""
        return await self._ask(("default resource",), _default_resource)

    async def client_scopes(self, client_id: str, indicator: str) -> frozenset[str]:
        """What the client's own roles let it do at a resource."""
        key = ("client scopes", client_id, indicator)
        return await self._ask(key, _client_scopes, client_id, indicator)

    async def knows_documents(self) -> bool:
        """Whether clients may be known by their metadata document alone."""
        return await self._ask(("documents",), _knows_documents)

    async def allowed_scopes(self, client_id: str) -> ClientScopes:
        """What a client that is not the tenant's own may ask for."""
        return await self._ask(("allowed scopes", client_id), _allowed_scopes, client_id)

    async def application_looks(self, client_id: str) -> ApplicationSignInExperience | None:
        """How an application's pages look where they differ from the tenant's."""
        return await self._ask(("application looks", client_id), _application_looks, client_id)

    async def organization(self, organization_id: str) -> Organization | None:
        """The organization of this id."""
        return await self._ask(("organization", organization_id), _organization, organization_id)

    async def sign_in_experience(self) -> SignInExperience:
        """How the tenant's people sign in."""
        return await self._ask(("sign-in experience",), _sign_in_experience)

    async def sign_in_settings(self, view: type[V]) -> V:
        """Those of its settings that a view names."""
        experience = await self.sign_in_experience()
        known = self._views.get(view)
        if known is None or known[0] is not experience:
            known = self._views[view] = experience, view_settings(experience, view)
        return cast(V, known[1])

    async def custom_phrases(self) -> dict[str, dict[str, Any]]:
        """What the operator lets the pages say, by language tag."""
        return await self._ask(("custom phrases",), _custom_phrases)

    def remembered_language(self) -> tuple[Mapping[str, Any], Mapping[str, Mapping[str, Any]]]:
        """The tenant's `languageInfo` and phrases as they were last read, for who cannot wait."""
        settings = self._answers.get(("sign-in experience",))
        custom = self._answers.get(("custom phrases",))
        return (
            {"autoDetect": True} if settings is None else settings[1].language_info,
            {} if custom is None else custom[1],
        )

    async def verification_files(self) -> dict[tuple[str, str], dict[str, str]]:
        """The files that domains have, by domain and path."""
        return await self._ask(("verification files",), _verification_files)

    async def custom_profile_fields(self) -> list[CustomProfileField]:
        """What the tenant asks people for besides, in the order of the page."""
        return await self._ask(("custom profile fields",), _custom_profile_fields)

    async def captcha_provider(self) -> CaptchaProvider | None:
        """The service that tells people from programs, if there is one."""
        return await self._ask(("captcha provider",), _captcha_provider)

    async def account_center(self) -> AccountCenter:
        """What people may do with their own accounts."""
        return await self._ask(("account center",), stored_account_center)

    async def connectors(self) -> list[Connector]:
        """The connectors that are set up, oldest first."""
        return await self._ask(("connectors",), _connectors)

    async def connectors_now(self) -> list[Connector]:
        """The same, asked anew: another process may have set one up a moment ago."""
        return await self._db.read(_connectors, self._tenant_id)

    async def sso_connectors(self) -> list[SsoConnector]:
        """The companies' connectors that sign-in pages know of, without their configurations."""
        return await self._ask(("sso connectors",), offered_connectors)

    async def session_age_ms(self) -> int:
        """How long a session lasts that begins now, in milliseconds."""
        return await self._ask(("session age",), _session_age_ms)

    async def hook_events(self) -> frozenset[str]:
        """The events that a webhook listens to."""
        return await self._ask(("hook events",), _hook_events)

    async def id_token_claims(self) -> frozenset[str]:
        """The extended claims that id tokens have."""
        return await self._ask(("id token claims",), _id_token_claims)

    async def script(self, name: str) -> dict[str, Any] | None:
        """A script of the operator's and its settings, if there is one of this name."""
        return await self._ask(("script", name), _script, name)

    async def keyring(self, kid: str | None = None) -> Keyring:
        """The signing keys. The same object as before unless the keys changed.

        If there is no key `kid` among those that are remembered, they are read again, so that what
        one node signs with a new key no other refuses; but not for every stranger's invention.
        """
        keyring = await self._known_keyring()
        now = trio.current_time()
        if kid is None or keyring.knows(kid) or now < self._keys_read_again + UNKNOWN_KEY_S:
            return keyring
        self._keys_read_again = now
        self._answers.pop(("keys",), None)
        return await self._known_keyring()

    async def _known_keyring(self) -> Keyring:
        keys = await self._ask(("keys",), _signing_keys)
        if self._keyring is None or self._keyring.materials != keys:
            self._keyring = Keyring(keys, reuse=self._keyring)
        return self._keyring

    async def _ask(
        self,
        key: tuple[str, ...],
        read: Callable[Concatenate[Transaction, str, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        known = self._answers.get(key)
        now = trio.current_time()
        if known is not None and now < known[0]:
            return cast(T, known[1])
        generation = self._generation
        answer = await self._db.read(read, self._tenant_id, *args, **kwargs)
        if generation == self._generation and sum(map(len, key)) <= MAX_KEY_LENGTH:
            if len(self._answers) >= MAX_ANSWERS:
                self._answers.clear()
            self._answers[key] = (now + MAX_AGE_S, answer)
        return answer

    def _on_events(self, events: Sequence[DomainEvent]) -> None:
        if any(not event.type.startswith(_ABOUT_USERS) for event in events):
            self.forget()
            self._unheard.set()

    def _on_message(self, message: bytes | None) -> None:
        self.forget()


def _client(tx: Transaction, tenant_id: str, client_id: str) -> Client | None:
    application = Applications(tx, tenant_id).find(client_id)
    if application is None:
        return None
    return client_of(application, ApplicationSecrets(tx, tenant_id).of(client_id))


def _resource(tx: Transaction, tenant_id: str, indicator: str) -> Api | None:
    return _api(Resources(tx, tenant_id).find_by_indicator(indicator))


def _default_resource(tx: Transaction, tenant_id: str) -> Api | None:
    return _api(Resources(tx, tenant_id).default())


def _api(resource: Resource | None) -> Api | None:
    return None if resource is None else Api(resource.indicator, resource.access_token_ttl)


def _client_scopes(
    tx: Transaction, tenant_id: str, client_id: str, indicator: str
) -> frozenset[str]:
    granted = Scopes(tx, tenant_id).granted_to_application(client_id, indicator)
    return frozenset(scope.name for scope in granted)


def _knows_documents(tx: Transaction, tenant_id: str) -> bool:
    stored = Configs(tx, tenant_id).find(CIMD_CONFIG)
    return stored is not None and bool(stored.value.get("enabled"))


def _allowed_scopes(tx: Transaction, tenant_id: str, client_id: str) -> ClientScopes:
    return ConsentScopes(tx, tenant_id, registered(client_id)).all()


def _application_looks(
    tx: Transaction, tenant_id: str, client_id: str
) -> ApplicationSignInExperience | None:
    return ApplicationSignInExperiences(tx, tenant_id).find(client_id)


def _organization(tx: Transaction, tenant_id: str, organization_id: str) -> Organization | None:
    return Organizations(tx, tenant_id).find(organization_id)


def _sign_in_experience(tx: Transaction, tenant_id: str) -> SignInExperience:
    return SignInExperiences(tx, tenant_id).current()


def _custom_phrases(tx: Transaction, tenant_id: str) -> dict[str, dict[str, Any]]:
    return {one.language_tag: one.translation for one in CustomPhrases(tx, tenant_id).all()}


def _verification_files(tx: Transaction, tenant_id: str) -> dict[tuple[str, str], dict[str, str]]:
    return {
        (domain.domain, file["path"]): file
        for domain in Domains(tx, tenant_id).all()
        for file in domain.verification_files
    }


def _custom_profile_fields(tx: Transaction, tenant_id: str) -> list[CustomProfileField]:
    return CustomProfileFields(tx, tenant_id).all()


def _captcha_provider(tx: Transaction, tenant_id: str) -> CaptchaProvider | None:
    return CaptchaProviders(tx, tenant_id).find(THE_ONE)


def _connectors(tx: Transaction, tenant_id: str) -> list[Connector]:
    return Connectors(tx, tenant_id).all()


def _session_age_ms(tx: Transaction, tenant_id: str) -> int:
    stored = Configs(tx, tenant_id).find(SESSION_CONFIG)
    return SESSION_AGE_MS if stored is None else int(stored.value["ttl"]) * 1000


def _hook_events(tx: Transaction, tenant_id: str) -> frozenset[str]:
    return Hooks(tx, tenant_id).events()


def _id_token_claims(tx: Transaction, tenant_id: str) -> frozenset[str]:
    stored = Configs(tx, tenant_id).find(ID_TOKEN_CONFIG)
    if stored is None:
        return DEFAULT_EXTENDED_CLAIMS
    return frozenset(stored.value.get("enabledExtendedClaims", ()))


def _script(tx: Transaction, tenant_id: str, name: str) -> dict[str, Any] | None:
    return Scripts(tx, tenant_id).config(name)


def _signing_keys(tx: Transaction, tenant_id: str) -> tuple[KeyMaterial, ...]:
    return tuple(
        KeyMaterial(
            key.kid,
            SigningAlgorithm(key.alg),
            key.private_key.encode(),
            key.public_jwk,
            KeyStatus(key.status),
        )
        for key in as_of(SigningKeys(tx, tenant_id).all(), tx.now)
    )
