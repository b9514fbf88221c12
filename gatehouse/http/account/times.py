"""Times and browsers, as people are told of them."""

from __future__ import annotations

from datetime import UTC, datetime

_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "an iPhone"),
    ("iPad", "an iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "a Mac"),
    ("Linux", "Linux"),
)


def day(at: int) -> str:
    """A day (ms since the epoch, in UTC): 21 November 2026."""
    moment = datetime.fromtimestamp(at / 1000, UTC)
    return f"{moment.day} {moment:%B %Y}"


def browser_name(agent: str | None) -> str:
    """What a browser is, from what it says about itself: Chrome on Linux."""
    told = agent or ""
    name = next((name for mark, name in _BROWSERS if mark in told), "A browser")
    system = next((name for mark, name in _SYSTEMS if mark in told), None)
    return name if system is None else f"{name} on {system}"
