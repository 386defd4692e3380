"""A model that can be asked within budgets, and whose answers are kept by what they were made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import SecretStr

from wiki_pipeline.answers.llm.endpoint import OPENAI, ChatText, End, Endpoint, normalised
from wiki_pipeline.answers.llm.settings import DEFAULT_KEY, ChatSettings
from wiki_pipeline.answers.llm.tokens import TokenCounter, was_cut
from wiki_pipeline.answers.llm.usage import Usage
from wiki_pipeline.catalog import Limit, Spent
from wiki_pipeline.catalog.model_calls import ModelCalls
from wiki_pipeline.errors import BudgetError, ConfigurationError, QuotaError
from wiki_pipeline.model import digest
from wiki_pipeline.secret_refs import resolve
from wiki_pipeline.settings import variable

_MILLION = 1_000_000
_CACHE_VERSION = 1
_SLACK_SECONDS = 60.0
INSTALLATIONS = "the installation's key"


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a conversation with a model; its texts stay apart from each other where the endpoint allows it."""

    role: Literal["system", "user", "assistant"]
    texts: tuple[str, ...]

    @property
    def content(self) -> str | list[str]:
        """As `Endpoint.stream` takes it."""
        return self.texts[0] if len(self.texts) == 1 else list(self.texts)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """What a model is asked.

    Attributes:
        cache_key: everything that the answer depends on besides model and parameters; empty: it is not kept.
        schema: JSON schema that the answer should follow, where the endpoint knows how.
    """

    messages: tuple[Message, ...]
    cache_key: str = ""
    schema: Mapping[str, Any] | None = None

    @property
    def texts(self) -> list[str]:
        """All that is sent."""
        return [text for message in self.messages for text in message.texts]


@dataclass
class Purse:
    """What one question may spend, all its calls together. None: without bound.

    Attributes:
        account: whose quota counts beside the tenant's; empty: nobody's.
        what: whose budget it is, for messages.
        settings: names of the settings that set it.
    """

    tenant: str
    tokens: int | None = None
    price: float | None = None
    spent: Spent = field(default_factory=Spent)
    what: str = "this question"
    settings: str = "WIKI_PIPELINE_CHAT_REQUEST_TOKENS and WIKI_PIPELINE_CHAT_REQUEST_PRICE"
    account: str = ""

    def check(self, estimate: Spent) -> None:
        """Make sure that a call fits in.

        Raises:
            BudgetError: it does not.
        """
        limit = Limit(self.what, None, self.tokens, self.price)
        if limit.is_exceeded(self.spent, estimate):
            raise BudgetError(f"The budget of {self.what} is used up.", f"{self.settings} set it.")

    def add(self, spent: Spent) -> None:
        """Count a call."""
        so_far = self.spent
        self.spent = Spent(
            so_far.calls + spent.calls,
            so_far.prompt_tokens + spent.prompt_tokens,
            so_far.completion_tokens + spent.completion_tokens,
            so_far.price + spent.price,
        )


@dataclass(frozen=True, slots=True)
class Said:
    """What a model answered, and what that took.

    Attributes:
        prompt_cut: the endpoint has read only a part of the prompt, and did not say so.
    """

    chat: ChatText
    usage: Usage
    prompt_cut: bool = False


