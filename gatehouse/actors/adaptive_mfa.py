"""Adaptive MFA: a second factor is asked for when a sign-in looks unlike those before.

What a proxy in front of the server knows of a request (where in the world it comes from, whether
it looks like a robot) comes in headers that only a trusted proxy is believed. The rules are pure;
their names, thresholds and what they tell webhooks are Logto's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gatehouse.storage.sign_in_places import SignInPlace

HOUR_MS = 60 * 60 * 1000
DAY_MS = 24 * HOUR_MS
NEW_COUNTRY_DAYS = 180
"""How long a country stays a known one."""
MAX_SPEED_KMH = 900
"""Who moved faster between two sign-ins was not on board of an airliner."""
MAX_INACTIVITY_DAYS = 30
MIN_BOT_SCORE = 30
"""Below that, Cloudflare thinks that a request is probably automated."""
EARTH_RADIUS_KM = 6371.0
MAX_CITY_LENGTH = 128

HEADERS = {
    "country": "x-logto-cf-country",
    "city": "x-logto-cf-city",
    "latitude": "x-logto-cf-latitude",
    "longitude": "x-logto-cf-longitude",
    "bot_score": "x-logto-cf-bot-score",
    "bot_verified": "x-logto-cf-bot-verified",
}
"""Under which names a proxy says what it knows."""


@dataclass(frozen=True, slots=True)
class Signs:
    """What a proxy knows of a request. Coordinates are in degrees; a low score is a robot's."""

    country: str | None = None
    city: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    bot_score: float | None = None
    bot_verified: bool | None = None

    @property
    def location(self) -> dict[str, float] | None:
        """The point, if it is known."""
        if self.latitude is None or self.longitude is None:
            return None
        return {"latitude": self.latitude, "longitude": self.longitude}

    def to_place(self, user_id: str) -> SignInPlace | None:
        """What to remember of where a user signed in; None if nothing is known."""
        if self.country is None and self.location is None:
            return None
        return SignInPlace(user_id=user_id, country=self.country or "", location=self.location)


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of a user's sign-ins: when the last was (ms), and from where, latest first."""

    last_sign_in_at: int | None
    places: Sequence[SignInPlace] = ()


def read_signs(header: Callable[[str], str | None]) -> Signs | None:
    """What the headers of a request say; what makes no sense is left out, None if nothing does."""
    text = {name: (header(key) or "").strip() for name, key in HEADERS.items()}
    country = text["country"].upper()
    verified = text["bot_verified"].lower()
    signs = Signs(
        country=country if len(country) == 2 and country.isascii() and country.isalpha() else None,
        city=text["city"][:MAX_CITY_LENGTH] or None,
        latitude=_number(text["latitude"], 90),
        longitude=_number(text["longitude"], 180),
        bot_score=_number(text["bot_score"], math.inf),
        bot_verified=verified in ("1", "true", "y", "yes") if verified else None,
    )
    return None if signs == Signs() else signs


def triggered(signs: Signs | None, past: Past, now: int) -> list[dict[str, Any]]:
    """What speaks for asking for a second factor, as webhooks are told; empty if nothing does."""
    signs = signs or Signs()
    found = (
        _new_country(signs, past, now),
        _too_fast(signs, past, now),
        _long_away(past, now),
        _untrusted(signs),
    )
    return [rule for rule in found if rule is not None]


def since(now: int) -> int:
    """From when on places are looked at (ms)."""
    return now - NEW_COUNTRY_DAYS * DAY_MS


def _new_country(signs: Signs, past: Past, now: int) -> dict[str, Any] | None:
    known = [place for place in past.places if place.country and place.seen_at >= since(now)]
    if signs.country is None or past.last_sign_in_at is None or not known:
        return None
    if signs.country in {place.country for place in known}:
        return None
    details = {
        "currentCountry": signs.country,
        "windowDays": NEW_COUNTRY_DAYS,
        "recentCountries": [_visited(place) for place in known],
    }
    return {"rule": "new_country", "details": details}


def _too_fast(signs: Signs, past: Past, now: int) -> dict[str, Any] | None:
    before = next((place for place in past.places if place.location), None)
    if signs.location is None or past.last_sign_in_at is None or before is None:
        return None
    hours = (now - past.last_sign_in_at) / HOUR_MS
    distance = _distance_km(signs.location, before.location or {})
    if hours <= 0 or distance / hours <= MAX_SPEED_KMH:
        return None
    current = {"country": signs.country, "city": signs.city, "at": _iso(now)}
    details = {
        "previous": {"country": _visited(before), "at": _iso(past.last_sign_in_at)},
        "current": {name: value for name, value in current.items() if value is not None},
        "distanceKm": round(distance, 2),
        "durationHours": round(hours, 2),
        "speedKmh": round(distance / hours, 2),
        "thresholdKmh": MAX_SPEED_KMH,
    }
    return {"rule": "geo_velocity", "details": details}


def _long_away(past: Past, now: int) -> dict[str, Any] | None:
    if past.last_sign_in_at is None:
        return None
    days = (now - past.last_sign_in_at) / DAY_MS
    if days <= MAX_INACTIVITY_DAYS:
        return None
    details = {
        "lastSignInAt": _iso(past.last_sign_in_at),
        "inactivityDays": round(days, 2),
        "thresholdDays": MAX_INACTIVITY_DAYS,
    }
    return {"rule": "long_inactivity", "details": details}


def _untrusted(signs: Signs) -> dict[str, Any] | None:
    matched = []
    if signs.bot_score is not None and signs.bot_score < MIN_BOT_SCORE:
        matched.append(f"botScore<{MIN_BOT_SCORE}")
    if signs.bot_verified:
        matched.append("botVerified")
    if not matched:
        return None
    given = {"botScore": signs.bot_score, "botVerified": signs.bot_verified}
    known = {name: value for name, value in given.items() if value is not None}
    return {"rule": "untrusted_ip", "details": {"signals": known, "matchedSignals": matched}}


def _visited(place: SignInPlace) -> dict[str, Any]:
    return {"country": place.country, "lastSignInAt": place.seen_at}


def _distance_km(here: dict[str, float], there: dict[str, float]) -> float:
    """Along the surface (the haversine formula)."""
    first, second = math.radians(here["latitude"]), math.radians(there["latitude"])
    across = math.radians(there["longitude"] - here["longitude"])
    half = (
        math.sin((second - first) / 2) ** 2
        + math.cos(first) * math.cos(second) * math.sin(across / 2) ** 2
    )
    return 2 * EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(half)))


def _number(text: str, bound: float) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and abs(number) <= bound else None


def _iso(milliseconds: int) -> str:
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
