"""Signed cookies, and the one cookie that remembers which interactions a browser has open.

Each signed cookie has a companion named `<name>.sig`. The signature covers name and value, so a
value cannot be moved to another cookie. `_interaction` maps client ids to interaction ids, so that
two applications can be signed in to in two tabs at once; `_legacy` is the newest of them, for
requests that do not say which application they are about.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from urllib.parse import quote_from_bytes, unquote_to_bytes

import msgspec

from gatehouse.actors.secret_ring import SecretRing
from gatehouse.actors.tokens import is_uid

INTERACTION_COOKIE = "_interaction"
RESUME_COOKIE = "_interaction_resume"
SESSION_COOKIE = "_session"
APPLICATION_COOKIE = "_logto"
DEVICE_COOKIE = "_device"
ACCOUNT_COOKIE = "_account_verification"
ACCOUNT_LINK_COOKIE = "_account_link"
ONE_TAP_COOKIE = "_logto_google_one_tap_credential"
ARRIVAL_COOKIE = "_logto_idp_saml_sso_session_id"
SAML_COOKIE = "_logto_sp_saml_sso_session_id"

MAX_INTERACTIONS = 10
"""Interactions one browser may have open; the oldest is forgotten first."""
MAX_INTERACTION_COOKIE_BYTES = 3072
"""Browsers refuse cookies beyond 4096 bytes with name and attributes; stay well below."""

_LEGACY = "_legacy"
_ENTRIES = msgspec.json.Decoder(dict[str, str])
_SIGNATURE_BYTES = 20


class CookieSigner:
    """Makes and checks the `.sig` companions."""

    def __init__(self, ring: SecretRing) -> None:
        self._ring = ring.derive("cookie")

    def signature(self, name: str, value: str) -> str:
        """The value of `<name>.sig`."""
        return _text(self._ring.mac(f"{name}={value}".encode())[:_SIGNATURE_BYTES])

    def read(self, cookies: Mapping[str, str], name: str) -> str | None:
        """The cookie's value if its companion vouches for it, else None."""
        value, signature = cookies.get(name), cookies.get(f"{name}.sig")
        if value is None or signature is None or not signature.isascii():
            return None
        try:
            mac = urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
        except Base64Error:
            return None
        if len(mac) != _SIGNATURE_BYTES:
            return None
        return value if self._ring.verify(f"{name}={value}".encode(), mac) else None


def read_interactions(value: str | None) -> dict[str, str]:
    """The interactions of an `_interaction` cookie's value; empty if it is none of ours."""
    if value is None or len(value) > MAX_INTERACTION_COOKIE_BYTES:
        return {}
    try:
        entries = _ENTRIES.decode(unquote_to_bytes(value))
    except (msgspec.MsgspecError, UnicodeError):
        return {}
    if len(entries) > MAX_INTERACTIONS + 1:
        return {}
    return {key: uid for key, uid in entries.items() if is_uid(uid)}


def find_interaction(value: str | None, client_id: str | None) -> tuple[str, str] | None:
    """The application and the interaction a request means: the newest if it names none."""
    entries = read_interactions(value)
    uid = entries.get(client_id or _LEGACY)
    if uid is None:
        return None
    return client_id or next(key for key, known in entries.items() if known == uid), uid


def add_interaction(value: str | None, client_id: str, uid: str) -> str:
    """The cookie's next value: with this interaction as its client's and as the newest."""
    entries = read_interactions(value)
    entries.pop(_LEGACY, None)
    entries.pop(client_id, None)
    entries[client_id] = uid
    while len(entries) > MAX_INTERACTIONS or len(_pack(entries, uid)) > (
        MAX_INTERACTION_COOKIE_BYTES
    ):
        del entries[next(iter(entries))]
    return _pack(entries, uid)


def _pack(entries: Mapping[str, str], newest: str) -> str:
    return quote_from_bytes(msgspec.json.encode({**entries, _LEGACY: newest}), safe="")


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
