"""A reranking endpoint over HTTP, in either of the two forms that there are.

    TEI                  {"query", "texts", "truncate"}        -> [{"index", "score"}]
    vLLM, Jina, Cohere   {"model", "query", "documents", ...}  -> {"results": [{"index", "relevance_score"}]}

Which one an endpoint speaks is found out by asking: one that refuses a body (400, 422) is asked in the other form, and
what worked is remembered. Nothing is asked twice for other reasons: a search does not wait. TEI takes 32 texts a
request unless it was started otherwise (413 for more), and scores each alone, so it is asked in parts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from wiki_pipeline.errors import ConfigurationError, RerankError

if TYPE_CHECKING:
    import httpx

_MAX_CHARACTERS = 2_000  # of a text: models read some 512 tokens of it
_MAX_ANSWER_BYTES = 4_000_000
_REFUSED = {400, 422}
_TEXTS_AT_ONCE = 32  # TEI's --max-client-batch-size
_FORMS = ("documents", "texts")
_ADVICE = {
    401: "Check WIKI_PIPELINE_RERANK_API_KEY.",
    403: "Check WIKI_PIPELINE_RERANK_API_KEY.",
    404: "Check WIKI_PIPELINE_RERANK_URL; it ends in /rerank.",
    413: "Start it with a larger --max-client-batch-size (32 at least).",
    424: "Its model can't rerank: start it with a cross-encoder.",
    429: "Its rate limit is used up.",
}


class EndpointReranker:
    """A model behind an address. Safe between threads.

    Args:
        url: with the path, which ends in `rerank`; without one, TEI's `/rerank` is taken.
        model: its name; empty for endpoints that serve one.
        timeout: seconds for the whole request.

    Raises:
        ConfigurationError: the address is none.
    """

    def __init__(self, url: str, *, api_key: SecretStr, model: str = "", timeout: float = 5.0) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.password:
            raise ConfigurationError(
                "WIKI_PIPELINE_RERANK_URL is no address of a reranking endpoint.",
                "Give one like https://api.jina.ai/v1/rerank, and a key in WIKI_PIPELINE_RERANK_API_KEY.",
            )
        self._url = url.rstrip("/") if parts.path.strip("/") else f"{url.rstrip('/')}/rerank"
        self._host = parts.hostname
        self._key = api_key
        self._model = model
        self._timeout = timeout
        # Only TEI has the bare path for its own form; vLLM answers there too, in the other one.
        self._form = "documents" if model or urlsplit(self._url).path != "/rerank" else "texts"
        self._sure = False

    def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        """See `Reranker`."""
        if not texts:
            return []
        cut = [text[:_MAX_CHARACTERS] for text in texts]
        status, answer = self._asked(self._form, query, cut)
        if status in _REFUSED and not self._sure:
            other = next(form for form in _FORMS if form != self._form)
            again, second = self._asked(other, query, cut)
            if again not in _REFUSED:
                status, answer, self._form = again, second, other
        if status != 200:
            # Jina and Cohere serve many models and refuse a request that names none.
            unnamed = status in _REFUSED and not self._model
            advice = "Name its model in WIKI_PIPELINE_RERANK_MODEL." if unnamed else "Check WIKI_PIPELINE_RERANK_URL."
            raise self._failure(f"answered {status}", _ADVICE.get(status, advice))
        scores = _scores(answer, len(cut))
        if scores is None:
            raise self._failure("gave an answer that is no ranking of all texts", "Check WIKI_PIPELINE_RERANK_URL.")
        self._sure = True
        return scores

    def _asked(self, form: str, query: str, texts: Sequence[str]) -> tuple[int, Any]:
        """Status and body of all texts; the body is None where it is no JSON."""
        if form != "texts" or len(texts) <= _TEXTS_AT_ONCE:
            return self._posted(form, query, texts)
        ranked: list[Any] = []
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            status, answer = self._posted(form, query, texts[start : start + _TEXTS_AT_ONCE])
            if status != 200 or not isinstance(answer, list):
                return status, answer
            ranked += [_moved(result, start) for result in answer]
        return 200, ranked

    def _posted(self, form: str, query: str, texts: Sequence[str]) -> tuple[int, Any]:
        import httpx  # noqa: PLC0415 - takes a tenth of a second, and few have an endpoint

        body: dict[str, Any] = {"query": query}
        if form == "texts":
            body |= {"texts": list(texts), "truncate": True}
        else:
            body |= {"documents": list(texts), "top_n": len(texts)}
            if self._model:
                body["model"] = self._model
        try:
            with self._client.stream("POST", self._url, json=body) as answer:
                content = b""
                for piece in answer.iter_bytes():
                    content += piece
                    if len(content) > _MAX_ANSWER_BYTES:
                        raise self._failure("gave an answer that is too long")
            read = httpx.Response(answer.status_code, content=content)
            return answer.status_code, read.json()
        except httpx.TimeoutException:
            raise self._failure(f"did not answer within {self._timeout:g} s") from None
        except httpx.HTTPError:
            raise self._failure("can't be reached", "Check WIKI_PIPELINE_RERANK_URL and that it is up.") from None
        except ValueError:
            return answer.status_code, None

    @cached_property
    def _client(self) -> httpx.Client:
        import httpx  # noqa: PLC0415 - takes a tenth of a second, and few have an endpoint

        key = self._key.get_secret_value()
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx.Client(timeout=self._timeout, headers=headers, follow_redirects=False)

    def _failure(self, what: str, advice: str = "") -> RerankError:
        return RerankError(f"The reranking endpoint at {self._host} {what}.", advice)


def _moved(result: Any, by: int) -> Any:
    """A result of a part of the texts, as one of all of them."""
    index = result.get("index") if isinstance(result, Mapping) else None
    return {**result, "index": index + by} if isinstance(index, int) else result


def _scores(answer: Any, count: int) -> list[float] | None:
    """The numbers in the texts' order; None unless there is one for each."""
    results = answer.get("results") if isinstance(answer, Mapping) else answer
    if not isinstance(results, list):
        return None
    scores: dict[int, float] = {}
    for result in results:
        if not isinstance(result, Mapping):
            return None
        index, score = result.get("index"), result.get("relevance_score", result.get("score"))
        if not isinstance(index, int) or not isinstance(score, int | float) or not math.isfinite(score):
            return None
        scores[index] = float(score)
    return [scores[index] for index in range(count)] if scores.keys() == set(range(count)) else None
