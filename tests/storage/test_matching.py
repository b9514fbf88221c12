"""Regular expressions in SQLite: as RE2 matches them, and not for longer than a while."""

from __future__ import annotations

import sqlite3

import pytest

from gatehouse.storage import matching
from gatehouse.storage.errors import Busy
from gatehouse.storage.matching import SqliteMatching
from gatehouse.storage.patterns import regular
from gatehouse.storage.sqlite import translate


@pytest.fixture
def connection() -> sqlite3.Connection:
    return sqlite3.connect(":memory:")


def test_a_text_matches_somewhere_and_null_nowhere(connection: sqlite3.Connection) -> None:
    SqliteMatching(connection).begin()
    rows = connection.execute(
        "SELECT matches('Wombat', 'om', 0), matches('Wombat', 'OM', 0),"
        " matches('Wombat', 'OM', 1), matches(NULL, '.*', 0), matches(5, '.*', 0)"
    ).fetchone()
    assert rows == (1, 0, 1, 0, 0)


def test_a_search_that_takes_too_long_is_given_up(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matching, "MATCHING_S", -1.0)
    SqliteMatching(connection).begin()
    with pytest.raises(sqlite3.OperationalError) as failed:
        connection.execute("SELECT matches('a', 'a', 0)").fetchone()
    assert isinstance(translate(failed.value), Busy)


@pytest.mark.parametrize(
    ("similar", "expected"),
    [
        ("a%", "^(?:a.*)$"),
        ("a_c", "^(?:a.c)$"),
        ("(a|b){2}", "^(?:(a|b){2})$"),
        ("a.b^$", r"^(?:a\.b\^\$)$"),
        ("[_%]", "^(?:[_%])$"),
        (r"100\%", r"^(?:100%)$"),
    ],
)
def test_similar_to_is_a_regular_expression_for_the_whole(similar: str, expected: str) -> None:
    assert regular(similar) == expected
