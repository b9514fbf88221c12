"""Which email domains can belong to a company: not those where everybody can have an address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

_PUBLIC = """
    126.com 163.com aol.com gmail.com gmx.com hotmail.com icloud.com live.com mail.com mail.ru
    outlook.com protonmail.com qq.com sina.com sohu.com yahoo.com yandex.com yanex.com zoho.com
"""
PUBLIC_DOMAINS = frozenset(_PUBLIC.split())
"""Those that Logto refuses, as it spells them."""


def public_domains(domains: Iterable[str]) -> list[str]:
    """Those of the domains that are everybody's. All are in lower case."""
    return [domain for domain in dict.fromkeys(domains) if domain in PUBLIC_DOMAINS]


def duplicated_domains(domains: Iterable[str]) -> list[str]:
    """Those of the domains that occur more than once."""
    return [domain for domain, times in Counter(domains).items() if times > 1]


def domain_of(email: str) -> str:
    """The domain of an email address, in lower case; empty if it has none."""
    return email.rpartition("@")[2].lower() if "@" in email else ""
