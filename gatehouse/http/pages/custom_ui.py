"""Pages of the operator's own in the place of ours: an application that runs in the browser.

Where the sign-in experience names uploaded pages, their `index.html` is every page of a sign-in,
and whatever other path nobody serves is looked for among their files. They use the Experience API
like any other page, so nothing is decided here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gatehouse.http.call import Reply

if TYPE_CHECKING:
    from gatehouse.actors.core import Core

INDEX = "index.html"
OURS = ("/api/", "/oidc/")
"""What no page of anybody's own can be."""
MAX_SOURCES = 50
"""Sources of an operator's in one directive."""

_SOURCE = re.compile(r"[A-Za-z0-9*:/.?=&%_~'-]{1,256}")
"""A source expression (CSP Level 3, 2.3.1): nothing that would begin another directive."""
_AS_IT_IS = ("x-content-type-options", "nosniff")
_FILE_HEADERS = (("cache-control", "max-age=604800"), _AS_IT_IS)


async def custom_index(core: Core) -> Reply | None:
    """The operator's page for somebody who signs in, if there is one."""
    return await _file(core, INDEX)


async def custom_file(core: Core, path: str) -> Reply | None:
    """A file of the operator's pages, or for a path without an extension their first page."""
    if path.startswith(OURS):
        return None
    name = path.lstrip("/")
    if "." not in name.rpartition("/")[2]:
        name = INDEX
    return await _file(core, name)


async def _file(core: Core, name: str) -> Reply | None:
    store = core.assets
    if store is None:
        return None
    settings = await core.directory.sign_in_experience()
    chosen = settings.custom_ui_assets
    if not chosen:
        return None
    file = await store.site_file(str(chosen.get("id")), name)
    if file is None:
        return None
    headers: Sequence[tuple[str, str]] = _FILE_HEADERS
    if name == INDEX:
        policy = content_security_policy(settings.custom_ui_csp)
        headers = (("cache-control", "no-cache"), ("content-security-policy", policy), _AS_IT_IS)
    return Reply(200, file.content, headers, content_type=file.content_type)


def content_security_policy(wanted: Mapping[str, Any]) -> str:
    """What the operator's pages may load: what lies beside them, and the sources they name."""
    scripts = " ".join(("'self'", *_sources(wanted.get("scriptSrc"))))
    connections = " ".join(("'self'", *_sources(wanted.get("connectSrc"))))
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src {scripts}",
            f"connect-src {connections}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob: https:",
            "font-src 'self' data: https:",
            "object-src 'none'",
            "base-uri 'self'",
            "frame-ancestors 'self'",
        )
    )


def _sources(given: object) -> list[str]:
    if not isinstance(given, list):
        return []
    return [one for one in given[:MAX_SOURCES] if isinstance(one, str) and _SOURCE.fullmatch(one)]