class ChatModel:
    """A model with its prices, budgets and cache. Safe between threads.

    Args:
        remark: what was changed about its address, for people.
        key: whose key it is asked by, for people.
        own: whether that is the asker's own, or their tenant's: then no budget or quota of the installation bounds it.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        settings: ChatSettings,
        records: ModelCalls,
        remark: str = "",
        key: str = INSTALLATIONS,
        *,
        own: bool = False,
    ) -> None:
        self._endpoint = endpoint
        self._settings = settings
        self._records = records
        self.counter = TokenCounter()
        self.remark = remark
        self.key = key
        self._own = own

    @property
    def name(self) -> str:
        """The model as its endpoint names it."""
        return self._endpoint.model

    @property
    def address(self) -> str:
        """Of its endpoint."""
        return self._endpoint.address

    @property
    def host(self) -> str:
        """Where it is asked."""
        return self._endpoint.host

    @property
    def settings(self) -> ChatSettings:
        """How it is asked."""
        return self._settings

    def load(self) -> None:
        """Load what the first call would wait for: the client takes seconds."""
        import openai  # noqa: F401

    def purse(self, tenant: str, account: str = "") -> Purse:
        """What one question of a tenant's account may spend."""
        one = self._settings
        return Purse(tenant, one.chat_request_tokens or None, one.chat_request_price or None, account=account)

    def ask(
        self, request: ChatRequest, purse: Purse, on_text: Callable[[str], None], cancelled: Callable[[], bool]
    ) -> Said:
        """Ask the model, or the cache; the text is handed on as it comes.

        Raises:
            BudgetError: the call would exceed a budget or a quota. Nothing was sent.
            ContextOverflowError, ModelError: as `Endpoint.stream`.
        """
        key = self._key(request)
        if key and (known := self._records.known(purse.tenant, key)):
            on_text(known["text"])
            return Said(
                ChatText(text=known["text"], end=End.COMPLETE), Usage(model=self.name, cached=True, key=self.key)
            )
        estimate = self._estimate(request)
        purse.check(estimate)
        # Nothing that lasts longer than the deadline is still under way.
        seconds = self._settings.chat_deadline + self._settings.chat_loading_seconds + _SLACK_SECONDS
        limits = self._limits(purse.tenant)
        reserved = None
        if not self._own:
            try:
                reserved = self._records.reserve(purse.tenant, self.name, estimate, limits, purse.account, seconds)
            except QuotaError as error:
                raise BudgetError(error.message, error.advice) from None
        actual = Spent()  # of a call that failed: nothing was answered, nothing is counted
        try:
            chat = self._endpoint.stream(
                [{"role": message.role, "content": message.content} for message in request.messages],
                self._parameters(request),
                on_text,
                cancelled,
            )
            usage = self._usage(request, chat)
            actual = Spent(1, usage.prompt_tokens, usage.completion_tokens, usage.price or 0.0)
        finally:
            if reserved is not None:
                self._records.settle(reserved, actual)
            elif actual.calls:
                self._records.spent(purse.tenant, self.name, actual)
            purse.add(actual)
        cut = chat.prompt_tokens is not None and was_cut(request.texts, chat.prompt_tokens)
        if chat.prompt_tokens and not cut:
            self.counter.learn(request.texts, chat.prompt_tokens)
        if key and chat.end is End.COMPLETE and chat.text.strip() and not cut:
            self._records.keep(purse.tenant, key, {"text": chat.text})
        return Said(chat, usage, cut)

    def price_of(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        """What so many tokens cost; None if no prices are set."""
        prices = self._settings.chat_price_prompt, self._settings.chat_price_completion
        if not any(prices):
            return None
        return (prompt_tokens * prices[0] + completion_tokens * prices[1]) / _MILLION

    def _estimate(self, request: ChatRequest) -> Spent:
        prompt = self.counter.count_messages(request.texts)
        completion = self._settings.chat_max_tokens or self._settings.chat_answer_tokens
        return Spent(1, prompt, completion, self.price_of(prompt, completion) or 0.0)

    def _usage(self, request: ChatRequest, chat: ChatText) -> Usage:
        estimated = chat.prompt_tokens is None or chat.completion_tokens is None
        prompt = chat.prompt_tokens if chat.prompt_tokens is not None else self.counter.count_messages(request.texts)
        completion = chat.completion_tokens
        if completion is None:
            completion = self.counter.count(chat.text) + int(chat.thoughts / self.counter.characters)
        price = self.price_of(prompt, completion)
        return Usage(
            model=self.name,
            calls=1,
            prompt_tokens=prompt,
            completion_tokens=completion,
            estimated=estimated,
            price=price,
            key=self.key,
        )

    def _parameters(self, request: ChatRequest) -> dict[str, Any]:
        parameters: dict[str, Any] = {}
        if self._settings.chat_max_tokens:
            parameters["max_completion_tokens"] = self._settings.chat_max_tokens
        if self._settings.chat_temperature >= 0:
            parameters["temperature"] = self._settings.chat_temperature
        if request.schema is not None:
            schema = {"name": "answer", "strict": True, "schema": dict(request.schema)}
            parameters["response_format"] = {"type": "json_schema", "json_schema": schema}
        return parameters

    def _limits(self, tenant: str) -> tuple[Limit, ...]:
        one = self._settings
        return (
            Limit("the day", None, one.chat_day_tokens or None, one.chat_day_price or None),
            Limit(
                f"the tenant {tenant} for the day",
                tenant,
                one.chat_tenant_day_tokens or None,
                one.chat_tenant_day_price or None,
            ),
        )

    def _key(self, request: ChatRequest) -> str:
        if not request.cache_key:
            return ""
        parameters = sorted((name, repr(value)) for name, value in self._parameters(request).items())
        return digest(_CACHE_VERSION, request.cache_key, self._endpoint.address, self.name, parameters)


def open_chat(settings: ChatSettings, records: ModelCalls) -> ChatModel | None:
    """The model that the settings name; None if they name none. Asks no one until it is used.

    Raises:
        ConfigurationError: the address or the key is wrong or missing.
    """
    if not settings.chat_model:
        return None
    given = settings.chat_base_url or str(variable("OPENAI_BASE_URL") or "")
    address, remark = normalised(given or OPENAI)
    endpoint = Endpoint(
        settings.chat_model,
        address,
        _key_of(settings, bool(given)),
        timeout=settings.chat_timeout,
        deadline=settings.chat_deadline,
        loading=settings.chat_loading_seconds,
    )
    return ChatModel(endpoint, settings, records, remark)


def _key_of(settings: ChatSettings, elsewhere: bool) -> SecretStr:
    """The key; of an endpoint that is not OpenAI's there need be none, unless the setting names one."""
    try:
        return resolve(settings.chat_key, f"the language model {settings.chat_model}")
    except ConfigurationError:
        if elsewhere and settings.chat_key == DEFAULT_KEY:
            return SecretStr("")
        raise
