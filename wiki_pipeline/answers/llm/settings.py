"""Which language model, how it is asked, what it costs, and how much may be spent."""

from __future__ import annotations

from pydantic import Field

from wiki_pipeline.settings import SettingsGroup, Words

DEFAULT_KEY = "env:OPENAI_API_KEY"


class ChatSettings(SettingsGroup):
    """Settings of the language model. Without a model's name none is asked, and answers are quoted passages."""

    chat_model: str = Field(
        "",
        validation_alias="WIKI_PIPELINE_CHAT_MODEL",
        description="Language model that writes answers, as its endpoint names it; empty: answers quote passages.",
    )
    chat_base_url: str = Field(
        "",
        validation_alias="WIKI_PIPELINE_CHAT_BASE_URL",
        description="Address of its OpenAI-compatible endpoint, as http://localhost:11434/v1; empty: OPENAI_BASE_URL.",
    )
    chat_key: str = Field(
        DEFAULT_KEY,
        validation_alias="WIKI_PIPELINE_CHAT_KEY",
        description="Where its key is: env:NAME or file:PATH. Never the key itself.",
    )
    chat_endpoints: Words = Field(
        (),
        validation_alias="WIKI_PIPELINE_CHAT_ENDPOINTS",
        description="Further endpoints that keys of tenants and people may be for, separated by commas, beside the one "
        "of this installation.",
    )
    chat_context_tokens: int = Field(
        8_192,
        ge=1_024,
        validation_alias="WIKI_PIPELINE_CHAT_CONTEXT_TOKENS",
        description="Tokens that the model can hold, question, pages and answer together.",
    )
    chat_pages_tokens: int = Field(
        4_000,
        ge=200,
        validation_alias="WIKI_PIPELINE_CHAT_PAGES_TOKENS",
        description="Tokens of pages that a question is sent with, as far as the model can hold them.",
    )
    chat_answer_tokens: int = Field(
        2_000,
        ge=100,
        validation_alias="WIKI_PIPELINE_CHAT_ANSWER_TOKENS",
        description="Tokens kept free for the answer and what the model thinks before it.",
    )
    chat_max_tokens: int = Field(
        0,
        ge=0,
        validation_alias="WIKI_PIPELINE_CHAT_MAX_TOKENS",
        description="Limit sent to the model for its answer, hidden reasoning included; 0 sends none.",
    )
    chat_temperature: float = Field(
        -1.0,
        ge=-1,
        le=2,
        validation_alias="WIKI_PIPELINE_CHAT_TEMPERATURE",
        description="Sent to the model unless it is negative; reasoning models refuse it.",
    )
    chat_timeout: float = Field(
        60.0, gt=0, validation_alias="WIKI_PIPELINE_CHAT_TIMEOUT", description="Seconds that the model may be silent."
    )
    chat_deadline: float = Field(
        180.0, gt=0, validation_alias="WIKI_PIPELINE_CHAT_DEADLINE", description="Seconds that one answer may take."
    )
    chat_loading_seconds: float = Field(
        60.0,
        ge=0,
        validation_alias="WIKI_PIPELINE_CHAT_LOADING_SECONDS",
        description="Seconds to wait for an endpoint that is still loading its model.",
    )
    chat_price_prompt: float = Field(
        0.0, ge=0, validation_alias="WIKI_PIPELINE_CHAT_PRICE_PROMPT", description="Price of a million prompt tokens."
    )
    chat_price_completion: float = Field(
        0.0,
        ge=0,
        validation_alias="WIKI_PIPELINE_CHAT_PRICE_COMPLETION",
        description="Price of a million tokens of answers.",
    )
    chat_currency: str = Field(
        "USD", validation_alias="WIKI_PIPELINE_CHAT_CURRENCY", max_length=8, description="Currency of the prices."
    )
    chat_request_tokens: int = Field(
        100_000,
        ge=0,
        validation_alias="WIKI_PIPELINE_CHAT_REQUEST_TOKENS",
        description="Tokens that one question may take, all calls together; 0 is without bound.",
    )
    chat_request_price: float = Field(
        0.0,
        ge=0,
        validation_alias="WIKI_PIPELINE_CHAT_REQUEST_PRICE",
        description="Price that one question may have; 0 is without bound.",
    )
    chat_day_tokens: int = Field(
        0,
        ge=0,
        validation_alias="WIKI_PIPELINE_CHAT_DAY_TOKENS",
        description="Tokens of all tenants in a day (UTC); 0 is without bound.",
    )
    chat_day_price: float = Field(
        0.0,
        ge=0,
        validation_alias="WIKI_PIPELINE_CHAT_DAY_PRICE",
        description="Price of all tenants' calls in a day (UTC); 0 is without bound.",
    )
    chat_tenant_day_tokens: int = Field(
        0,
        ge=0,
        validation_alias="WIKI_PIPELINE_CHAT_TENANT_DAY_TOKENS",
        description="Tokens of one tenant in a day (UTC); 0 is without bound.",
    )
    chat_tenant_day_price: float = Field(
        0.0,
        ge=0,
        validation_alias="WIKI_PIPELINE_CHAT_TENANT_DAY_PRICE",
        description="Price of one tenant's calls in a day (UTC); 0 is without bound.",
    )
