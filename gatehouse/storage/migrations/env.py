"""What alembic runs: the revisions, on the connection and in the transaction it is handed."""

from __future__ import annotations

from alembic import context

from gatehouse.storage.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
