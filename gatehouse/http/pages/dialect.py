"""The pages as a skin: whatever goes wrong is a page too."""

from __future__ import annotations

import math
from typing import Any

from gatehouse.actors.phrases import BUILT_IN, choose_language
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.engine import errors as engine
from gatehouse.http.call import Call, Headers, Reply
from gatehouse.http.operation import Dialect
from gatehouse.http.pages.look import Settings, look_of
from gatehouse.http.pages.messages import Message, message_for
from gatehouse.http.pages.render import draw
from gatehouse.http.pages.words import Words, remembered_words, words_in
from gatehouse.http.pipeline import DeadlineExceeded
from gatehouse.http.validation import BodyTooLarge, InvalidInput, NotJson
from gatehouse.storage import errors as storage

_PLAIN_LOOK = look_of(Settings())
_TITLES = {
    400: "page.trouble.failed",
    404: "description.not_found",
    405: "page.trouble.not_possible",
    413: "page.trouble.too_much",
    500: "error.something_went_wrong",
    503: "page.trouble.busy",
}


def words_at(call: Call[Any, Any] | None) -> Words:
    """The words for somebody who is told of an error, as far as it is known who."""
    if call is None:
        return words_in(BUILT_IN)
    return remembered_words(call.core, call.headers.get("accept-language"))


def error_page(
    words: Words,
    status: int,
    message: Message,
    *,
    detail: str = "",
    retry_after: float | None = None,
) -> Reply:
    """A page that says what went wrong and what to do, in the plain look.

    `detail` is for a developer, and in English.
    """
    values = {
        "title": words(_TITLES.get(status, _TITLES[400])),
        "text": message.said(words).text,
        "detail": detail,
        "good": False,
        "facts": (),
        "link": None,
    }
    reply = draw(_PLAIN_LOOK, words, "message.html", values, status=status)
    if retry_after is None:
        return reply
    wait = ("retry-after", str(max(1, math.ceil(retry_after))))
    return Reply(reply.status, reply.body, (*reply.headers, wait), (), reply.content_type)


def refuse(error: Exception, call: Call[Any, Any] | None) -> Reply:
    """The page for any exception."""
    wait: float | None = None
    match error:
        case Refused(reason=Reason.INTERACTION_GONE):
            status, key = 400, "error.invalid_session"
        case Refused():
            return error_page(words_at(call), 400, message_for(error))
        case engine.Overloaded() | engine.Unavailable() | storage.Busy() | storage.Unavailable():
            status, key, wait = 503, "page.trouble.too_much_going_on", error.retry_after
        case engine.EngineError() | DeadlineExceeded():
            status, key, wait = 503, "error.timeout", 1
        case BodyTooLarge():
            status, key = 413, "page.trouble.form_too_large"
        case InvalidInput() | NotJson():
            status, key = 400, "page.trouble.form_unreadable"
        case _:
            status, key = 500, "page.trouble.our_fault"
    return error_page(words_at(call), status, Message(key), retry_after=wait)


def not_found(path: str, headers: Headers) -> Reply:
    """A page nobody made."""
    return error_page(_accepted(headers), 404, Message("page.trouble.check_address"))


def method_not_allowed(allow: str, headers: Headers) -> Reply:
    """A page that takes no form."""
    return error_page(_accepted(headers), 405, Message("page.trouble.go_back"))


def _accepted(headers: Headers) -> Words:
    """The words for somebody of whom only a request's head is known, and not whose page it is."""
    accepted = headers.get("accept-language")
    return words_in(choose_language(None, accepted, {"autoDetect": True}, ()))


PAGES = Dialect(
    name="pages",
    prefix="/sign-in",
    refuse=refuse,
    not_found=not_found,
    method_not_allowed=method_not_allowed,
)
