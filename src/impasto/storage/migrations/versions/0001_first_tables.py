"""The tables as they were first served with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from impasto.storage.base import UtcTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "albums",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_albums"),
        sa.UniqueConstraint("account", "name", name="uq_albums_account_name"),
    )
    op.create_index("ix_albums_account", "albums", ["account"], unique=False)

    op.create_table(
        "jobs",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("model", sa.String(length=100), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("keep", sa.Boolean(), nullable=False),
        sa.Column("credit_micros", sa.BigInteger(), nullable=False),
        sa.Column("picture_micros", sa.BigInteger(), nullable=False),
        sa.Column("charged_micros", sa.BigInteger(), nullable=False),
        sa.Column("made", sa.JSON(), nullable=False),
        sa.Column("cancel_asked", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("field", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("started_at", UtcTime(), nullable=True),
        sa.Column("ended_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
        sa.UniqueConstraint("account", "key", name="uq_jobs_account_key"),
        sa.UniqueConstraint("number", name="uq_jobs_number"),
    )
    op.create_index("ix_jobs_account_number", "jobs", ["account", "number"], unique=False)
    op.create_index("ix_jobs_ended_at", "jobs", ["ended_at"], unique=False)
    op.create_index("ix_jobs_keep_ended_at", "jobs", ["keep", "ended_at"], unique=False)
    op.create_index("ix_jobs_state", "jobs", ["state"], unique=False)

    op.create_table(
        "ledger_balances",
        sa.Column("place", sa.String(length=80), nullable=False),
        sa.Column("micros", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("micros >= 0 OR place IN ('grants')", name="ck_ledger_balances_not_below_limit"),
        sa.PrimaryKeyConstraint("place", name="pk_ledger_balances"),
    )
    op.create_table(
        "ledger_transactions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("job_id", sa.String(length=64), nullable=True),
        sa.Column("memo", sa.String(length=500), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_transactions"),
        sa.UniqueConstraint("key", name="uq_ledger_transactions_key"),
    )
    op.create_index("ix_ledger_transactions_account_id", "ledger_transactions", ["account", "id"], unique=False)
    op.create_index("ix_ledger_transactions_job_id", "ledger_transactions", ["job_id"], unique=False)

    op.create_table(
        "people",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_people"),
        sa.UniqueConstraint("email", name="uq_people_email"),
    )
    op.create_table(
        "pictures",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("job_id", sa.String(length=32), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("negative", sa.Text(), nullable=False),
        sa.Column("model", sa.String(length=100), nullable=False),
        sa.Column("style", sa.String(length=100), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("width_px", sa.Integer(), nullable=False),
        sa.Column("height_px", sa.Integer(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("favourite", sa.Boolean(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_pictures"),
        sa.UniqueConstraint("id", name="uq_pictures_id"),
        sa.UniqueConstraint("job_id", "index", name="uq_pictures_job_id_index"),
    )
    op.create_index("ix_pictures_account_number", "pictures", ["account", "number"], unique=False)
    op.create_index("ix_pictures_sha256", "pictures", ["sha256"], unique=False)

    op.create_table(
        "album_pictures",
        sa.Column("album_id", sa.String(length=32), nullable=False),
        sa.Column("picture_id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["album_id"], ["albums.id"], name="fk_album_pictures_album_id_albums", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["picture_id"], ["pictures.id"], name="fk_album_pictures_picture_id_pictures", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("album_id", "picture_id", name="pk_album_pictures"),
    )
    op.create_index("ix_album_pictures_picture_id", "album_pictures", ["picture_id"], unique=False)

    op.create_table(
        "keys",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("secret", sa.String(length=64), nullable=False),
        sa.Column("ending", sa.String(length=8), nullable=False),
        sa.Column("scopes", sa.String(length=100), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("used_at", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_keys_person_id_people", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_keys"),
        sa.UniqueConstraint("secret", name="uq_keys_secret"),
    )
    op.create_index("ix_keys_person_id", "keys", ["person_id"], unique=False)

    op.create_table(
        "ledger_entries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("transaction_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("place", sa.String(length=80), nullable=False),
        sa.Column("micros", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["transaction_id"], ["ledger_transactions.id"], name="fk_ledger_entries_transaction_id_ledger_transactions"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_entries"),
    )
    op.create_index("ix_ledger_entries_place", "ledger_entries", ["place"], unique=False)
    op.create_index("ix_ledger_entries_transaction_id", "ledger_entries", ["transaction_id"], unique=False)

    op.create_table(
        "sessions",
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("csrf", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_sessions_person_id_people", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("token", name="pk_sessions"),
    )
    op.create_index("ix_sessions_person_id", "sessions", ["person_id"], unique=False)
    if op.get_context().dialect.name == "sqlite":
        for statement in (*append_only("ledger_transactions"), *append_only("ledger_entries"), *WORDS_INDEX):
            op.execute(statement)


def append_only(table: str) -> list[str]:
    """Whoever holds the database file cannot change the book by mistake."""
    return [
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
        "BEGIN SELECT RAISE(ABORT, 'the book is append only'); END"
        for verb in ("UPDATE", "DELETE")
    ]


WORDS_INDEX = (
    """CREATE VIRTUAL TABLE picture_words USING fts5(
        words, negative, style,
        content='pictures', content_rowid='number', tokenize="unicode61 remove_diacritics 2")""",
    """CREATE TRIGGER picture_words_insert AFTER INSERT ON pictures BEGIN
        INSERT INTO picture_words(rowid, words, negative, style)
        VALUES (new.number, new.words, new.negative, new.style); END""",
    """CREATE TRIGGER picture_words_delete AFTER DELETE ON pictures BEGIN
        INSERT INTO picture_words(picture_words, rowid, words, negative, style)
        VALUES ('delete', old.number, old.words, old.negative, old.style); END""",
)
"""the words of a picture never change, so nothing follows an update"""
