"""One call of chat completions, streamed: what servers that call themselves compatible do differently ends here.

The openai client repeats 408, 409, 429 and 5xx with growing pauses and honours `Retry-After` up to two minutes. Here
are: parameters that a server refuses (left out or renamed, once, and remembered), servers that are still loading,
streams that end without saying so, thoughts that are no text, and the deadline of the whole.
"""

from __future__ import annotations

import asyncio
import re
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from wiki_pipeline.errors import ConfigurationError, ModelError

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_TRIES_AGAIN = 4
_MOST_CHARACTERS = 200_000  # of one answer
_LOOK_SECONDS = 0.1  # between two looks whether somebody cancelled
_LOADING_PAUSE = 1.0
_MOST_FALLBACKS = 6
_OVERFLOW = re.compile(
    r"context[ _](?:length|size|window)|maximum context|exceed_context|too many tokens|prompt is too long",
    re.IGNORECASE,
)
_PARAMETERS = ("max_completion_tokens", "max_tokens", "temperature", "stream_options", "response_format")
OPENAI = "https://api.openai.com/v1"


class End(StrEnum):
    """How an answer of a model ended."""

    COMPLETE = "complete"
    TRUNCATED = "truncated"  # the limit of its length
    REFUSED = "refused"
    ONLY_THOUGHTS = "only_thoughts"  # all of its length went into reasoning
    BROKEN = "broken"  # the stream ended without saying that it was the end
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"


class ContextOverflowError(ModelError):
    """The prompt is longer than what the model holds.

    Attributes:
        window: tokens that it holds; 0 if it did not say.
        prompt_tokens: of the prompt, as it counted; 0 if it did not say.
    """

    code = "context_overflow"

    def __init__(self, message: str, window: int, prompt_tokens: int) -> None:
        super().__init__(message, "Set WIKI_PIPELINE_CHAT_CONTEXT_TOKENS to what the model holds.")
        self.window = window
        self.prompt_tokens = prompt_tokens


@dataclass
class ChatText:
    """What came back.

    Attributes:
        refusal: why the model would not, in its words; empty if it did not refuse.
        thoughts: characters of reasoning, which are never part of the text.
        prompt_tokens, completion_tokens: as the endpoint counted; None if it did not say.
        detail: what went wrong, for people; empty if nothing did.
    """

    text: str = ""
    end: End = End.BROKEN
    refusal: str = ""
    thoughts: int = 0
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    detail: str = ""


@dataclass
class _Habits:
    """What an endpoint refused for a model: parameters to leave out, and whether contents are plain strings."""

    left_out: set[str] = field(default_factory=set)
    renamed: bool = False
    plain: bool = False


_HABITS: dict[tuple[str, str], _Habits] = {}
_HABITS_LOCK = threading.Lock()


def normalised(address: str) -> tuple[str, str]:
    """An endpoint's address as the client wants it, and what was changed about it, for people.

    Raises:
        ConfigurationError: it is no address.
    """
    given = address.strip()
    parts = urlsplit(given)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigurationError(
            "WIKI_PIPELINE_CHAT_BASE_URL is no address of an endpoint.", "It is written as http://localhost:11434/v1."
        )
    path = parts.path.rstrip("/")
    path = path.removesuffix("/chat/completions").removesuffix("/completions").removesuffix("/responses")
    if path in {"", "/"}:
        path = "/v1"
    fixed = parts._replace(path=path, query="", fragment="").geturl()
    remark = "" if fixed == given.rstrip("/") else f"The endpoint's address was taken as {_shown(fixed)}."
    return fixed, remark


def _shown(address: str) -> str:
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


