"""What calls of a model took."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What calls of a model took.

    Attributes:
        estimated: the endpoint did not say: tokens are counted from characters.
        price: in the currency that the prices are given in; None if no prices are set.
        cached: the model was not asked: it answered the same before.
        key: whose key was used, for people; empty: not known.
    """

    model: str
    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    estimated: bool = False
    price: float | None = None
    cached: bool = False
    key: str = ""

    def plus(self, other: Usage) -> Usage:
        """Both together."""
        prices = [each for each in (self.price, other.price) if each is not None]
        return replace(
            self,
            calls=self.calls + other.calls,
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            estimated=self.estimated or other.estimated,
            price=sum(prices) if prices else None,
            cached=self.cached and other.cached,
        )
