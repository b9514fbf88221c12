"""What makes a sign-in look unlike those before: rules, without a server."""

from __future__ import annotations

from typing import Any

import pytest

from gatehouse.actors.adaptive_mfa import (
    DAY_MS,
    HOUR_MS,
    NEW_COUNTRY_DAYS,
    Past,
    Signs,
    read_signs,
    triggered,
)
from gatehouse.storage.sign_in_places import SignInPlace

NOW = 1_800_000_000_000
LONDON: Any = {"latitude": 51.5, "longitude": -0.12}
SYDNEY: Any = {"latitude": -33.87, "longitude": 151.2}
Point = dict[str, float]


def place(
    country: str, ago: int = HOUR_MS, location: dict[str, float] | None = None
) -> SignInPlace:
    return SignInPlace(user_id="ada", country=country, location=location, seen_at=NOW - ago)


def rules(signs: Signs | None, past: Past) -> list[str]:
    return [found["rule"] for found in triggered(signs, past, NOW)]


def test_who_signs_in_as_always_is_let_be() -> None:
    past = Past(NOW - HOUR_MS, [place("GB", location=LONDON)])
    assert rules(Signs(country="GB", **LONDON, bot_score=90, bot_verified=False), past) == []
    assert rules(None, past) == []
    assert rules(None, Past(None)) == []


def test_a_country_nobody_was_seen_in_lately_is_new() -> None:
    past = Past(NOW - HOUR_MS, [place("GB")])
    (found,) = triggered(Signs(country="DE"), past, NOW)
    assert found == {
        "rule": "new_country",
        "details": {
            "currentCountry": "DE",
            "windowDays": NEW_COUNTRY_DAYS,
            "recentCountries": [{"country": "GB", "lastSignInAt": NOW - HOUR_MS}],
        },
    }
    long_ago = Past(NOW - HOUR_MS, [place("GB"), place("DE", (NEW_COUNTRY_DAYS + 1) * DAY_MS)])
    assert rules(Signs(country="DE"), long_ago) == ["new_country"]


def test_the_first_country_is_not_new() -> None:
    assert rules(Signs(country="DE"), Past(NOW - HOUR_MS)) == []
    assert rules(Signs(country="DE"), Past(None, [place("GB")])) == []


def test_nobody_travels_faster_than_an_airliner() -> None:
    signs = Signs(country="AU", city="Sydney", **SYDNEY)
    seen = [place("AU", location=LONDON)]
    (found,) = triggered(signs, Past(NOW - HOUR_MS, seen), NOW)
    details = found["details"]
    assert found["rule"] == "geo_velocity"
    assert 16_900 < details["distanceKm"] < 17_100
    assert details["speedKmh"] == details["distanceKm"]
    assert details["current"]["city"] == "Sydney"
    assert rules(signs, Past(NOW - DAY_MS, seen)) == []
    assert rules(signs, Past(NOW, seen)) == []


def test_who_was_away_for_long_is_asked() -> None:
    assert rules(None, Past(NOW - 31 * DAY_MS)) == ["long_inactivity"]
    assert rules(None, Past(NOW - 30 * DAY_MS)) == []


@pytest.mark.parametrize(
    ("signs", "matched"),
    [
        (Signs(bot_score=29), ["botScore<30"]),
        (Signs(bot_score=30), None),
        (Signs(bot_verified=True), ["botVerified"]),
        (Signs(bot_verified=False), None),
    ],
)
def test_robots_are_asked(signs: Signs, matched: list[str] | None) -> None:
    found = triggered(signs, Past(NOW - HOUR_MS), NOW)
    assert [rule["details"]["matchedSignals"] for rule in found] == ([matched] if matched else [])


def headers(**given: str) -> Any:
    return lambda name: given.get(name.removeprefix("x-logto-cf-").replace("-", "_"))


def test_headers_are_read_as_far_as_they_make_sense() -> None:
    signs = read_signs(
        headers(country=" de ", city="Köln", latitude="50.9", longitude="6.9", bot_score="12")
    )
    assert signs == Signs("DE", "Köln", 50.9, 6.9, 12.0, None)
    assert read_signs(headers(country="T1", latitude="91", longitude="nan")) is None
    assert read_signs(headers(country="DEU", longitude="inf", bot_score="x")) is None
    assert read_signs(headers()) is None
    assert read_signs(headers(bot_verified="TRUE")) == Signs(bot_verified=True)


def test_a_place_is_worth_remembering_if_anything_is_known_of_it() -> None:
    assert Signs(bot_score=1).to_place("ada") is None
    known = Signs(country="DE", latitude=1.0).to_place("ada")
    assert known == SignInPlace(user_id="ada", country="DE", location=None)
