"""How far research goes, and how much of it there may be at once."""

from __future__ import annotations

from pydantic import Field

from wiki_pipeline.answers.settings import AnswerSettings


class ResearchSettings(AnswerSettings):
    """Settings of research, with or without a language model."""

    research_questions: int = Field(
        6,
        ge=1,
        le=20,
        validation_alias="WIKI_PIPELINE_RESEARCH_QUESTIONS",
        description="Sub-questions that research begins with; gaps can add half as many.",
    )
    research_steps: int = Field(
        12,
        ge=1,
        le=60,
        validation_alias="WIKI_PIPELINE_RESEARCH_STEPS",
        description="Steps of one research, each a sub-question looked up with new queries.",
    )
    research_passages: int = Field(
        8,
        ge=2,
        le=30,
        validation_alias="WIKI_PIPELINE_RESEARCH_PASSAGES",
        description="Passages that are read in each step.",
    )
    research_seconds: float = Field(
        900.0,
        gt=0,
        validation_alias="WIKI_PIPELINE_RESEARCH_SECONDS",
        description="Seconds that one research may take; then what was found becomes the report.",
    )
    research_tokens: int = Field(
        200_000,
        ge=0,
        validation_alias="WIKI_PIPELINE_RESEARCH_TOKENS",
        description="Tokens that one research may take, all its calls together; 0 is without bound.",
    )
    research_price: float = Field(
        0.0,
        ge=0,
        validation_alias="WIKI_PIPELINE_RESEARCH_PRICE",
        description="Price that one research may have; 0 is without bound.",
    )
    researches_at_once: int = Field(
        2,
        ge=1,
        le=32,
        validation_alias="WIKI_PIPELINE_RESEARCHES_AT_ONCE",
        description="Researches that the gateway makes at once; others wait.",
    )
    researches_waiting: int = Field(
        20,
        ge=0,
        validation_alias="WIKI_PIPELINE_RESEARCHES_WAITING",
        description="Researches that may wait for their turn; more are told to come again.",
    )
