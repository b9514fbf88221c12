"""Mail addresses that a tenant does not want: pure.

An entry is an address (`ada@example.com`) or a domain (`@example.com`); `*` stands for anything.
Case does not matter. At Gmail dots in the name do not matter either, and its two domains are one.
"""

from __future__ import annotations

import re

import msgspec

from gatehouse.actors.refusal import Reason, Refused

_GMAIL = ("gmail.com", "googlemail.com")
_LOCAL = re.compile(r"[^\s@]+")
_DOMAIN = re.compile(r"[^\s@.]+(\.[^\s@.]+)+")
MAX_ENTRY_LENGTH = 256


class BlocklistPolicy(msgspec.Struct, frozen=True, rename="camel"):
    """Which addresses may make an account. A list of the allowed allows nothing else."""

    block_subaddressing: bool = False
    custom_allowlist: tuple[str, ...] = ()
    custom_blocklist: tuple[str, ...] = ()


def check_email(policy: BlocklistPolicy, email: str) -> None:
    """Raises `Refused`: `EMAIL_INVALID`, `EMAIL_SUBADDRESS`, `EMAIL_NOT_ALLOWED`."""
    local, _, domain = email.partition("@")
    if not domain:
        raise Refused(Reason.EMAIL_INVALID)
    if policy.block_subaddressing and "+" in local:
        raise Refused(Reason.EMAIL_SUBADDRESS)
    allowed, blocked = policy.custom_allowlist, policy.custom_blocklist
    if (allowed and not _listed(allowed, email)) or _listed(blocked, email):
        raise Refused(Reason.EMAIL_NOT_ALLOWED, email=email)


def is_entry(text: str) -> bool:
    """Whether this is an entry of such a list."""
    local, at, domain = text.partition("@")
    return (
        len(text) <= MAX_ENTRY_LENGTH
        and at == "@"
        and (not local or _LOCAL.fullmatch(local) is not None)
        and _DOMAIN.fullmatch(domain) is not None
        and domain.strip("*.") != ""
    )


def _listed(entries: tuple[str, ...], email: str) -> bool:
    local, _, domain = email.lower().partition("@")
    domains = _GMAIL if domain in _GMAIL else (domain,)
    name = local.replace(".", "") if domain in _GMAIL else local
    for entry in entries:
        wanted, _, place = entry.lower().partition("@")
        if domain in _GMAIL:
            wanted = wanted.replace(".", "")
        named = not wanted or _fits(wanted, name)
        if named and any(_fits(place, each) for each in domains):
            return True
    return False


def _fits(pattern: str, text: str) -> bool:
    """Whether the text is the pattern, in which `*` stands for anything; in linear steps."""
    first, *rest = pattern.split("*")
    if not rest:
        return text == pattern
    *middle, last = rest
    if not text.startswith(first) or not text[len(first) :].endswith(last):
        return False
    place, end = len(first), len(text) - len(last)
    for part in middle:
        found = text.find(part, place, end)
        if found < 0:
            return False
        place = found + len(part)
    return True
