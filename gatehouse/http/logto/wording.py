"""Refusals in the language of whoever reads them.

Pages of an operator's own, and their scripts, show people the `message` of a refusal; the `code` is
for programs. What the pages have a sentence for is said in the browser's language (RFC 9110,
12.5.4), as the tenant's `languageInfo` has it. Everything else, and whatever is English anyway, is
said in the API's own words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gatehouse.actors.phrases import BUILT_IN
from gatehouse.actors.refusal import Refused
from gatehouse.http.call import Call, Reply
from gatehouse.http.logto import dialect, errors
from gatehouse.http.pages.messages import sentence_for
from gatehouse.http.pages.words import remembered_words


def refuse(error: Exception, call: Call[Any, Any] | None = None) -> Reply:
    """The answer for any exception, worded for who asked."""
    reply = errors.refuse(error, call)
    if call is None or not isinstance(error, Refused) or not isinstance(reply.body, Mapping):
        return reply
    sentence = sentence_for(error)
    words = remembered_words(call.core, call.headers.get("accept-language"))
    if sentence is None or words.language == BUILT_IN:
        return reply
    body = {**reply.body, "message": sentence.said(words).text}
    return replace(reply, body=body, headers=(*reply.headers, *words.headers))


API = replace(dialect.API, refuse=refuse)
