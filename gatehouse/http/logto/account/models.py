"""Wire models that several parts of the Account API share."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

RecordId = Annotated[str, Field(max_length=64)]
"""The id of a verification."""
