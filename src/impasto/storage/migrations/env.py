"""What Alembic runs: on the connection it is given, in one transaction."""

from __future__ import annotations

from alembic import context

from impasto.storage.base import all_tables

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=all_tables(),
    render_as_batch=True,  # SQLite alters a table by making it anew
    include_object=lambda item, name, kind, reflected, compare_to: not str(name).startswith("picture_words"),
)
with context.begin_transaction():
    context.run_migrations()
