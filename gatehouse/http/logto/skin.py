"""Everything that is served as Logto: the list to read first, and to add to."""

from __future__ import annotations

from collections.abc import Iterable

from gatehouse.http.logto import experience
from gatehouse.http.logto.dialect import API
from gatehouse.http.logto.management import status
from gatehouse.http.operation import Operation, Skin
from gatehouse.http.pages import OPERATIONS as PAGE_OPERATIONS
from gatehouse.http.pages import PAGES


def api_operations() -> list[Operation]:
    """Every operation under `/api`."""
    groups: list[Iterable[Operation]] = [
        status.operations,
        experience.OPERATIONS,
    ]
    declared = [operation for group in groups for operation in group]
    declared.extend(status.swagger(tuple(declared)))
    return declared


def skins() -> list[Skin]:
    """The parts of a Logto server, each with the dialect its answers are in."""
    return [(API, api_operations()), (PAGES, PAGE_OPERATIONS)]
