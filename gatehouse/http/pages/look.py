"""How a tenant's pages look: the colours, logos and links of its sign-in experience.

A tenant chooses one colour for light and one for dark. What is written on that colour, and text in
that colour, is derived here so that it can always be read (WCAG 2.2, 1.4.3: 4.5 to 1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import urlsplit

import msgspec

MIN_CONTRAST = 4.5
"""WCAG 2.2 AA for text."""
_LIGHT_GROUND, _DARK_GROUND = (255, 255, 255), (21, 23, 31)
_STEPS = 20

RGB = tuple[int, int, int]
_HEX = re.compile(r"#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})")


class _Color(msgspec.Struct, frozen=True, rename="camel"):
    primary_color: str = "#0b57d0"
    is_dark_mode_enabled: bool = True
    dark_primary_color: str = "#a8c7fa"


class _Branding(msgspec.Struct, frozen=True, rename="camel"):
    logo_url: str | None = None
    dark_logo_url: str | None = None
    favicon: str | None = None


class Settings(msgspec.Struct, frozen=True, rename="camel"):
    """The part of a sign-in experience that is about looks."""

    color: _Color = _Color()
    branding: _Branding = _Branding()
    terms_of_use_url: str | None = None
    privacy_policy_url: str | None = None
    support_email: str | None = None


class Look(msgspec.Struct, frozen=True):
    """What the templates need of it. Links are named by the keys of their texts."""

    css: str
    dark: bool
    logo: str | None
    dark_logo: str | None
    favicon: str | None
    links: tuple[tuple[str, str], ...]
    image_origins: tuple[str, ...]


@lru_cache(maxsize=64)
def look_of(settings: Settings) -> Look:
    """Derive a look; addresses that are not plain web addresses are left out."""
    branding = settings.branding
    images = [branding.logo_url, branding.dark_logo_url, branding.favicon]
    logo, dark_logo, favicon = (url if url and _origin(url) else None for url in images)
    origins = (_origin(url) for url in (logo, dark_logo, favicon) if url)
    return Look(
        css=_css(settings.color),
        dark=settings.color.is_dark_mode_enabled,
        logo=logo or dark_logo,
        dark_logo=dark_logo if logo else None,
        favicon=favicon,
        links=tuple(_links(settings)),
        image_origins=tuple(sorted({origin for origin in origins if origin})),
    )


def contrast(one: RGB, other: RGB) -> float:
    """The contrast ratio of two colours (WCAG 2.2, definition of contrast ratio)."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def parse_colour(text: str) -> RGB | None:
    """A colour written `#rgb` or `#rrggbb`; None if it is not."""
    found = _HEX.fullmatch(text)
    if found is None:
        return None
    digits = found[1] if len(found[1]) == 6 else "".join(digit * 2 for digit in found[1])
    red, green, blue = bytes.fromhex(digits)
    return red, green, blue


def _css(color: _Color) -> str:
    light = parse_colour(color.primary_color) or (11, 87, 208)
    dark = parse_colour(color.dark_primary_color) or (168, 199, 250)
    values = {
        "--accent": light,
        "--accent-ink": _ink(light),
        "--accent-text": _readable(light, _LIGHT_GROUND),
        "--accent-dark": dark,
        "--accent-dark-ink": _ink(dark),
        "--accent-dark-text": _readable(dark, _DARK_GROUND),
    }
    return ":root{" + "".join(f"{name}:{_hex(value)};" for name, value in values.items()) + "}"


def _ink(ground: RGB) -> RGB:
    """Black or white, whichever reads better on the colour: one of them always does."""
    dark_ink, light_ink = (0, 0, 0), (255, 255, 255)
    return max(light_ink, dark_ink, key=lambda ink: contrast(ink, ground))


def _readable(colour: RGB, ground: RGB) -> RGB:
    """The colour, moved away from the ground until it can be read on it."""
    end = 0 if _luminance(ground) > 0.5 else 255
    for step in range(_STEPS + 1):
        red, green, blue = (round(part + (end - part) * step / _STEPS) for part in colour)
        if contrast((red, green, blue), ground) >= MIN_CONTRAST:
            return red, green, blue
    return end, end, end


def _luminance(colour: RGB) -> float:
    red, green, blue = (
        part / 255 / 12.92 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4
        for part in colour
    )
    return float(0.2126 * red + 0.7152 * green + 0.0722 * blue)


def _hex(colour: RGB) -> str:
    return "#" + bytes(colour).hex()


def _links(settings: Settings) -> Iterator[tuple[str, str]]:
    for name, url in (
        ("description.terms_of_use", settings.terms_of_use_url),
        ("description.privacy_policy", settings.privacy_policy_url),
    ):
        if url and _origin(url):
            yield name, url
    if settings.support_email:
        yield "account_center.page.support", f"mailto:{settings.support_email}"


def _origin(url: str) -> str | None:
    """The origin of a web address, as a Content-Security-Policy source; None if it is none."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return None
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not re.fullmatch(r"[A-Za-z0-9.-]+", host):
        return None
    return f"{parts.scheme}://{host}{port}"
