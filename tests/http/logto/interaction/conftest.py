"""A server with two nodes for the tests of the Interaction API."""

from __future__ import annotations

from tests.http.logto.experience.conftest import house

__all__ = ["house"]
