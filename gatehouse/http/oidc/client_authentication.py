"""Who the client is: the steps before a token, introspection or revocation request is looked at.

Public clients name themselves (`none`), confidential ones present their secret in the
Authorization header (`client_secret_basic`) or in the form (`client_secret_post`), RFC 6749 §2.3.1,
or a statement that they signed with it or with a key of their own (`client_secret_jwt` and
`private_key_jwt`, RFC 7523 §2.2).
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as Base64Error
from typing import Any
from urllib.parse import unquote_plus

from gatehouse.actors.client_assertion import (
    ASSERTION_TYPE,
    InvalidAssertion,
    claimed_client,
    verify_assertion,
)
from gatehouse.actors.clients import Client
from gatehouse.http.call import Call
from gatehouse.http.oidc.errors import OAuthError
from gatehouse.http.oidc.parameters import Parameters

METHODS = (
    "client_secret_basic",
    "client_secret_jwt",
    "client_secret_post",
    "none",
    "private_key_jwt",
)
"""What discovery announces."""


class NotAuthenticated(OAuthError):  # noqa: N818 - it reads as what happened
    """A refusal in the name of a client that exists."""

    def __init__(self, client_id: str, refusal: OAuthError) -> None:
        super().__init__(
            refusal.error, refusal.description, headers=refusal.headers, status=refusal.status
        )
        self.client_id = client_id


_CHALLENGE = (("www-authenticate", 'Basic realm="oidc"'),)


async def authenticate_client(call: Call[Any, Any], form: Parameters) -> Client:
    """The client that sent the request. Raises `OAuthError` (`invalid_client`), and that as
    `NotAuthenticated` where it says which client could not be."""
    if form.get("client_assertion") is not None or form.get("client_assertion_type") is not None:
        signer = await _by_assertion(call, form)
        check_origin(call, signer)
        return signer
    client_id, secret = _credentials(call, form)
    client = await call.core.directory.client(client_id)
    if client is None:
        raise _refused("client authentication failed", call)
    if client.public:
        if secret is not None:
            raise NotAuthenticated(client.id, _refused("a public client has no secret", call))
    elif secret is None or not client.authenticates(secret, call.core.clock()):
        if secret is not None and client.had(secret, call.core.clock()):
            expired = OAuthError("invalid_request", "client secret has expired")
            raise NotAuthenticated(client.id, expired)
        raise NotAuthenticated(client.id, _refused("client authentication failed", call))
    check_origin(call, client)
    return client


def check_origin(call: Call[Any, Any], client: Client) -> None:
    """Only scripts of origins that the client registered may use it from a browser."""
    origin = call.headers.get("origin")
    if origin is None or origin == call.core.public_url or client.allows_origin(origin):
        return
    call.refuse_cors()
    raise OAuthError("invalid_request", f"the origin is not allowed for client {client.id}")


async def _by_assertion(call: Call[Any, Any], form: Parameters) -> Client:
    """RFC 7521 §4.2: the assertion says who the client is, and stands alone."""
    core, assertion = call.core, form.require("client_assertion")
    if form.require("client_assertion_type") != ASSERTION_TYPE:
        raise OAuthError("invalid_request", "client_assertion_type is not supported")
    if call.headers.get("authorization") is not None or form.get("client_secret") is not None:
        raise OAuthError("invalid_request", "more than one client authentication method")
    named, client = form.get("client_id"), None
    audiences = (core.issuer, f"{core.issuer}/token", f"{core.public_url}{call.url_path}")
    try:
        client_id = claimed_client(assertion)
        client = await core.directory.client(client_id) if named in (None, client_id) else None
        if client is not None and not client.public:
            await verify_assertion(core, client, assertion, audiences)
    except InvalidAssertion as refusal:
        refused = _refused(str(refusal), call)
        raise (refused if client is None else NotAuthenticated(client.id, refused)) from None
    if client is None or client.public:
        raise _refused("client authentication failed", call)
    return client


def _credentials(call: Call[Any, Any], form: Parameters) -> tuple[str, str | None]:
    """Client id and secret, by one method and no more (RFC 6749 §2.3)."""
    header = call.headers.get("authorization")
    if header is None:
        client_id = form.get("client_id")
        if client_id is None:
            raise _refused("no client authentication mechanism provided", call)
        return client_id, form.get("client_secret")
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        raise _refused("unsupported client authentication scheme", call)
    if form.get("client_secret") is not None:
        raise OAuthError("invalid_request", "more than one client authentication method")
    try:
        name, colon, secret = b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (Base64Error, UnicodeDecodeError):
        raise _refused("the authorization header cannot be read", call) from None
    client_id = unquote_plus(name)
    if not colon or form.get("client_id") not in (None, client_id):
        raise _refused("the authorization header cannot be read", call)
    return client_id, unquote_plus(secret)


def _refused(description: str, call: Call[Any, Any]) -> OAuthError:
    """With a challenge if the client tried the header (RFC 6749 §5.2)."""
    tried = call.headers.get("authorization") is not None
    return OAuthError("invalid_client", description, headers=_CHALLENGE if tried else ())
