"""`/api/configs/jwt-customizer`: scripts that add claims of an operator's own to access tokens."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from gatehouse.actors.scripts import claims
from gatehouse.actors.scripts.runner import ScriptFailed
from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.errors import ApiError
from gatehouse.http.logto.management.store import read, write
from gatehouse.http.operation import Operations
from gatehouse.http.validation import invalid, validated
from gatehouse.http.wire import JsonObject, Maybe, Wire
from gatehouse.storage.errors import NotFound

operations = Operations(tags=("Configs",), access=MANAGEMENT, cors=CONSOLE_ONLY)

PATH = "/api/configs/jwt-customizer/{tokenTypePath}"
KEYS = {"access-token": claims.ACCESS_TOKEN, "client-credentials": claims.CLIENT_CREDENTIALS}
"""The name under which the script for a type of token is stored."""

Variables = dict[str, str]


class Exact(Wire):
    """A body that has the fields it may have and no other."""

    model_config = ConfigDict(extra="forbid")


class AccessTokenSample(Exact):
    """A user's access token as a script sees it, as far as the script needs one."""

    jti: Maybe[str] = None
    aud: Maybe[str | list[str]] = None
    scope: Maybe[str] = None
    client_id: Maybe[str] = None
    account_id: Maybe[str] = None
    expires_with_session: Maybe[bool] = None
    grant_id: Maybe[str] = None
    gty: Maybe[str] = None
    session_uid: Maybe[str] = None
    sid: Maybe[str] = None
    kind: Maybe[Literal["AccessToken"]] = None


class ClientCredentialsSample(Exact):
    """An application's own access token as a script sees it."""

    jti: Maybe[str] = None
    aud: Maybe[str | list[str]] = None
    scope: Maybe[str] = None
    client_id: Maybe[str] = None
    kind: Maybe[Literal["ClientCredentials"]] = None


class UserContext(Wire):
    """What a script is told of a user's sign-in."""

    user: JsonObject
    grant: Maybe[JsonObject] = None
    interaction: Maybe[JsonObject] = None
    application: Maybe[JsonObject] = None
    organization: Maybe[JsonObject] = None


class ClientContext(Wire):
    """What a script is told of an application."""

    application: Maybe[JsonObject] = None


class _Customizer(Exact):
    script: str
    environment_variables: Maybe[Variables] = None
    block_issuance_on_error: Maybe[bool] = None


class AccessTokenCustomizer(_Customizer):
    """The script for users' access tokens, and samples to try it on."""

    token_sample: Maybe[AccessTokenSample] = None
    context_sample: Maybe[UserContext] = None


class ClientCredentialsCustomizer(_Customizer):
    """The script for applications' own access tokens, and samples to try it on."""

    token_sample: Maybe[ClientCredentialsSample] = None
    context_sample: Maybe[ClientContext] = None


class _Patch(Exact):
    script: Maybe[str] = None
    environment_variables: Maybe[Variables] = None
    block_issuance_on_error: Maybe[bool] = None


class AccessTokenPatch(_Patch):
    """What to change of the script for users' access tokens."""

    token_sample: Maybe[AccessTokenSample] = None
    context_sample: Maybe[UserContext] = None


class ClientCredentialsPatch(_Patch):
    """What to change of the script for applications' own access tokens."""

    token_sample: Maybe[ClientCredentialsSample] = None
    context_sample: Maybe[ClientContext] = None


class CustomizerView(Wire):
    """A script with what belongs to it."""

    script: str
    environment_variables: Maybe[Variables] = None
    block_issuance_on_error: Maybe[bool] = None
    token_sample: Maybe[JsonObject] = None
    context_sample: Maybe[JsonObject] = None


class NamedCustomizer(Wire):
    """A script under its name."""

    key: Literal["jwt.accessToken", "jwt.clientCredentials"]
    value: CustomizerView


class AccessTokenTrial(Wire):
    """A script to run on a sample."""

    token_type: Literal["access-token"]
    script: str
    environment_variables: Maybe[Variables] = None
    token: AccessTokenSample
    context: UserContext


