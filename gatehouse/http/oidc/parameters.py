"""Parameters of a request: text by name, each at most once (RFC 6749 §3.1 and §3.2).

Only `resource` may be repeated (RFC 8707 §2). A parameter without a value counts as left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from gatehouse.http.call import Call
from gatehouse.http.oidc.errors import OAuthError

MAX_PARAMETERS = 50
MAX_BYTES = 16 * 1024
"""All parameters together. Browsers and proxies give up earlier in a URL."""

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"

_JSON = msgspec.json.Decoder(dict[str, str | int | float | bool | list[str] | None])
_REPEATABLE = frozenset({"resource"})


class Parameters:
    """The parameters of one request."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, tuple[str, ...]]) -> None:
        self._values = values

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> Parameters:
        """The parameters in these pairs of name and value."""
        values: dict[str, tuple[str, ...]] = {}
        for name, value in pairs:
            values[name] = (*values.get(name, ()), value)
        return cls(values)

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Every parameter, as often as it was given."""
        return ((name, value) for name, given in self._values.items() for value in given)

    def get(self, name: str) -> str | None:
        """The value, or None if the parameter was left out. Raises `OAuthError` if repeated."""
        values = self._values.get(name, ())
        if len(values) > 1:
            raise OAuthError("invalid_request", "a parameter must not be repeated")
        return values[0] if values else None

    def first(self, name: str) -> str | None:
        """The first value, for telling a client that something was repeated."""
        values = self._values.get(name, ())
        return values[0] if values else None

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a parameter that may be repeated, in order and without repetitions."""
        return tuple(dict.fromkeys(self._values.get(name, ())))

    def words(self, name: str) -> tuple[str, ...]:
        """A space-separated list (RFC 6749 §3.3), in order and without repetitions."""
        return tuple(dict.fromkeys((self.get(name) or "").split()))

    def require(self, name: str) -> str:
        """The value. Raises `OAuthError` if it was left out."""
        value = self.get(name)
        if value is None:
            raise OAuthError("invalid_request", f"missing required parameter '{name}'")
        return value

    def check_repetition(self) -> None:
        """Raises `OAuthError` if any parameter is repeated that must not be."""
        for name in self._values:
            if name not in _REPEATABLE:
                self.get(name)


def query_parameters(call: Call[Any, Any]) -> Parameters:
    """The parameters of the query string. Raises `OAuthError`."""
    return _parse(call.raw_query)


def form_parameters(call: Call[Any, Any]) -> Parameters:
    """The parameters of the form in the body, or of a JSON object in its place, which Logto takes
    as well. Raises `OAuthError` if there is another body."""
    kind = (call.headers.get("content-type") or FORM).partition(";")[0].strip().lower()
    if kind == JSON:
        return _parse_json(call.raw_body)
    if kind != FORM:
        raise OAuthError("invalid_request", f"the content type must be {FORM}")
    return _parse(call.raw_body)


def _parse(raw: bytes) -> Parameters:
    if len(raw) > MAX_BYTES:
        raise OAuthError("invalid_request", "the parameters are too long")
    try:
        pairs = parse_qsl(raw.decode("ascii"), errors="strict", max_num_fields=MAX_PARAMETERS)
    except ValueError:
        raise OAuthError("invalid_request", "the parameters cannot be read") from None
    return _checked(pairs)


def _parse_json(raw: bytes) -> Parameters:
    if len(raw) > MAX_BYTES:
        raise OAuthError("invalid_request", "the parameters are too long")
    try:
        given = _JSON.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise OAuthError("invalid_request", "the parameters cannot be read") from None
    pairs = [
        (name, one if isinstance(one, str) else msgspec.json.encode(one).decode())
        for name, value in given.items()
        for one in (value if isinstance(value, list) else (value,))
        if one not in (None, "")
    ]
    if len(pairs) > MAX_PARAMETERS:
        raise OAuthError("invalid_request", "the parameters cannot be read")
    return _checked(pairs)


def _checked(pairs: list[tuple[str, str]]) -> Parameters:
    if any("\x00" in value for _, value in pairs):
        raise OAuthError("invalid_request", "the parameters cannot be read")
    return Parameters.of(pairs)
