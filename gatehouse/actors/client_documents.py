"""Clients that nobody registered: their id is the address of a document that describes them.

OAuth Client ID Metadata Document (draft-ietf-oauth-client-id-metadata-document-02), where the
operator switched it on. Whoever publishes a document is a stranger, so such a client is public, is
asked about on the consent page under the name of its host, and gets only the two grants of a
person who signs in. What the document says of scopes, grants or ways to authenticate is not heard.

Strangers decide what is fetched, so fetching is bounded: by Outbound (public addresses, size,
time), by how many fetches run at once, by how often one host is asked, and what came is kept a
while, also if it was nothing.
"""

from __future__ import annotations

import json
import re
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import trio

from gatehouse.actors.clients import Client, client_of
from gatehouse.actors.outbound import OutboundError
from gatehouse.storage.records import Application, OidcClientMetadata

if TYPE_CHECKING:
    from gatehouse.actors.outbound import Outbound

CIMD_CONFIG = "cimd"
"""The operator's switch: `{"enabled": bool}`."""

MAX_CLIENT_ID = 512
"""Characters of such an id: it travels in cookies and in every request."""

KEEP_S = 300.0
"""How long a document is believed without looking again."""

KEEP_NOTHING_S = 30.0
"""How long it is believed that there is none."""

MAX_KEPT = 1000
MAX_FETCHES = 4
"""Documents that are fetched at once; a sign-in that finds them all busy is refused."""

FETCH_S = 5.0
HOST_FETCHES, HOST_WINDOW_S = 10, 60.0
"""How often one host is asked in how long."""

MAX_URIS = 32
MAX_URI = 2048
MAX_NAME = 128

_ID = re.compile(r"https://[a-z0-9.-]+(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~%@+-]+)+/?")
"""Host and path, and nothing that a cookie or a header could stumble over."""
_SYMMETRIC = ("client_secret", "client_secret_expires_at")
_REDIRECT = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+")


def is_document_id(client_id: str) -> bool:
    """Whether a client id is the address of a document (§3)."""
    if not client_id.startswith("https://") or len(client_id) > MAX_CLIENT_ID:
        return False
    dots = any(part in (".", "..") for part in client_id.split("/"))
    return _ID.fullmatch(client_id) is not None and not dots


class _Unreachable(Exception):  # noqa: N818
    """The document could not be looked at: what was known of it counts for a while."""


@dataclass(frozen=True, slots=True)
class _Kept:
    until: float
    client: Client | None


class ClientDocuments:
    """The clients that were looked up by this process."""

    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound
        self._kept: dict[str, _Kept] = {}
        self._asked: dict[str, deque[float]] = {}
        self._fetches = 0

    async def find(self, client_id: str) -> Client | None:
        """The client whose document is there. None if there is none, or no time to look."""
        now = trio.current_time()
        known = self._kept.get(client_id)
        if known is not None and now < known.until:
            return known.client
        before = None if known is None else known.client
        if self._fetches >= MAX_FETCHES or not self._may_ask(client_id, now):
            return before
        self._fetches += 1
        try:
            client = await self._fetch(client_id)
            keep_s = KEEP_NOTHING_S if client is None else KEEP_S
        except _Unreachable:
            client, keep_s = before, KEEP_NOTHING_S
        finally:
            self._fetches -= 1
        if len(self._kept) >= MAX_KEPT:
            self._kept.clear()
        self._kept[client_id] = _Kept(trio.current_time() + keep_s, client)
        return client

    def _may_ask(self, client_id: str, now: float) -> bool:
        if len(self._asked) >= MAX_KEPT:
            self._asked.clear()
        times = self._asked.setdefault(urlsplit(client_id).netloc, deque(maxlen=HOST_FETCHES))
        if len(times) == HOST_FETCHES and now - times[0] < HOST_WINDOW_S:
            return False
        times.append(now)
        return True

    async def _fetch(self, client_id: str) -> Client | None:
        try:
            with trio.fail_after(FETCH_S):
                answer = await self._outbound.get(client_id, {"accept": "application/json"})
        except (OutboundError, trio.TooSlowError):
            raise _Unreachable from None
        if answer.status >= 500:
            raise _Unreachable
        if answer.status != 200:
            return None
        try:
            document = json.loads(answer.body)
        except (ValueError, RecursionError):
            return None
        return described(client_id, document)


def described(client_id: str, document: Any) -> Client | None:
    """The client that a document describes; None if it describes none that can be one (§4.1)."""
    if not isinstance(document, dict) or document.get("client_id") != client_id:
        return None
    if any(name in document for name in _SYMMETRIC):
        return None
    if document.get("token_endpoint_auth_method") not in (None, "none"):
        return None
    redirect_uris = _uris(document.get("redirect_uris"))
    goodbyes = _uris(document.get("post_logout_redirect_uris", []))
    if not redirect_uris or goodbyes is None:
        return None
    host = urlsplit(client_id).netloc
    name = document.get("client_name")
    stated = " ".join(name.split())[:MAX_NAME] if isinstance(name, str) else ""
    return client_of(
        Application(
            id=client_id,
            name=f"{stated} ({host})" if stated else host,
            type="Native",
            is_third_party=True,
            oidc_client_metadata=OidcClientMetadata(
                redirect_uris=redirect_uris, post_logout_redirect_uris=goodbyes
            ),
        ),
        (),
    )


def _uris(value: Any) -> list[str] | None:
    """A list of redirect URIs, or None. Wildcards are for applications that were registered."""
    if not isinstance(value, list) or len(value) > MAX_URIS:
        return None
    for uri in value:
        if not isinstance(uri, str) or len(uri) > MAX_URI or not _REDIRECT.fullmatch(uri):
            return None
        if "*" in uri or "#" in uri or uri.lower().startswith(("javascript:", "data:")):
            return None
    return list(value)
