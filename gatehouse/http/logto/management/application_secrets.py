"""`/api/applications/{id}/secrets`: the named secrets of an application."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.errors import ApiError, StrangeInput
from gatehouse.http.logto.management.applications import (
    ApplicationView,
    Name,
    application_view,
    new_secret,
)
from gatehouse.http.logto.management.store import Store, read, write
from gatehouse.http.operation import Operations
from gatehouse.http.wire import View, Wire
from gatehouse.storage.records import Application, ApplicationSecret

operations = Operations(tags=("Applications",), access=MANAGEMENT, cors=CONSOLE_ONLY)


class SecretView(View):
    """A secret, shown in full: an operator has to be able to copy it."""

    tenant_id: str
    application_id: str
    name: str
    value: str
    created_at: int
    expires_at: int | None


class NewSecret(Wire):
    """A secret to make. `expiresAt` is in milliseconds since the epoch."""

    name: Name
    expires_at: Annotated[int, Field(ge=0, le=2**53)] | None = None


class SecretPatch(Wire):
    """What can be changed of a secret."""

    name: Name


@operations.get(
    "/api/applications/{id}/secrets",
    "ListApplicationSecrets",
    response=list[SecretView],
    statuses=(404,),
)
async def list_secrets(call: Call) -> Reply:
    """List an application's secrets."""

    def look(store: Store) -> list[ApplicationSecret]:
        return store.secrets.of(store.applications.get(call.path["id"]).id)

    return Reply(200, [SecretView.of(secret) for secret in await read(call, look)])


@operations.post(
    "/api/applications/{id}/secrets",
    "CreateApplicationSecret",
    body=NewSecret,
    response=SecretView,
    status=201,
    statuses=(404, 422),
)
async def create_secret(call: Call[NewSecret]) -> SecretView:
    """Make a secret for an application."""
    expires_at = call.body.expires_at
    if expires_at is not None and expires_at <= call.core.clock():
        raise StrangeInput("A secret must expire in the future.")
    secret = ApplicationSecret(
        application_id=call.path["id"],
        name=call.body.name,
        value=new_secret(),
        expires_at=expires_at,
    )
    return SecretView.of(await write(call, lambda store: store.secrets.create(secret)))


@operations.patch(
    "/api/applications/{id}/secrets/{name}",
    "UpdateApplicationSecret",
    body=SecretPatch,
    response=SecretView,
    statuses=(404, 422),
)
async def rename_secret(call: Call[SecretPatch]) -> SecretView:
    """Give a secret another name."""
    return SecretView.of(
        await write(
            call,
            lambda store: store.secrets.rename(call.path["id"], call.path["name"], call.body.name),
        )
    )


@operations.delete(
    "/api/applications/{id}/secrets/{name}", "DeleteApplicationSecret", statuses=(404,)
)
async def delete_secret(call: Call) -> None:
    """Delete a secret; whoever still uses it is refused from now on."""
    await write(call, lambda store: store.secrets.delete(call.path["id"], call.path["name"]))


@operations.delete(
    "/api/applications/{id}/legacy-secret",
    "DeleteApplicationLegacySecret",
    response=ApplicationView,
    statuses=(400, 404),
)
async def delete_legacy_secret(call: Call) -> ApplicationView:
    """Delete the secret from before secrets had names."""

    def change(store: Store) -> Application:
        application = store.applications.get(call.path["id"])
        if application.secret is None:
            raise ApiError("application.no_legacy_secret_found")
        return store.applications.update(application.id, secret=None)

    return application_view(await write(call, change))
