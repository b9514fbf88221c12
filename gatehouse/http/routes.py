"""Which operation a path belongs to.

A tree of path segments, in which a literal segment wins over a parameter: `/api/users/me` before
`/api/users/{userId}`. Built once from the declarations; looking up costs a few dictionary reads.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from gatehouse.http.operation import Dialect, Operation


@dataclass(frozen=True, slots=True)
class Declared:
    """An operation and the dialect it belongs to."""

    dialect: Dialect
    operation: Operation


@dataclass(slots=True)
class _Node:
    literal: dict[str, _Node] = field(default_factory=dict)
    parameter: _Node | None = None
    methods: dict[str, Declared] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Match:
    """The operations of a path by method, and the values of its parameters in order."""

    methods: dict[str, Declared]
    values: tuple[str, ...]

    def params(self, operation: Operation) -> dict[str, str]:
        """The parameters by the names this operation gives them."""
        if not self.values:
            return {}
        return dict(zip(parameter_names(operation.path), self.values, strict=True))


class Routes:
    """All declared operations by path."""

    def __init__(self, declared: Iterable[Declared]) -> None:
        """Raises ValueError if two operations claim one method of one path."""
        self._root = _Node()
        self.all = tuple(declared)
        self.dialects = tuple({id(entry.dialect): entry.dialect for entry in self.all}.values())
        for entry in self.all:
            self._add(entry)

    def _add(self, entry: Declared) -> None:
        node = self._root
        for segment in entry.operation.path[1:].split("/"):
            if segment.startswith("{"):
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.literal.setdefault(segment, _Node())
        method = entry.operation.method
        if method in node.methods:
            raise ValueError(f"{method} {entry.operation.path} is declared twice")
        node.methods[method] = entry

    def match(self, path: str) -> Match | None:
        """The operations of a path. One trailing slash makes no difference."""
        segments = path[1:].split("/")
        if len(segments) > 1 and not segments[-1]:
            segments.pop()
        return _find(self._root, segments, 0, ())

    def dialect_of(self, path: str) -> Dialect:
        """The dialect that answers for a path nobody declared."""
        owners = [one for one in self.dialects if f"{path}/".startswith(_folder(one.prefix))]
        return max(owners or self.dialects, key=lambda one: len(one.prefix))


def parameter_names(path: str) -> list[str]:
    """The names in a template, in order: `/api/users/{userId}` has `userId`."""
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]


def _folder(prefix: str) -> str:
    return prefix if prefix.endswith("/") else f"{prefix}/"


def _find(node: _Node, segments: list[str], at: int, values: tuple[str, ...]) -> Match | None:
    if at == len(segments):
        return Match(node.methods, values) if node.methods else None
    segment = segments[at]
    literal = node.literal.get(segment)
    if literal is not None:
        found = _find(literal, segments, at + 1, values)
        if found is not None:
            return found
    if node.parameter is not None and segment:
        return _find(node.parameter, segments, at + 1, (*values, segment))
    return None