class ClientCredentialsTrial(Wire):
    """A script to run on a sample of an application's token."""

    token_type: Literal["client-credentials"]
    script: str
    environment_variables: Maybe[Variables] = None
    token: ClientCredentialsSample
    context: ClientContext


Trial = Annotated[AccessTokenTrial | ClientCredentialsTrial, Field(discriminator="token_type")]

_NEW: dict[str, type[Wire]] = {
    claims.ACCESS_TOKEN: AccessTokenCustomizer,
    claims.CLIENT_CREDENTIALS: ClientCredentialsCustomizer,
}
_CHANGED: dict[str, type[Wire]] = {
    claims.ACCESS_TOKEN: AccessTokenPatch,
    claims.CLIENT_CREDENTIALS: ClientCredentialsPatch,
}


@operations.get("/api/configs/jwt-customizer", "ListJwtCustomizers", response=list[NamedCustomizer])
async def list_customizers(call: Call) -> Reply:
    """List the scripts there are."""
    found = await read(call, lambda store: [(key, store.scripts.config(key)) for key in _NEW])
    named: list[dict[str, Any]] = [
        {"key": key, "value": CustomizerView.model_validate(value)}
        for key, value in found
        if value is not None
    ]
    return Reply(200, [NamedCustomizer.model_construct(**one) for one in named])


@operations.get(PATH, "GetJwtCustomizer", response=CustomizerView, statuses=(404,))
async def get_customizer(call: Call) -> Reply:
    """Read the script for a type of token."""
    key = _key(call)
    found = await read(call, lambda store: store.scripts.config(key))
    if found is None:
        raise NotFound("script", key)
    return Reply(200, found)


@operations.put(
    PATH, "UpsertJwtCustomizer", body=JsonObject, response=CustomizerView, statuses=(201,)
)
async def put_customizer(call: Call[JsonObject]) -> Reply:
    """Use this script from now on for a type of token."""
    key = _key(call)
    config = validated(_NEW[key], call.body).as_json()
    created = await write(call, lambda store: store.scripts.put(key, config))
    return Reply(201 if created else 200, config)


@operations.patch(
    PATH, "UpdateJwtCustomizer", body=JsonObject, response=CustomizerView, statuses=(404,)
)
async def patch_customizer(call: Call[JsonObject]) -> Reply:
    """Change parts of a script's configuration."""
    key = _key(call)
    changes = validated(_CHANGED[key], call.body).as_json()
    return Reply(200, await write(call, lambda store: store.scripts.change(key, changes)))


@operations.delete(PATH, "DeleteJwtCustomizer", statuses=(404,))
async def delete_customizer(call: Call) -> None:
    """Delete the script: tokens of this type are made without it from now on."""
    key = _key(call)
    await write(call, lambda store: store.scripts.delete(key))


@operations.post(
    "/api/configs/jwt-customizer/test",
    "TestJwtCustomizer",
    body=Trial,
    response=JsonObject,
    statuses=(403, 422),
)
async def test_customizer(call: Call[AccessTokenTrial | ClientCredentialsTrial]) -> Reply:
    """Run a script on a sample, and show what it would add."""
    trial = call.body.as_json()
    try:
        made = await claims.run(call.core, trial, trial["token"], trial["context"])
    except ScriptFailed as failure:
        raise trial_error("jwt_customizer.general", failure) from None
    return Reply(200, made)


def trial_error(code: str, failure: ScriptFailed) -> ApiError:
    """How a script ended on a sample, for the person who wrote it."""
    data: dict[str, Any] = {"message": failure.message}
    denied = failure.kind == "denied"
    if denied:
        data["error"] = {"code": "AccessDenied", "message": failure.message}
    return ApiError(code, data=data, status=403 if denied else 422, params=data)


def _key(call: Call[Any, Any]) -> str:
    found = KEYS.get(call.path["tokenTypePath"])
    if found is None:
        expected = " or ".join(KEYS)
        raise invalid("params", "tokenTypePath", f"Input should be {expected}", "literal_error")
    return found
