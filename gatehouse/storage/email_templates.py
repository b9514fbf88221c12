"""What mails say: at most one template for each language and kind of mail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as upsert

from gatehouse.storage import schema
from gatehouse.storage.records import EmailTemplate
from gatehouse.storage.repository import Repository, Rows
from gatehouse.storage.statement import Stmt

_t = schema.email_templates
_NAMES = ("tenant_id", "id", "language_tag", "template_type", "details", "created_at")
_NEW = upsert(_t).values({name: sa.bindparam(name) for name in _NAMES})
_PUT = Stmt(
    _NEW.on_conflict_do_update(
        index_elements=[_t.c.tenant_id, _t.c.language_tag, _t.c.template_type],
        set_={"details": _NEW.excluded.details},
    ).returning(*_t.c)
)
_CHOSEN = (
    _t.c.tenant_id == sa.bindparam("tenant_id"),
    *(
        sa.or_(
            sa.bindparam(name, type_=sa.Text).is_(None),
            _t.c[name] == sa.bindparam(name, type_=sa.Text),
        )
        for name in ("language_tag", "template_type")
    ),
)
_LIST = Stmt(sa.select(_t).where(*_CHOSEN).order_by(_t.c.language_tag, _t.c.template_type))
_DELETE = Stmt(sa.delete(_t).where(*_CHOSEN).returning(_t.c.id))


class EmailTemplates(Repository[EmailTemplate]):
    """The email templates of a tenant."""

    rows = Rows(_t, EmailTemplate)
    event = "EmailTemplate"

    def put(self, templates: Sequence[EmailTemplate]) -> list[EmailTemplate]:
        """Store templates, each in the place of the one of its language and type."""
        stored = []
        for template in templates:
            values = self.rows.mapping.write(self.tx, self._completed(template))
            stored += self._many(_PUT, **values)
        for template in stored:
            self._tell("Data.Updated", template)
        return stored

    def all(
        self, language_tag: str | None = None, template_type: str | None = None
    ) -> list[EmailTemplate]:
        """The templates, or those of a language or a type, in order of both."""
        return self._many(_LIST, language_tag=language_tag, template_type=template_type)

    def delete_all(self, language_tag: str | None, template_type: str | None) -> int:
        """Delete the templates of a language or a type. Returns how many."""
        params: dict[str, Any] = {
            "tenant_id": self.tenant_id,
            "language_tag": language_tag,
            "template_type": template_type,
        }
        gone = self.tx.rows(_DELETE, params)
        for row in gone:
            self._tell_of([row[0]], "Deleted")
        return len(gone)
