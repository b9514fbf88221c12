"""Reading an uploaded file out of a `multipart/form-data` body (RFC 7578).

The body is complete and bounded by its operation before it is looked at; Werkzeug's decoder, which
does no I/O, takes it apart. One file is wanted, so everything else is refused rather than kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from gatehouse.http.call import Call
from gatehouse.http.validation import invalid

MAX_PARTS = 8
"""Parts of a body; a form with a file has one or two."""
MAX_FIELD_BYTES = 64 * 1024
"""What fields that are no files may weigh together."""
PIECE_BYTES = MAX_FIELD_BYTES // 2
ENVELOPE_BYTES = 64 * 1024
"""What the body may weigh besides the file: boundaries, headers, other fields."""

_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
"""RFC 2046, 5.1.1."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as its sender describes it; nothing of that is to be believed."""

    name: str
    content_type: str
    content: bytes


def uploaded_file(call: Call[Any, Any], field: str = "file") -> Upload:
    """The file of a form. Raises InvalidInput if there is none, or more than one."""
    kind, options = parse_options_header(call.headers.get("content-type"))
    boundary = options.get("boundary", "")
    if kind != "multipart/form-data" or not _BOUNDARY.fullmatch(boundary):
        raise invalid("body", "", "The body must be a form with a file (multipart/form-data).")
    decoder = MultipartDecoder(boundary.encode("ascii"), MAX_FIELD_BYTES, max_parts=MAX_PARTS)
    try:
        uploads = _files(decoder, call.raw_body, field)
    except (ValueError, RequestEntityTooLarge):
        raise invalid("body", "", "The form cannot be read.") from None
    if len(uploads) != 1:
        raise invalid("body", field, "One file is needed.")
    return uploads[0]


def _files(decoder: MultipartDecoder, body: bytes, field: str) -> list[Upload]:
    """The files of a field. Raises ValueError for a body that is no whole form."""
    found: list[Upload] = []
    part: File | Field | None = None
    content = bytearray()
    for piece in _pieces(body):
        decoder.receive_data(piece)
        event = decoder.next_event()
        while not isinstance(event, NeedData | Epilogue):
            if isinstance(event, File | Field):
                part = event
                content.clear()
            elif isinstance(event, Data):
                content += event.data
                if not event.more_data and isinstance(part, File) and part.name == field:
                    kind = parse_options_header(part.headers.get("content-type"))[0]
                    found.append(Upload(part.filename, kind.lower(), bytes(content)))
            event = decoder.next_event()
        if isinstance(event, Epilogue):
            return found
    raise ValueError("the form ends early")


def _pieces(body: bytes) -> Iterator[bytes | None]:
    """The body in pieces that the decoder is willing to hold, and its end."""
    for start in range(0, len(body), PIECE_BYTES):
        yield body[start : start + PIECE_BYTES]
    yield None
