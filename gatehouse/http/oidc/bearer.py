"""The access token of a request, and what the actor behind it says (RFC 6750)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gatehouse.actors import family
from gatehouse.actors.family import AccessToken, Family
from gatehouse.actors.tokens import Purpose
from gatehouse.http.call import Call
from gatehouse.http.oidc.errors import OAuthError
from gatehouse.http.oidc.parameters import FORM, form_parameters

if TYPE_CHECKING:
    from gatehouse.actors.core import Core


@dataclass(frozen=True, slots=True)
class Bearer:
    """A good opaque access token."""

    family_id: str
    family: Family
    token: AccessToken


async def find_bearer(core: Core, token: str) -> Bearer | None:
    """What an opaque access token stands for, if it and its client are good at this moment."""
    ref = core.tokens.decode(token, Purpose.ACCESS_TOKEN)
    if ref is None:
        return None
    state = await core.engine.read(family.address(core.tenant_id, ref.family_id))
    found = None if state is None else state.access_token(ref.number, core.clock())
    if state is None or found is None or await core.directory.client(state.client_id) is None:
        return None
    return Bearer(ref.family_id, state, found)


def presented_token(call: Call[Any, Any]) -> str:
    """The token in the header or, of a POST, in the form (RFC 6750 §2.1 and §2.2).

    Raises `OAuthError`: 401 without a code if there is none (§3.1), 400 if there are two.
    """
    header = call.headers.get("authorization")
    kind = (call.headers.get("content-type") or "").partition(";")[0].strip().lower()
    posted = None
    if call.method == "POST" and kind == FORM:
        posted = form_parameters(call).get("access_token")
    if header is not None and posted is not None:
        raise OAuthError("invalid_request", "more than one access token")
    if posted is not None:
        return posted
    scheme, _, token = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        challenge = (("www-authenticate", 'Bearer realm="oidc"'),)
        raise OAuthError(
            "invalid_request", "no access token provided", headers=challenge, status=401
        )
    return token.strip()


def refused_bearer(error: str, description: str) -> OAuthError:
    """A refusal with its challenge (RFC 6750 §3)."""
    challenge = f'Bearer realm="oidc", error="{error}", error_description="{description}"'
    return OAuthError(error, description, headers=(("www-authenticate", challenge),))
