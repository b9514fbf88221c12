"""What a tenant chooses can always be read, and nothing it chooses can escape its place."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse.actors.sign_in_rules import view_settings
from gatehouse.http.pages.look import (
    MIN_CONTRAST,
    Settings,
    contrast,
    look_of,
    parse_colour,
)
from gatehouse.http.pages.render import draw, security_policy
from gatehouse.http.pages.words import words_in
from gatehouse.storage.records import SignInExperience

colours = st.from_regex(r"#[0-9a-f]{6}", fullmatch=True)


def settings_of(**stored: object) -> Settings:
    return view_settings(SignInExperience(**stored), Settings)  # type: ignore[arg-type]


def variables(settings: Settings) -> dict[str, tuple[int, int, int]]:
    found = re.findall(r"(--[\w-]+):(#[0-9a-f]{6});", look_of(settings).css)
    return {name: colour for name, text in found if (colour := parse_colour(text))}


def coloured(primary: str, dark: str = "#a8c7fa") -> Settings:
    colours = {"primaryColor": primary, "isDarkModeEnabled": True, "darkPrimaryColor": dark}
    return settings_of(color=colours)


@pytest.mark.parametrize(
    ("text", "colour"),
    [("#fff", (255, 255, 255)), ("#0b57d0", (11, 87, 208)), ("#0B57D0", (11, 87, 208))],
)
def test_colours_are_read_in_both_lengths(text: str, colour: object) -> None:
    assert parse_colour(text) == colour


@pytest.mark.parametrize("text", ["red", "#12345", "#fff;}body{display:none", "#fff\n", ""])
def test_what_is_no_colour_is_left_out(text: str) -> None:
    assert parse_colour(text) is None
    assert variables(coloured(text))["--accent"] == variables(Settings())["--accent"]


def test_contrast_is_that_of_the_guidelines() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((118, 118, 118), (255, 255, 255)) == pytest.approx(4.54, abs=0.01)


@given(colours, colours)
def test_whatever_colours_a_tenant_chooses_text_can_be_read(light: str, dark: str) -> None:
    look = variables(coloured(light, dark))
    assert contrast(look["--accent"], look["--accent-ink"]) >= MIN_CONTRAST
    assert contrast(look["--accent-text"], (255, 255, 255)) >= MIN_CONTRAST
    assert contrast(look["--accent-dark"], look["--accent-dark-ink"]) >= MIN_CONTRAST
    assert contrast(look["--accent-dark-text"], (21, 23, 31)) >= MIN_CONTRAST


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//evil", "https://a;b", "mock://logo", "x"]
)
def test_an_address_that_is_none_of_the_web_is_not_used(url: str) -> None:
    look = look_of(settings_of(branding={"logoUrl": url}, terms_of_use_url=url))
    assert (look.logo, look.links, look.image_origins) == (None, (), ())


def test_a_logo_may_be_loaded_from_where_it_is_and_from_nowhere_else() -> None:
    logos = {
        "logoUrl": "https://cdn.example/logo.svg",
        "darkLogoUrl": "http://dark.example:8080/logo.svg",
    }
    look = look_of(settings_of(branding=logos))
    assert look.image_origins == ("http://dark.example:8080", "https://cdn.example")


def test_the_policy_allows_nothing_inline_and_no_frame() -> None:
    policy = security_policy("n0nce", (), ("https://app.example/cb?x=1", "com.example.app:/cb"))
    directives = dict(part.split(" ", 1) for part in policy.split("; "))
    assert directives["default-src"] == "'none'"
    assert "script-src" not in directives
    assert directives["style-src"] == "'self' 'nonce-n0nce'"
    assert directives["form-action"] == "'self' https://app.example com.example.app:"
    assert directives["frame-ancestors"] == "'none'"
    assert "unsafe" not in policy


@pytest.mark.parametrize("target", ["https://a.example; script-src *", "https://x y/", "', 'x:"])
def test_a_redirect_address_cannot_add_to_the_policy(target: str) -> None:
    policy = security_policy("n", (), (target,))
    assert "script-src" not in policy
    assert policy.count(";") == 5


def test_what_is_shown_is_escaped() -> None:
    values = {
        "title": "<b>",
        "text": '"><script>alert(1)</script>',
        "good": False,
        "facts": [("<i>", "<u>")],
        "link": None,
    }
    reply = draw(look_of(Settings()), words_in("en"), "message.html", values)
    assert "<script" not in str(reply.body)
    assert "<b>" not in str(reply.body)
    assert "<u>" not in str(reply.body)
