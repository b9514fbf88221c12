"""What every answer of Logto's API has in common, whoever gives it."""

from __future__ import annotations

from dataclasses import replace

from gatehouse.http.call import Headers, Reply
from gatehouse.http.logto.errors import refuse
from gatehouse.http.operation import Dialect

PLAIN = "text/plain; charset=utf-8"

SECURITY_HEADERS: tuple[tuple[str, str], ...] = (
    ("cross-origin-resource-policy", "same-origin"),
    ("origin-agent-cluster", "?1"),
    ("referrer-policy", "strict-origin-when-cross-origin"),
    ("strict-transport-security", "max-age=15552000; includeSubDomains"),
    ("x-content-type-options", "nosniff"),
    ("x-download-options", "noopen"),
    ("x-frame-options", "SAMEORIGIN"),
    ("x-permitted-cross-domain-policies", "none"),
    ("x-xss-protection", "0"),
)


def not_found(path: str, headers: Headers) -> Reply:
    """A path that no operation has."""
    return Reply(404, "Not Found", content_type=PLAIN)


def method_not_allowed(allow: str, headers: Headers) -> Reply:
    """A path that exists, with a method that it has not."""
    return Reply(405, "Method Not Allowed", (("allow", allow),), content_type=PLAIN)


API = Dialect(
    name="logto",
    prefix="/api",
    refuse=refuse,
    not_found=not_found,
    method_not_allowed=method_not_allowed,
    headers=SECURITY_HEADERS,
    request_id_header="Logto-Core-Request-Id",
)

ROOT = replace(API, prefix="/")
"""Everything that is neither `/api` nor another part's own."""
