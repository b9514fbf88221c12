"""Custom phrases: what operators let the pages say, one translation for each language."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as upsert

from gatehouse.storage import schema
from gatehouse.storage.errors import NotFound
from gatehouse.storage.records import Record
from gatehouse.storage.repository import Repository, Rows
from gatehouse.storage.statement import Stmt

_t = schema.custom_phrases
_HERE = _t.c.tenant_id == sa.bindparam("tenant_id")
_ALL = Stmt(sa.select(_t).where(_HERE).order_by(_t.c.language_tag))
_OF = Stmt(sa.select(_t).where(_HERE, _t.c.language_tag == sa.bindparam("language_tag")))
_NEW = upsert(_t).values(
    {name: sa.bindparam(name) for name in ("tenant_id", "id", "language_tag", "translation")}
)
_PUT = Stmt(
    _NEW.on_conflict_do_update(
        index_elements=[_t.c.tenant_id, _t.c.language_tag],
        set_={"translation": _NEW.excluded.translation},
    ).returning(*_t.c)
)


class CustomPhrase(Record, frozen=True, kw_only=True):
    """A translation: phrases by their keys, in groups."""

    tenant_id: str = ""
    id: str = ""
    language_tag: str
    translation: dict[str, Any] = msgspec.field(default_factory=dict)


class CustomPhrases(Repository[CustomPhrase]):
    """The translations of a tenant, each known by its language."""

    rows = Rows(_t, CustomPhrase)
    event = "CustomPhrase"

    def all(self) -> list[CustomPhrase]:
        """Every translation, by language."""
        return self._many(_ALL)

    def of(self, language_tag: str) -> CustomPhrase:
        """The translation of a language (BCP 47). Raises `NotFound`."""
        for found in self._many(_OF, language_tag=language_tag):
            return found
        raise NotFound(self.rows.entity, language_tag)

    def put(self, language_tag: str, translation: dict[str, Any]) -> CustomPhrase:
        """Store the translation of a language in the place of the one before."""
        new = self._completed(CustomPhrase(language_tag=language_tag, translation=translation))
        (stored,) = self._many(_PUT, **self.rows.mapping.write(self.tx, new))
        self._tell("Data.Updated", stored)
        return stored

    def delete_language(self, language_tag: str) -> None:
        """Delete the translation of a language. Raises `NotFound`."""
        self.delete(self.of(language_tag).id)