class Endpoint:
    """An endpoint and one of its models.

    Args:
        timeout: seconds that the endpoint may be silent.
        deadline: seconds that a whole call may take.
        loading: seconds to wait while it loads the model.
    """

    def __init__(
        self, model: str, address: str, key: SecretStr, *, timeout: float, deadline: float, loading: float
    ) -> None:
        self.model = model
        self.address = address
        self._key = key
        self._timeout = timeout
        self._deadline = deadline
        self._loading = loading

    @property
    def host(self) -> str:
        """For messages; no user, no port."""
        return urlsplit(self.address).hostname or ""

    def stream(
        self,
        messages: Sequence[Mapping[str, Any]],
        parameters: Mapping[str, Any],
        on_text: Callable[[str], None],
        cancelled: Callable[[], bool],
    ) -> ChatText:
        """Ask, and hand on the text as it comes. To be called from a thread without an event loop.

        Args:
            messages: `role` and `content`, where the content may be a list of texts.
            parameters: others of chat completions; what the endpoint refuses is left out.
            cancelled: asked often; once true, the connection is closed.

        Raises:
            ContextOverflowError: the prompt is too long for the model.
            ModelError: the endpoint can't be used; nothing was handed on.
        """
        return asyncio.run(self._within_deadline(messages, parameters, on_text, cancelled))

    async def _within_deadline(
        self,
        messages: Sequence[Mapping[str, Any]],
        parameters: Mapping[str, Any],
        on_text: Callable[[str], None],
        cancelled: Callable[[], bool],
    ) -> ChatText:
        found = ChatText()

        async def ask() -> None:
            async with self._client() as client:
                await self._ask(client, messages, parameters, on_text, found)

        task = asyncio.create_task(ask())
        end = time.monotonic() + self._deadline
        while not task.done():
            await asyncio.wait({task}, timeout=_LOOK_SECONDS)
            stopped = cancelled()
            if not task.done() and (stopped or time.monotonic() > end):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
                found.end = End.CANCELLED if stopped else End.TIMEOUT
                found.detail = "" if stopped else f"It took longer than {self._deadline:g} s."
                return found
        task.result()
        return found

    async def _ask(
        self,
        client: AsyncOpenAI,
        messages: Sequence[Mapping[str, Any]],
        parameters: Mapping[str, Any],
        on_text: Callable[[str], None],
        found: ChatText,
    ) -> None:
        for attempt in (1, 2):
            stream = await self._opened(client, messages, parameters)
            await self._read(stream, on_text, found)
            # A stream that broke before its first word is asked for once more; what people have seen stays.
            if found.end is not End.BROKEN or found.text or attempt == 2:
                return
            found.thoughts, found.detail = 0, ""

    async def _opened(
        self, client: AsyncOpenAI, messages: Sequence[Mapping[str, Any]], parameters: Mapping[str, Any]
    ) -> Any:
        """The stream, once the endpoint has accepted the request."""
        import openai

        habits = self._habits()
        patience = time.monotonic() + self._loading
        fallbacks = 0
        while True:
            body = _body(messages, parameters, habits)
            try:
                return await client.chat.completions.create(model=self.model, stream=True, **body)
            except openai.APIStatusError as error:
                self._refuse_overflow(error)
                if error.status_code == 503 and "loading" in str(error).lower() and time.monotonic() < patience:
                    await asyncio.sleep(_LOADING_PAUSE)
                    continue
                if error.status_code in {400, 422} and fallbacks < _MOST_FALLBACKS and _learn(habits, error, body):
                    fallbacks += 1
                    continue
                raise self._failure(f"answered {error.status_code}{_said(error)}", _advice(error)) from None
            except openai.APITimeoutError:
                raise self._failure(f"did not answer within {self._timeout:g} s", _UNREACHABLE) from None
            except openai.APIConnectionError:
                raise self._failure("can't be reached", _UNREACHABLE) from None
            except (openai.OpenAIError, ValueError, TypeError):
                raise self._failure("gave an answer that is no chat completion", _UNREACHABLE) from None

    async def _read(self, stream: Any, on_text: Callable[[str], None], found: ChatText) -> None:
        """Read a stream to its end, whatever that is."""
        import httpx2  # noqa: PLC0415 - with openai, which is slow to import
        import openai

        thoughts = _Thoughts()
        finish = ""
        try:
            async for chunk in stream:
                if usage := getattr(chunk, "usage", None):
                    found.prompt_tokens, found.completion_tokens = usage.prompt_tokens, usage.completion_tokens
                choice = next(iter(chunk.choices or ()), None)
                if choice is None:
                    continue
                finish = choice.finish_reason or finish
                if choice.delta is None:
                    continue
                extra = choice.delta.model_extra or {}
                found.thoughts += len(extra.get("reasoning_content") or extra.get("reasoning") or "")
                found.refusal += choice.delta.refusal or ""
                if text := thoughts.outside(choice.delta.content or ""):
                    found.text += text
                    on_text(text)
                if len(found.text) > _MOST_CHARACTERS:
                    await stream.close()
                    finish = "length"
                    break
        except openai.APITimeoutError:
            found.end, found.detail = End.TIMEOUT, f"It was silent for longer than {self._timeout:g} s."
            return
        except (openai.OpenAIError, httpx2.HTTPError, ValueError, TypeError, AttributeError) as error:
            found.end, found.detail = End.BROKEN, _reason(error)
            return
        finally:
            found.thoughts += thoughts.characters
        if text := thoughts.rest():
            found.text += text
            on_text(text)
        found.end = _end(finish, found)

    def _refuse_overflow(self, error: Any) -> None:
        facts = _facts(error)
        known = facts.get("type") == "exceed_context_size_error" or facts.get("code") == "context_length_exceeded"
        if error.status_code in {400, 413, 422} and (known or _OVERFLOW.search(str(error))):
            window, prompt = _number(facts.get("n_ctx")), _number(facts.get("n_prompt_tokens"))
            if not window and (
                said := re.search(
                    r"(?:maximum context length is|context (?:size|length)[^\d]{0,20})\s*(\d+)", str(error)
                )
            ):
                window = int(said[1])
            raise ContextOverflowError(
                f"The prompt is longer than what the model {self.model!r} at {self.host} can hold.", window, prompt
            )

    def _failure(self, what: str, advice: str) -> ModelError:
        return ModelError(f"The language model {self.model!r} at {self.host} {what}.", advice)

    def _habits(self) -> _Habits:
        with _HABITS_LOCK:
            return _HABITS.setdefault((self.address, self.model), _Habits())

    def _client(self) -> AsyncOpenAI:
        import openai

        # What machine this is, is nobody's affair.
        silent = {
            f"X-Stainless-{name}": openai.Omit()
            for name in ("Lang", "Package-Version", "OS", "Arch", "Runtime", "Runtime-Version", "Async")
        }
        return openai.AsyncOpenAI(
            api_key=self._key.get_secret_value() or "none",  # local endpoints want none, the client wants one
            base_url=self.address,
            timeout=self._timeout,
            max_retries=_TRIES_AGAIN,
            http_client=openai.DefaultAsyncHttpxClient(verify=_certificates()),
            default_headers=silent,  # type: ignore[arg-type]  # as its own requests take them
        )


