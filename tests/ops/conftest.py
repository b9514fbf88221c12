"""Installations for the tests of this folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.ops.installation import Installation

Install = Callable[..., Installation]


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("GATEHOUSE_"):
            monkeypatch.delenv(name)


@pytest.fixture
def install(tmp_path: Path) -> Iterator[Install]:
    """Makes installations, and ends them with the test."""
    made: list[Installation] = []

    def make(**settings: str) -> Installation:
        directory = tmp_path / str(len(made))
        directory.mkdir()
        installation = Installation(directory, **settings)
        made.append(installation)
        return installation

    yield make
    for installation in made:
        installation.close()
