"""Claims of an operator's own in access tokens, computed by a script when a token is made.

The script adds; it cannot change what the server says about the token. A script that fails adds
nothing, and the token is made without it, unless the operator chose that no token is better
(`blockIssuanceOnError`). A script may also decide that there shall be no token (`api.denyAccess`).
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from gatehouse.actors import session
from gatehouse.actors.audit import Origin, new_entry, record
from gatehouse.actors.scripts.context import (
    application_context,
    organization_context,
    user_context,
)
from gatehouse.actors.scripts.runner import ScriptFailed
from gatehouse.storage.errors import StorageError
from gatehouse.storage.ids import new_id

if TYPE_CHECKING:
    from gatehouse.actors.core import Core
    from gatehouse.storage.transaction import Transaction

ACCESS_TOKEN: Final = "jwt.accessToken"  # noqa: S105 - the script's name
CLIENT_CREDENTIALS: Final = "jwt.clientCredentials"
ENTRY: Final = "getCustomJwtClaims"

MAX_CLAIMS_BYTES: Final = 4096
"""What a script may add, as JSON: a token travels in a header, and those are limited to 8 KiB."""

MAX_CLAIMS_DEPTH: Final = 32
"""How deep they may be nested; who reads tokens often allows not much more."""

RESERVED: Final = frozenset(
    {"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "scope", "act", "may_act", "cnf"}
)
"""Claims that say what a token is good for (RFC 7519 §4.1, RFC 9068 §2.2, RFC 8693 §4): a script
that returns one of them is not listened to in this."""


class AccessRefused(Exception):  # noqa: N818 - it reads as what happened
    """A script denied the token. The message is the script's."""


class ClaimsFailed(Exception):  # noqa: N818 - it reads as what happened
    """A script failed, and there shall be no token without it. The message is for developers."""


@dataclass(frozen=True, slots=True)
class Issue:
    """A token that is about to be made. `user_id` is None if the client acts for itself.

    `grant_id`, `session_id` and `sid` are those of the user's authorization. `subject_token` is
    what an exchanged token carries.
    """

    client_id: str
    user_id: str | None
    scope: str
    jti: str
    audience: str | None = None
    grant_type: str | None = None
    grant_id: str | None = None
    session_id: str | None = None
    sid: str | None = None
    organization_id: str | None = None
    subject_token: dict[str, Any] | None = None

    @property
    def script(self) -> str:
        """The name of the script that has a say."""
        return CLIENT_CREDENTIALS if self.user_id is None else ACCESS_TOKEN

    @property
    def token(self) -> dict[str, Any]:
        """The token as a script sees it, under the names that Logto's scripts know."""
        told: dict[str, Any] = {
            "jti": self.jti,
            "aud": self.audience,
            "scope": self.scope,
            "clientId": self.client_id,
            "kind": "AccessToken",
            "accountId": self.user_id,
            "grantId": self.grant_id,
            "gty": self.grant_type,
            "sessionUid": self.session_id,
            "sid": self.sid,
        }
        if self.user_id is None:
            told |= {"kind": "ClientCredentials", "gty": None}
        return {name: value for name, value in told.items() if value is not None}


async def custom_claims(core: Core, issue: Issue, origin: Origin) -> dict[str, Any]:
    """What the operator's script adds to a token, if there is one.

    Raises `AccessRefused` and `ClaimsFailed`.
    """
    config = await core.directory.script(issue.script)
    if config is None or not config.get("script"):
        return {}
    try:
        interaction = await _interaction(core, issue)
        context = await core.db.read(_context, core.tenant_id, issue, interaction)
        claims = await run(core, config, issue.token, context)
    except ScriptFailed as failure:
        await _log(core, issue, failure, origin)
        if failure.kind == "denied":
            raise AccessRefused(failure.message) from None
        if config.get("blockIssuanceOnError"):
            raise ClaimsFailed(failure.message) from None
        return {}
    return {name: value for name, value in claims.items() if name not in RESERVED}


async def run(
    core: Core, config: dict[str, Any], token: dict[str, Any], context: dict[str, Any]
) -> dict[str, Any]:
    """What a script makes of a token and a context. Raises `ScriptFailed`."""
    payload = {
        "token": token,
        "context": context,
        "environmentVariables": config.get("environmentVariables") or {},
    }
    returned = await core.scripts.run(config["script"], ENTRY, payload)
    if not isinstance(returned.value, dict):
        raise ScriptFailed("type", "The script has to return an object.")
    if not _nested_within(returned.value, MAX_CLAIMS_DEPTH):
        raise ScriptFailed("type", f"The claims are nested deeper than {MAX_CLAIMS_DEPTH} levels.")
    if len(json.dumps(returned.value)) > MAX_CLAIMS_BYTES:
        raise ScriptFailed("type", f"The claims are larger than {MAX_CLAIMS_BYTES} bytes.")
    return returned.value


def _nested_within(value: object, levels: int) -> bool:
    """Whether a JSON value has no more levels than these. Not recursive: it may have very many."""
    layer = [value]
    for _ in range(levels):
        layer = [
            inner
            for one in layer
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not layer:
            return True
    return not any(isinstance(one, dict | list) for one in layer)


async def _interaction(core: Core, issue: Issue) -> dict[str, Any] | None:
    """How the user signed in, as long as they are."""
    if issue.session_id is None or issue.user_id is None:
        return None
    state = await core.engine.read(session.address(core.tenant_id, issue.session_id))
    if state is None or state.submission is None or state.user_id != issue.user_id:
        return None
    return state.submission.shown(issue.user_id)


def _context(
    tx: Transaction, tenant_id: str, issue: Issue, interaction: dict[str, Any] | None
) -> dict[str, Any]:
    told: dict[str, Any] = {"application": application_context(tx, tenant_id, issue.client_id)}
    if issue.user_id is not None:
        told["user"] = user_context(tx, tenant_id, issue.user_id)
        told["interaction"] = interaction
        if issue.subject_token is not None:
            told["grant"] = {
                "type": "urn:ietf:params:oauth:grant-type:token-exchange",
                "subjectTokenContext": issue.subject_token,
            }
        if issue.organization_id is not None:
            told["organization"] = organization_context(tx, tenant_id, issue.organization_id)
    return {name: value for name, value in told.items() if value is not None}


async def _log(core: Core, issue: Issue, failure: ScriptFailed, origin: Origin) -> None:
    """A token is not refused because the log is away."""
    kind = issue.script.removeprefix("jwt.")
    entry = new_entry(
        core.tenant_id,
        new_id(),
        f"JwtCustomizer.{kind[0].upper()}{kind[1:]}",
        core.clock(),
        replace(origin, application_id=issue.client_id),
        userId=issue.user_id,
        sessionId=issue.session_id,
    ).about(result="Error", error={"code": failure.kind, "message": failure.message})
    with suppress(StorageError):
        await core.db.write(record, [entry])
