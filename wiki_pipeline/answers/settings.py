"""How questions are answered: from how many chunks, how many at once, and for how long answers are kept."""

from __future__ import annotations

from pydantic import Field

from wiki_pipeline.answers.llm.settings import ChatSettings


class AnswerSettings(ChatSettings):
    """Settings of answers, with or without a language model."""

    answer_chunks: int = Field(
        40,
        ge=5,
        le=100,
        validation_alias="WIKI_PIPELINE_ANSWER_CHUNKS",
        description="Chunks that are looked at for an answer.",
    )
    answers_at_once: int = Field(
        4,
        ge=1,
        le=64,
        validation_alias="WIKI_PIPELINE_ANSWERS_AT_ONCE",
        description="Answers that the gateway makes at once; others wait.",
    )
    answers_waiting: int = Field(
        50,
        ge=0,
        validation_alias="WIKI_PIPELINE_ANSWERS_WAITING",
        description="Questions that may wait for their turn; more are told to come again.",
    )
    answer_grace_seconds: float = Field(
        15.0,
        ge=0,
        validation_alias="WIKI_PIPELINE_ANSWER_GRACE_SECONDS",
        description="An answer that nobody listens to any more is stopped after so many seconds.",
    )
    keep_answers_days: float = Field(
        90.0,
        gt=0,
        validation_alias="WIKI_PIPELINE_KEEP_ANSWERS_DAYS",
        description="Conversations that nobody goes on with, and cached answers of models, are kept.",
    )
