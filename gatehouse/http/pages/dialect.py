"""The pages as a skin: whatever goes wrong is a page too."""

from __future__ import annotations

import math
from typing import Any

from gatehouse.actors.refusal import Reason, Refused
from gatehouse.engine import errors as engine
from gatehouse.http.call import Call, Reply
from gatehouse.http.operation import Dialect
from gatehouse.http.pages.look import Settings, look_of
from gatehouse.http.pages.messages import message_for
from gatehouse.http.pages.render import draw
from gatehouse.http.pipeline import DeadlineExceeded
from gatehouse.http.validation import BodyTooLarge, InvalidInput, NotJson
from gatehouse.storage import errors as storage

_PLAIN_LOOK = look_of(Settings())
_TITLES = {
    400: "That did not work",
    404: "There is nothing here",
    405: "That is not possible",
    413: "That was too much",
    500: "Something went wrong",
    503: "One moment, please",
}
_OVER = (
    "This sign-in is over or was never begun. Please go back to the application and start again."
)


def error_page(status: int, text: str, *, retry_after: float | None = None) -> Reply:
    """A page that says what went wrong and what to do, in the plain look."""
    title = _TITLES.get(status, _TITLES[400])
    values = {"title": title, "text": text, "good": False, "facts": (), "link": None}
    reply = draw(_PLAIN_LOOK, "message.html", values, status=status)
    if retry_after is None:
        return reply
    wait = ("retry-after", str(max(1, math.ceil(retry_after))))
    return Reply(reply.status, reply.body, (*reply.headers, wait), (), reply.content_type)


def refuse(error: Exception, call: Call[Any, Any] | None) -> Reply:
    """The page for any exception."""
    wait: float | None = None
    match error:
        case Refused(reason=Reason.INTERACTION_GONE):
            status, text = 400, _OVER
        case Refused():
            status, text = 400, message_for(error).text
        case engine.Overloaded() | engine.Unavailable() | storage.Busy() | storage.Unavailable():
            status, text, wait = 503, "Too much is going on. Please try again.", error.retry_after
        case engine.EngineError() | DeadlineExceeded():
            status, text, wait = 503, "This took too long. Please try again.", 1
        case BodyTooLarge():
            status, text = 413, "The form holds more than it should."
        case InvalidInput() | NotJson():
            status, text = 400, "The form could not be read. Please go back and try again."
        case _:
            status, text = 500, "It is our fault, not yours. Please try again later."
    return error_page(status, text, retry_after=wait)


def not_found(path: str) -> Reply:
    """A page nobody made."""
    return error_page(404, "Please check the address.")


def method_not_allowed(allow: str) -> Reply:
    """A page that takes no form."""
    return error_page(405, "Please go back and try again.")


PAGES = Dialect(
    name="pages",
    prefix="/sign-in",
    refuse=refuse,
    not_found=not_found,
    method_not_allowed=method_not_allowed,
)