@cache
def _certificates() -> ssl.SSLContext:
    """Read once: each client would read them anew, which takes longer than a short answer."""
    return ssl.create_default_context()


class _Thoughts:
    """Takes `<think> ... </think>` out of a text that comes in pieces."""

    _OPEN, _CLOSE = "<think>", "</think>"

    def __init__(self) -> None:
        self._held = ""
        self._inside = False
        self.characters = 0

    def outside(self, piece: str) -> str:
        """What of the text so far is certainly no thought, and was not handed out before."""
        text = self._held + piece
        out: list[str] = []
        self._held = ""
        while text:
            mark = self._CLOSE if self._inside else self._OPEN
            at = text.find(mark)
            if at < 0:
                kept = _beginning(text, mark)
                done, self._held = (text[:-kept], text[-kept:]) if kept else (text, "")
                self._take(done, out)
                break
            self._take(text[:at], out)
            text = text[at + len(mark) :]
            self._inside = not self._inside
            if not self._inside:
                text = text.lstrip("\n")
        return "".join(out)

    def rest(self) -> str:
        """What was held back, once no more comes."""
        out: list[str] = []
        self._take(self._held, out)
        self._held = ""
        return "".join(out)

    def _take(self, text: str, out: list[str]) -> None:
        if self._inside:
            self.characters += len(text)
        else:
            out.append(text)


