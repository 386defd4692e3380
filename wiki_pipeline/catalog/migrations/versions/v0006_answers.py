"""Answers: conversations, what was answered in them, streams of events, and what calls of models cost."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "streams",
        _text("stream_id"),
        _text("tenant"),
        _text("kind"),
        _text("owner"),
        _moment("created_at"),
        _moment("finished_at", nullable=True),
        sa.Column("cancelled", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("stream_id", name="pk_streams"),
    )
    op.create_index("ix_streams_finished_at", "streams", ["finished_at"])
    op.create_table(
        "stream_events",
        _text("stream_id"),
        sa.Column("number", sa.Integer(), nullable=False),
        _text("event"),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["stream_id"], ["streams.stream_id"], name="fk_stream_events_stream_id_streams", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("stream_id", "number", name="pk_stream_events"),
    )
    op.create_table(
        "conversations",
        _text("conversation_id"),
        _text("tenant"),
        _text("owner"),
        _text("title"),
        _moment("created_at"),
        _moment("updated_at"),
        sa.PrimaryKeyConstraint("conversation_id", name="pk_conversations"),
    )
    op.create_index("ix_conversations_owner", "conversations", ["tenant", "owner", "updated_at"])
    op.create_table(
        "answers",
        _text("answer_id"),
        _text("conversation_id"),
        sa.Column("position", sa.Integer(), nullable=False),
        _text("kind"),
        _text("question"),
        sa.Column("request", sa.JSON(), nullable=False),
        _text("status"),
        sa.Column("body", sa.JSON(), nullable=True),
        _moment("created_at"),
        _moment("finished_at", nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversations.conversation_id"],
            name="fk_answers_conversation_id_conversations",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("answer_id", name="pk_answers"),
        sa.UniqueConstraint("conversation_id", "position", name="uq_answers_conversation_id"),
    )
    op.create_index("ix_answers_status", "answers", ["status"])
    op.create_table(
        "model_answers",
        _text("tenant"),
        _text("key"),
        sa.Column("body", sa.JSON(), nullable=False),
        _moment("created_at"),
        sa.PrimaryKeyConstraint("tenant", "key", name="pk_model_answers"),
    )
    op.create_index("ix_model_answers_created_at", "model_answers", ["created_at"])
    op.create_table(
        "model_spending",
        _text("day"),
        _text("tenant"),
        _text("model"),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("prompt_tokens", sa.Integer(), nullable=False),
        sa.Column("completion_tokens", sa.Integer(), nullable=False),
        sa.Column("price", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("day", "tenant", "model", name="pk_model_spending"),
    )
