"""`/api/sso-connectors/{id}/signing-keys`: the keys of SAML connectors.

Requests are signed with the active one, and assertions may be encrypted for any of them. The
private key is made here and never leaves. A key is replaced without a gap: the new one is made
inactive, its certificate is given to the identity provider, then it is activated, and the old one
is deleted when the provider encrypts for it no more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
import trio

from gatehouse.actors import certificates
from gatehouse.actors.sso.configs import PROVIDERS, Protocol
from gatehouse.http.call import Call
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.errors import ApiError
from gatehouse.http.logto.management.fingerprints import Fingerprints, fingerprints
from gatehouse.http.logto.management.sso_connectors import PATH
from gatehouse.http.logto.management.store import Store, read, write
from gatehouse.http.operation import Operations
from gatehouse.http.wire import View, Wire
from gatehouse.storage.ids import new_id
from gatehouse.storage.sso_connectors import SsoConnector, SsoSigningKey

LIFE_DAYS = 3 * 365
"""How long a certificate is valid."""

MAX_KEYS = 20
"""Keys of one connector: one in use, one to come, and some that were forgotten."""

KEYS = f"{PATH}/{{id}}/signing-keys"

operations = Operations(tags=("SSO connectors",), access=MANAGEMENT, cors=CONSOLE_ONLY)

T = TypeVar("T")


class SigningKeyView(View):
    """A key, without what is secret of it."""

    id: str
    certificate: str
    created_at: int
    expires_at: int
    active: bool
    fingerprints: Fingerprints


class NewSigningKey(Wire):
    """A key to make."""

    active: bool = False


class SigningKeyChange(Wire):
    """Whether to sign with a key."""

    active: bool


@operations.get(KEYS, "ListSsoConnectorSigningKeys", response=list[SigningKeyView], statuses=(404,))
async def list_keys(call: Call) -> list[SigningKeyView]:
    """List the keys of a SAML connector, newest first."""
    connector_id = call.path["id"]
    keys = await read(
        call, _of_saml(connector_id, lambda store, _: store.sso_signing_keys.of(connector_id))
    )
    return [_view(key) for key in keys]


@operations.post(
    KEYS,
    "CreateSsoConnectorSigningKey",
    body=NewSigningKey,
    response=SigningKeyView,
    status=201,
    statuses=(404, 422),
)
async def create_key(call: Call[NewSigningKey]) -> SigningKeyView:
    """Make a key for a SAML connector; one that is active takes the place of the one before."""
    connector_id = call.path["id"]
    await read(call, _of_saml(connector_id, lambda store, connector: None))
    made = await trio.to_thread.run_sync(
        certificates.self_signed, "gatehouse", call.core.clock(), LIFE_DAYS
    )
    record = SsoSigningKey(
        sso_connector_id=connector_id,
        id=new_id(),
        private_key=made.private_key,
        certificate=made.certificate,
        active=call.body.active,
        expires_at=made.expires_at,
    )

    def store_it(store: Store, _: SsoConnector) -> SsoSigningKey:
        if len(store.sso_signing_keys.of(connector_id)) >= MAX_KEYS:
            raise ApiError("entity.create_failed", params={"name": "signing key"})
        return store.sso_signing_keys.create(record)

    return _view(await write(call, _of_saml(connector_id, store_it)))


@operations.patch(
    f"{KEYS}/{{keyId}}",
    "UpdateSsoConnectorSigningKey",
    body=SigningKeyChange,
    response=SigningKeyView,
    statuses=(400, 404),
)
async def update_key(call: Call[SigningKeyChange]) -> SigningKeyView:
    """Sign with a key, or not any more."""
    connector_id, key_id, active = call.path["id"], call.path["keyId"], call.body.active

    def change(store: Store, connector: SsoConnector) -> SsoSigningKey:
        key = store.sso_signing_keys.get(connector_id, key_id)
        if key.active == active:
            return key
        if not active and _signs_requests(connector):
            raise ApiError("single_sign_on.can_not_deactivate_signing_key_in_use")
        return store.sso_signing_keys.set_active(connector_id, key_id, active)

    return _view(await write(call, _of_saml(connector_id, change)))


@operations.delete(f"{KEYS}/{{keyId}}", "DeleteSsoConnectorSigningKey", statuses=(400, 404))
async def delete_key(call: Call) -> None:
    """Delete a key that is not active."""
    connector_id, key_id = call.path["id"], call.path["keyId"]

    def change(store: Store, _: SsoConnector) -> None:
        if store.sso_signing_keys.get(connector_id, key_id).active:
            raise ApiError("single_sign_on.can_not_delete_active_signing_key")
        store.sso_signing_keys.delete(connector_id, key_id)

    await write(call, _of_saml(connector_id, change))


def _of_saml(connector_id: str, work: Callable[[Store, SsoConnector], T]) -> Callable[[Store], T]:
    """The work, for a connector that speaks SAML. Raises `NotFound`, or ApiError for another."""

    def checked(store: Store) -> T:
        connector = store.sso_connectors.get(connector_id)
        if PROVIDERS[connector.provider_name].protocol is not Protocol.SAML:
            raise ApiError("connector.not_found", status=404, params={"type": "SAML"})
        return work(store, connector)

    return checked


def _signs_requests(connector: SsoConnector) -> bool:
    config: Any = msgspec.json.decode(connector.config)
    return config.get("signAuthnRequest") is True


def _view(key: SsoSigningKey) -> SigningKeyView:
    return SigningKeyView.of(key, fingerprints=fingerprints(key.certificate))
