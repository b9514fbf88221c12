"""`/api/configs/oidc`: the authorization server's keys, and how long its sessions last."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import trio
from pydantic import Field

from gatehouse.actors import key_rotation
from gatehouse.actors.keyring import KeyStatus, SigningAlgorithm, generate_key
from gatehouse.actors.session import SESSION_AGE_MS, SESSION_CONFIG
from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.errors import ApiError
from gatehouse.http.logto.management.store import Store, read, write
from gatehouse.http.operation import Operations
from gatehouse.http.validation import invalid
from gatehouse.http.wire import Maybe, Wire
from gatehouse.storage.records import SigningKey

operations = Operations(tags=("Configs",), access=MANAGEMENT, cors=CONSOLE_ONLY)

PRIVATE_KEYS = "private-keys"
KEY_TYPES = (PRIVATE_KEYS, "cookie-keys")
ALGORITHMS = {"EC": SigningAlgorithm.ES384, "RSA": SigningAlgorithm.RS256}
MAX_SECONDS = 10 * 365 * 24 * 3600

Seconds = Annotated[int, Field(ge=0, le=MAX_SECONDS)]


class KeyView(Wire):
    """A key without its private part. Times: `createdAt` in seconds, `effectiveAt` in ms."""

    id: str
    created_at: int
    signing_key_algorithm: Literal["RSA", "EC"]
    status: Literal["Next", "Current", "Previous"]
    effective_at: int | None = None


class Rotation(Wire):
    """What the new key is for, and after how many seconds it signs."""

    signing_key_algorithm: Maybe[Literal["RSA", "EC"]] = None
    rotation_grace_period: Maybe[Seconds] = None


class SessionConfig(Wire):
    """How long a session lasts, in seconds."""

    ttl: int


class SessionConfigPatch(Wire):
    """How long a session is to last, in seconds."""

    ttl: Maybe[Annotated[int, Field(ge=1, le=MAX_SECONDS)]] = None


def key_view(key: SigningKey) -> KeyView:
    """A key as this API shows it."""
    shown: dict[str, Any] = {
        "id": key.kid,
        "created_at": key.created_at // 1000,
        "signing_key_algorithm": "RSA" if key.alg.startswith("RS") else "EC",
        "status": key.status.capitalize(),
    }
    if key.effective_at is not None:
        shown["effective_at"] = key.effective_at
    return KeyView.model_construct(**shown)


@operations.get("/api/configs/oidc/session", "GetOidcSessionConfig", response=SessionConfig)
async def get_session_config(call: Call) -> SessionConfig:
    """Tell how long sessions last."""
    return SessionConfig(ttl=await read(call, _session_ttl))


@operations.patch(
    "/api/configs/oidc/session",
    "UpdateOidcSessionConfig",
    body=SessionConfigPatch,
    response=SessionConfig,
)
async def update_session_config(call: Call[SessionConfigPatch]) -> SessionConfig:
    """Change how long sessions last."""

    def change(store: Store) -> int:
        if call.body.ttl is not None:
            store.configs.put(SESSION_CONFIG, {"ttl": call.body.ttl})
        return _session_ttl(store)

    return SessionConfig(ttl=await write(call, change))


@operations.get("/api/configs/oidc/{keyType}", "GetOidcKeys", response=list[KeyView])
async def list_keys(call: Call) -> Reply:
    """List keys, newest first.

    Cookies are signed with the server's own secret keys, which operators rotate by settings: there
    are none to show.
    """
    if _key_type(call) != PRIVATE_KEYS:
        return Reply(200, [])
    keys = await read(
        call, lambda store: key_rotation.as_of(store.signing_keys.all(), call.core.clock())
    )
    return Reply(200, [key_view(key) for key in keys])


@operations.post(
    "/api/configs/oidc/{keyType}/rotate",
    "RotateOidcKeys",
    body=Rotation,
    response=list[KeyView],
    statuses=(422,),
)
async def rotate_keys(call: Call[Rotation]) -> Reply:
    """Sign with a new key from now on, or after a grace period in which clients learn of it."""
    if _key_type(call) != PRIVATE_KEYS:
        raise ApiError("oidc.invalid_request")
    algorithm = ALGORITHMS[call.body.signing_key_algorithm or "EC"]
    made = await trio.to_thread.run_sync(generate_key, algorithm, KeyStatus.NEXT)
    new = SigningKey(
        kid=made.kid,
        alg=made.algorithm.value,
        public_jwk=dict(made.public_jwk),
        private_key=made.private_pem.decode(),
        status="next",
    )
    now, grace_ms = call.core.clock(), (call.body.rotation_grace_period or 0) * 1000
    keys = await write(
        call, lambda store: key_rotation.rotate(store.signing_keys, new, now, grace_ms)
    )
    return Reply(200, [key_view(key) for key in keys])


@operations.delete("/api/configs/oidc/{keyType}/{keyId}", "DeleteOidcKey", statuses=(404, 422))
async def delete_key(call: Call) -> None:
    """Delete a key that signs no more; what it signed is no longer accepted."""
    if _key_type(call) != PRIVATE_KEYS:
        raise ApiError("oidc.key_not_found", params={"id": call.path["keyId"]})
    await write(
        call,
        lambda store: key_rotation.delete(
            store.signing_keys, call.path["keyId"], call.core.clock()
        ),
    )


def _key_type(call: Call[Any, Any]) -> str:
    key_type = call.path["keyType"]
    if key_type not in KEY_TYPES:
        expected = " or ".join(KEY_TYPES)
        raise invalid("params", "keyType", f"Input should be {expected}", "literal_error")
    return key_type


def _session_ttl(store: Store) -> int:
    stored = store.configs.find(SESSION_CONFIG)
    ttl: int = SESSION_AGE_MS // 1000 if stored is None else stored.value["ttl"]
    return ttl
