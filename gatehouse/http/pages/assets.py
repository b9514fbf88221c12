"""What the pages load: a stylesheet and two scripts, under names that change with their content."""

from __future__ import annotations

from gatehouse.http.call import Call, Reply
from gatehouse.http.operation import Operations
from gatehouse.http.pages.render import (
    CAPTCHA_SCRIPT,
    CAPTCHA_SCRIPT_PATH,
    SCRIPT,
    SCRIPT_PATH,
    STYLESHEET,
    STYLESHEET_PATH,
)

operations = Operations(tags=("Pages",))

_HEADERS = (
    ("cache-control", "public, max-age=31536000, immutable"),
    ("x-content-type-options", "nosniff"),
)


@operations.get(STYLESHEET_PATH, "Stylesheet", documented=False)
async def stylesheet(call: Call) -> Reply:
    """The stylesheet."""
    return Reply(200, STYLESHEET, _HEADERS, content_type="text/css; charset=utf-8")


@operations.get(SCRIPT_PATH, "PasskeyScript", documented=False)
async def script(call: Call) -> Reply:
    """The script that asks browsers for passkeys."""
    return Reply(200, SCRIPT, _HEADERS, content_type="text/javascript; charset=utf-8")


@operations.get(CAPTCHA_SCRIPT_PATH, "CaptchaScript", documented=False)
async def captcha_script(call: Call) -> Reply:
    """The script that sends the form of an invisible captcha."""
    return Reply(200, CAPTCHA_SCRIPT, _HEADERS, content_type="text/javascript; charset=utf-8")
