"""A server for the tests of the pages."""

from __future__ import annotations

from tests.http.logto.experience.conftest import house

__all__ = ["house"]
