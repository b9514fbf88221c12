"""Reading a request's input: from bytes to the models that an operation declares.

Whatever is wrong with it becomes one exception, `InvalidInput`, with a list of issues that say
where and why; a dialect only decides how that looks. Sizes are bounded before anything is parsed:
bytes by the edge and the operation, nesting and the number of fields here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

if TYPE_CHECKING:
    from gatehouse.http.operation import Operation

M = TypeVar("M", bound=BaseModel)

MAX_JSON_DEPTH = 32
"""Nested arrays and objects in a body; no model of an identity API comes near it."""

MAX_FIELDS = 100
"""Parameters of a form or a query string."""

MAX_QUERY_BYTES = 8 * 1024
"""An authorization request with a request object in it stays well below."""

Part = Literal["query", "body", "params"]

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing that is wrong: `code` is pydantic's error type, `path` leads to the value."""

    code: str
    path: tuple[str | int, ...]
    message: str
    expected: str | None = None


class InvalidInput(Exception):  # noqa: N818 - named for what the caller did
    """Input that its operation's models refuse."""

    def __init__(self, part: Part, issues: Iterable[Issue]) -> None:
        self.part = part
        self.issues = tuple(issues)
        super().__init__(part)


class NotJson(Exception):  # noqa: N818
    """A JSON body that is not JSON."""


class BodyTooLarge(Exception):  # noqa: N818
    """A body above its operation's bound."""


def invalid(part: Part, path: str, message: str, code: str = "custom") -> InvalidInput:
    """One issue that no model can find by itself, for handlers."""
    return InvalidInput(part, (Issue(code, tuple(path.split(".")) if path else (), message),))


def read_query(operation: Operation, raw: bytes) -> Any:
    """The operation's query model.

    Raises InvalidInput: too long, not UTF-8, too many parameters, or refused by the model.
    """
    if operation.query_type is None:
        return None
    if len(raw) > MAX_QUERY_BYTES:
        raise invalid("query", "", f"The query string is longer than {MAX_QUERY_BYTES} bytes.")
    return _checked(operation.query_type, _fields(raw, "query"), "query")


def read_body(operation: Operation, raw: bytes, content_type: str | None) -> Any:
    """The operation's body model, from JSON or, where it is accepted, a form.

    A missing body is read as an empty object, so that the issues name what is missing. Raises
    BodyTooLarge, NotJson, or InvalidInput.
    """
    if len(raw) > operation.max_body:
        raise BodyTooLarge
    adapter = operation.body_type
    if adapter is None:
        return None
    kind = "" if content_type is None else content_type.partition(";")[0].strip().lower()
    if not raw:
        return _checked(adapter, {}, "body")
    if kind == "application/x-www-form-urlencoded" and operation.form:
        return _checked(adapter, _fields(raw, "body"), "body")
    if kind != "application/json" and not kind.endswith("+json"):
        raise invalid("body", "", "The body must be JSON (Content-Type: application/json).")
    _check_depth(raw)
    if b"\\u0000" in raw and _NUL.search(raw):
        raise invalid("body", "", "Text must not contain the NUL character.")
    try:
        return adapter.validate_json(raw)
    except ValidationError as error:
        if error.errors(include_url=False)[0]["type"] == "json_invalid":
            raise NotJson from None
        raise InvalidInput("body", map(_issue, error.errors(include_url=False))) from None


def validated(model: type[M], body: object) -> M:
    """A body by a model that only the handler can choose. Raises InvalidInput."""
    checked: M = _checked(TypeAdapter(model), body, "body")
    return checked


def check_path(params: Mapping[str, str]) -> None:
    """Refuse path parameters that no identifier can be. Raises InvalidInput."""
    for name, value in params.items():
        if not value or len(value) > 2048 or "\x00" in value:
            raise invalid("params", name, "The path parameter is not usable.")


def _checked(adapter: Any, value: Any, part: Part) -> Any:
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        raise InvalidInput(part, map(_issue, error.errors(include_url=False))) from None


def _issue(error: ErrorDetails) -> Issue:
    path = tuple(step for step in error["loc"] if step not in ("[key]",))
    expected = error.get("ctx", {}).get("expected")
    return Issue(error["type"], path, error["msg"], None if expected is None else str(expected))


def _fields(raw: bytes, part: Part) -> dict[str, str | list[str]]:
    """Parameters by name; a repeated one becomes a list, which a single-valued field refuses."""
    try:
        pairs = parse_qsl(
            raw.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS
        )
    except ValueError as error:  # includes UnicodeDecodeError
        reason = "not valid UTF-8" if isinstance(error, UnicodeError) else "too many parameters"
        raise invalid(part, "", f"The parameters cannot be read: {reason}.") from None
    fields: dict[str, str | list[str]] = {}
    for name, value in pairs:
        if "\x00" in value or "\x00" in name:
            raise invalid(part, "", "Text must not contain the NUL character.")
        known = fields.get(name)
        if known is None:
            fields[name] = value
        elif isinstance(known, list):
            known.append(value)
        else:
            fields[name] = [known, value]
    return fields


def _check_depth(raw: bytes) -> None:
    if raw.count(b"[") + raw.count(b"{") <= MAX_JSON_DEPTH:
        return
    depth = 0
    for token in _TOKEN.finditer(raw):
        mark = token.group()
        if mark in b"[{":
            depth += 1
            if depth > MAX_JSON_DEPTH:
                raise invalid("body", "", f"The body nests deeper than {MAX_JSON_DEPTH} levels.")
        elif mark in b"]}":
            depth -= 1
