"""What every list does: read the page from the query, answer with the total and the links.

Most lists page only if they are asked to; the few that may be huge always do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import parse_qsl, quote, urlencode

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.errors import INVALID_PAGE
from gatehouse.http.wire import Query

DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 100
MAX_PAGE = 1_000_000_000 // MAX_PAGE_SIZE
"""Keeps the offset within what both databases count in."""

MAX_UNPAGED = 10_000
"""Entries of a list that was asked for as a whole."""


def _count(most: int) -> BeforeValidator:
    def read(text: object) -> int | None:
        if text in ("", None):
            return None
        if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < 12:
            number = int(text)
            if 1 <= number <= most:
                return number
        raise PydanticCustomError(INVALID_PAGE, "The page or the page size is not valid.")

    return BeforeValidator(read)


_Number = Annotated[
    int | None,
    _count(MAX_PAGE),
    WithJsonSchema({"type": "integer", "minimum": 1}),
]
_Size = Annotated[
    int | None,
    _count(MAX_PAGE_SIZE),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE}),
]


class Page(Query):
    """The query of a list: `page` from 1, `page_size` 20 unless said, 100 at most."""

    page: _Number = None
    page_size: _Size = None

    @property
    def window(self) -> Window:
        """The page that was asked for, or the first one."""
        size = self.page_size or DEFAULT_PAGE_SIZE
        return Window(self.page or 1, size)

    @property
    def asked(self) -> Window | None:
        """The page that was asked for, or `None`: everything."""
        return None if self.page is None and self.page_size is None else self.window


class SearchedPage(Page):
    """The query of a list that can be searched: see `search`, which reads the parameters itself."""

    search_params: Annotated[
        Any, WithJsonSchema({"type": "object", "additionalProperties": {"type": "string"}})
    ] = None


@dataclass(frozen=True, slots=True)
class Window:
    """A page of a list: its number from 1 and its size."""

    number: int
    size: int

    @property
    def offset(self) -> int:
        """How many entries come before it."""
        return (self.number - 1) * self.size


def bounds(window: Window | None) -> tuple[int, int]:
    """Limit and offset of a page, or of all there is up to `MAX_UNPAGED`."""
    return (MAX_UNPAGED, 0) if window is None else (window.size, window.offset)


def listed(
    call: Call[Any, Any],
    entries: Sequence[object],
    total: int,
    window: Window | None,
    *,
    capped: bool = False,
) -> Reply:
    """The entries of a page with `Total-Number` and `Link` (RFC 8288); just them if unpaged.

    `capped`: there are more than `total`, and nobody knows which page is the last.
    """
    if window is None:
        return Reply(200, entries)
    last = max(1, -(-total // window.size))
    pages = {"first": 1}
    if window.number > 1:
        pages["prev"] = window.number - 1
    if window.number < last and not capped:
        pages["next"] = window.number + 1
    if not capped:
        pages["last"] = last
    links = ", ".join(f'<{_url(call, page)}>; rel="{rel}"' for rel, page in pages.items())
    more = (("total-number-is-capped", "true"),) if capped else ()
    return Reply(200, entries, (("total-number", str(total)), ("link", links), *more))


def _url(call: Call[Any, Any], page: int) -> str:
    """This request's URL for another page. As with Logto's own, `/api` is left out."""
    pairs = [pair for pair in parse_qsl(call.raw_query.decode()) if pair[0] != "page"]
    path = quote(call.url_path.removeprefix("/api"))
    return f"{call.core.public_url}{path}?{urlencode([('page', page), *pairs])}"
