"""Which addresses a client's browser may be sent to (RFC 6749 §3.1.2, RFC 9700 §2.1 and §4.1).

A redirect URI is compared with the registered ones character by character. Two things go beyond
that: a native application's loopback address may come with any port (RFC 8252 §7.3), and a
registered URI may have wildcards, as Logto allows them:

- `*` may stand in the host and in the path, never in scheme, port or query;
- in the host it stands for characters of one label, and the last two labels have none, so that
  nobody registers `https://*.com`;
- in the path it stands for anything; an address whose path a browser would rewrite (`..`) matches
  no pattern.

Everything is decided on the text that a browser will be given, in a grammar that is narrower than
what browsers forgive: no user part, no backslash, no fragment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

MAX_LENGTH: Final = 2048

_ADDRESS = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>[A-Za-z0-9.*_-]+)(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[!-\"$->@-\[\]-~]*)?(?P<query>\?[!-\"$-\[\]-~]*)?",
    re.ASCII,
)
"""Scheme, host, port, path and query; visible characters but `#` and backslash."""
_LOOPBACK = re.compile(
    r"http://(127\.0\.0\.1|\[::1\]|localhost)(?::[0-9]{1,5})?((?:/[!-~]*)?)", re.ASCII
)
"""A redirect URI on this machine (RFC 8252 §7.3). `urlsplit` would forgive control characters."""
_WEB = re.compile(r"https?://(?:[A-Za-z0-9.*_-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?(?:[/?][!-~]*)?")
_PRIVATE_SCHEME = re.compile(r"(?!https?:)[a-z0-9][a-z0-9+_-]*(?:\.[a-z0-9+_-]+)+:[!-~]*")
"""A scheme that an application claims for itself is a domain name backwards (RFC 8252 §7.1)."""
_REWRITTEN = re.compile(r"/(?:\.|%2e){1,2}(?:/|$)", re.IGNORECASE)
_PORTS = {"http": "80", "https": "443"}


def is_redirect_uri(text: str) -> bool:
    """Whether a client may register this: an address of the web, or of an application's own.

    No fragment (RFC 6749 §3.1.2), and no scheme that a browser runs or shows by itself.
    """
    if len(text) > MAX_LENGTH or not text.isascii() or "#" in text or "\\" in text:
        return False
    return any(form.fullmatch(text) is not None for form in (_WEB, _PRIVATE_SCHEME))


def matches_pattern(pattern: str, uri: str) -> bool:
    """Whether an address is one of those that a registered one with wildcards stands for."""
    allowed, found = _ADDRESS.fullmatch(pattern), _ADDRESS.fullmatch(uri)
    if allowed is None or found is None or len(uri) > MAX_LENGTH or "*" in uri:
        return False
    host, path = found["host"].lower().split("."), found["path"] or "/"
    labels = allowed["host"].lower().split(".")
    return (
        not _says_too_much(allowed)
        and found["scheme"] == allowed["scheme"]
        and _port(found) == _port(allowed)
        and len(host) == len(labels)
        and all(_fits(label, one, 1) for label, one in zip(labels, host, strict=True))
        and _REWRITTEN.search(path) is None
        and _fits(allowed["path"] or "/", path, 0)
        and found["query"] == allowed["query"]
    )


def origin_matches(pattern: str, origin: str) -> bool:
    """Whether an origin (scheme, host, port) is one that addresses of the pattern have."""
    found = _ADDRESS.fullmatch(pattern)
    if found is None or "*" not in found["host"]:
        return False
    port = f":{found['port']}" if found["port"] else ""
    return matches_pattern(f"{found['scheme']}://{found['host']}{port}", origin)


def portless(uri: str) -> str | None:
    """A loopback redirect URI without its port; None if it is none."""
    found = _LOOPBACK.fullmatch(uri)
    return None if found is None else f"http://{found[1]}{found[2]}"


def with_wildcards(uris: Iterable[str]) -> tuple[str, ...]:
    """Those of the registered URIs that are patterns."""
    return tuple(uri for uri in uris if "*" in uri)


def _says_too_much(pattern: re.Match[str]) -> bool:
    """Wildcards where they may not be: in a query, or in the last two labels of a host."""
    if "*" in (pattern["query"] or ""):
        return True
    labels = pattern["host"].split(".")
    return "*" in pattern["host"] and (len(labels) < 3 or "*" in "".join(labels[-2:]))


def _fits(pattern: str, text: str, least: int) -> bool:
    """Whether each `*` of the pattern stands for `least` characters of the text or more.

    From left to right without going back, so that no address makes this slow.
    """
    if "*" not in pattern:
        return pattern == text
    first, *middle, last = pattern.split("*")
    if not text.startswith(first) or not text.endswith(last):
        return False
    at = len(first)
    for part in middle:
        at = text.find(part, at + least)
        if at < 0:
            return False
        at += len(part)
    return at + least <= len(text) - len(last)


def _port(found: re.Match[str]) -> str:
    return found["port"] or _PORTS.get(found["scheme"], "")
