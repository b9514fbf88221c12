"""Times and browsers, as people are told of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatehouse.http.pages.words import Words

_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("Linux", "Linux"),
)


def since(words: Words, at: int) -> str:
    """Since which day (ms since the epoch, in UTC): since 2026-11-21."""
    moment = datetime.fromtimestamp(at / 1000, UTC)
    date = words("page.account.date", year=f"{moment:%Y}", month=f"{moment:%m}", day=f"{moment:%d}")
    return words("page.account.since", date=date)


def browser_name(words: Words, agent: str | None) -> str:
    """What a browser is, from what it says about itself: Chrome on Linux."""
    told = agent or ""
    name = next((name for mark, name in _BROWSERS if mark in told), None)
    name = name or words("page.account.a_browser")
    system = next((name for mark, name in _SYSTEMS if mark in told), None)
    if system is None:
        return name
    return words("page.account.browser_on", browser=name, system=system)
