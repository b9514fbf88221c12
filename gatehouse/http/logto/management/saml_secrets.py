"""`/api/saml-applications/{id}/secrets`: the keys that sign assertions, and their rotation.

A new key is made beside the active one, so that its certificate can be handed to the service
provider first. Activating it retires the other; only a key that is retired can be deleted.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import trio
from pydantic import Field

from gatehouse.actors.certificates import SelfSigned, self_signed
from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.management.fingerprints import Fingerprints, fingerprints
from gatehouse.http.logto.management.store import Store, read, write
from gatehouse.http.logto.saml_application import saml_application
from gatehouse.http.operation import Operations
from gatehouse.http.wire import View, Wire
from gatehouse.storage.saml_applications import SamlApplicationSecret

if TYPE_CHECKING:
    from gatehouse.actors.core import Core

PATH = "/api/saml-applications/{id}/secrets"
MAX_YEARS = 100
DAYS_PER_YEAR = 365

operations = Operations(tags=("SAML applications",), access=MANAGEMENT, cors=CONSOLE_ONLY)


class NewKey(Wire):
    """A key to make."""

    life_span_in_years: Annotated[int, Field(ge=1, le=MAX_YEARS)]


class KeyPatch(Wire):
    """Whether a key signs."""

    active: bool


class KeyView(View):
    """A key's certificate. The private key never leaves the server."""

    id: str
    certificate: str
    created_at: int
    expires_at: int
    active: bool
    fingerprints: Fingerprints


class KeyInList(KeyView):
    """A key's certificate; in lists its end is written as a date."""

    expires_at: str  # type: ignore[assignment]


async def new_key(core: Core, years: int) -> SelfSigned:
    """A key with its certificate, made off the event loop."""
    return await trio.to_thread.run_sync(
        self_signed, "Gatehouse", core.clock(), years * DAYS_PER_YEAR
    )


@operations.post(
    PATH,
    "CreateSamlApplicationSecret",
    body=NewKey,
    response=KeyView,
    status=201,
    statuses=(404, 422),
)
async def create_key(call: Call[NewKey]) -> KeyView:
    """Make a key, which does not sign yet."""
    await read(call, lambda store: saml_application(store, call.path["id"]))
    made = await new_key(call.core, call.body.life_span_in_years)
    secret = SamlApplicationSecret(
        application_id=call.path["id"],
        private_key=made.private_key,
        certificate=made.certificate,
        expires_at=made.expires_at,
    )

    def change(store: Store) -> SamlApplicationSecret:
        saml_application(store, call.path["id"])
        return store.saml_secrets.create(secret)

    return _view(await write(call, change))


@operations.get(PATH, "ListSamlApplicationSecrets", response=list[KeyInList], statuses=(404, 422))
async def list_keys(call: Call) -> Reply:
    """List an application's keys, oldest first."""

    def look(store: Store) -> list[SamlApplicationSecret]:
        return store.saml_secrets.of(saml_application(store, call.path["id"]).id)

    keys = await read(call, look)
    return Reply(200, [_in_list(key) for key in keys])


@operations.patch(
    f"{PATH}/{{secretId}}",
    "UpdateSamlApplicationSecret",
    body=KeyPatch,
    response=KeyView,
    statuses=(404, 422),
)
async def update_key(call: Call[KeyPatch]) -> KeyView:
    """Have a key sign in the place of the other, or no more."""

    def change(store: Store) -> SamlApplicationSecret:
        application_id = saml_application(store, call.path["id"]).id
        return store.saml_secrets.set_active(
            application_id, call.path["secretId"], call.body.active
        )

    return _view(await write(call, change))


@operations.delete(f"{PATH}/{{secretId}}", "DeleteSamlApplicationSecret", statuses=(400, 404, 422))
async def delete_key(call: Call) -> None:
    """Delete a key that does not sign."""

    def change(store: Store) -> None:
        application_id = saml_application(store, call.path["id"]).id
        store.saml_secrets.delete(application_id, call.path["secretId"])

    await write(call, change)


def _view(key: SamlApplicationSecret) -> KeyView:
    return KeyView.of(key, fingerprints=fingerprints(key.certificate))


def _in_list(key: SamlApplicationSecret) -> KeyInList:
    end = datetime.fromtimestamp(key.expires_at / 1000, UTC)
    written = end.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return KeyInList.of(key, expires_at=written, fingerprints=fingerprints(key.certificate))