def _beginning(text: str, mark: str) -> int:
    """How many characters at the end of a text may be the beginning of a mark."""
    return next((size for size in range(min(len(mark) - 1, len(text)), 0, -1) if mark.startswith(text[-size:])), 0)


def _body(messages: Sequence[Mapping[str, Any]], parameters: Mapping[str, Any], habits: _Habits) -> dict[str, Any]:
    shown = []
    for message in messages:
        content = message["content"]
        if not isinstance(content, str):
            content = "\n\n".join(content) if habits.plain else [{"type": "text", "text": text} for text in content]
        shown.append({"role": message["role"], "content": content})
    body = {"messages": shown, "stream_options": {"include_usage": True}, **parameters}
    if habits.renamed and "max_completion_tokens" in body:
        body["max_tokens"] = body.pop("max_completion_tokens")
    return {name: value for name, value in body.items() if name not in habits.left_out}


def _learn(habits: _Habits, error: Any, body: Mapping[str, Any]) -> bool:
    """Whether something can be left out or renamed that the endpoint refused; then it is, from now on."""
    facts = _facts(error)
    said = f"{facts.get('param') or ''} {error}".lower()
    named = next((name for name in _PARAMETERS if name in said and name in body), "")
    if not named and "max_tokens" in said and "max_completion_tokens" in body:
        named = "max_completion_tokens"
    if named == "max_completion_tokens" and not habits.renamed:
        habits.renamed = True
        return True
    if named:
        habits.left_out.add(named)
        return True
    if not habits.plain and re.search(
        r"content.{0,60}(?:string|str\b|list|array|type)|(?:string|str\b).{0,60}content", said
    ):
        habits.plain = True
        return True
    return False


def _end(finish: str, found: ChatText) -> End:
    if found.refusal or finish == "content_filter":
        return End.REFUSED
    if not finish:
        found.detail = "The stream ended in the middle."
        return End.BROKEN
    if not found.text.strip() and (found.thoughts or finish == "length"):
        return End.ONLY_THOUGHTS
    return End.TRUNCATED if finish == "length" else End.COMPLETE


def _facts(error: Any) -> Mapping[str, Any]:
    body = getattr(error, "body", None)
    if isinstance(body, dict) and isinstance(body.get("error"), dict):
        body = body["error"]
    return body if isinstance(body, dict) else {}


def _said(error: Any) -> str:
    message = _facts(error).get("message")
    return f" ({message[:200].strip().rstrip('.')})" if isinstance(message, str) and message.strip() else ""


def _reason(error: BaseException) -> str:
    if isinstance(error, ValueError):
        return "It sent a line that is not JSON."
    message = str(getattr(error, "message", "") or error).strip().splitlines()
    return (message[0][:200] if message else type(error).__name__).rstrip(".") + "."


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _advice(error: Any) -> str:
    return _ADVICE.get(error.status_code, _UNREACHABLE if error.status_code >= 500 else "")


_UNREACHABLE = "Check WIKI_PIPELINE_CHAT_BASE_URL and that the endpoint is up."
_ADVICE = {
    401: "Check the key that WIKI_PIPELINE_CHAT_KEY refers to.",
    403: "The key may not use this model: check WIKI_PIPELINE_CHAT_KEY and WIKI_PIPELINE_CHAT_MODEL.",
    404: "Check WIKI_PIPELINE_CHAT_MODEL and WIKI_PIPELINE_CHAT_BASE_URL.",
    429: "The endpoint's rate limit or quota is used up: ask again later.",
}
