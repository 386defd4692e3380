"""What was meant by a word that no document holds: one that is spelled nearly like it, or a compound and its parts.

The words of a table are counted once, by its fragments, when a search asks for such a word first; later commits cost
what they added. They are those of the whole tenant: whoever takes one asks LanceDB whether the reader may find it
(`candidates.holds_word`) before it is shown or searched.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from wiki_pipeline.text.terms import WORD, folded, is_cjk

if TYPE_CHECKING:
    from lance import LanceDataset

_ROWS = 8_192  # counted at once, some 10 MB of text
_MOST_WORDS = 400_000  # of a table, some 60 MB; from there on the words that came once go
_SHORTEST, _LONGEST = 4, 40  # letters of a word worth correcting
_TWO_SLIPS = 8  # letters from which on two slips are forgiven
_MOST_NEAR = 6
_SHORTEST_PART = 4  # of a compound
_LINKS = ("", "s", "es", "n", "en", "er", "e", "ns")  # between its parts: Rufbereitschaft-s-plan


class Vocabulary:
    """The words of one table, with how often each is there. Safe between threads."""

    def __init__(self) -> None:
        self._counting = threading.Lock()
        self._lock = threading.Lock()
        self._known: frozenset[int] = frozenset()  # fragments
        self._counts: Counter[str] = Counter()

    def brought_up_to(self, dataset: LanceDataset) -> None:
        """Count the words of fragments that are new, or go on without them while another thread counts. Words of those
        that are gone stay known: they do no harm.

        Raises:
            OSError, RuntimeError, ValueError: from the storage.
        """
        # The first count takes seconds, and is waited for; a later one must not hold up other searches.
        if not self._counting.acquire(blocking=not self._known):
            return
        try:
            fragments = {fragment.fragment_id: fragment for fragment in dataset.get_fragments()}
            new = [fragment for number, fragment in fragments.items() if number not in self._known]
            if new:
                # Joined fragments are counted again, and so are their words: only which word is commoner matters.
                for batch in dataset.scanner(columns=["search_text"], fragments=new, batch_size=_ROWS).to_batches():
                    counted = dict(_counted(batch.column("search_text")))
                    with self._lock:
                        self._counts.update(counted)
                        if len(self._counts) > _MOST_WORDS:
                            self._counts = Counter({word: n for word, n in self._counts.items() if n > 1})
            self._known = frozenset(fragments)
        finally:
            self._counting.release()

    def near(self, word: str) -> list[str]:
        """Words that are a slip away, two if it is long; the likeliest first: fewest slips, then commonest."""
        from rapidfuzz import process  # noqa: PLC0415 - only unknown words need it
        from rapidfuzz.distance import OSA  # noqa: PLC0415

        word = folded(word)
        if not _SHORTEST <= len(word) <= _LONGEST or word.isdigit() or is_cjk(word):
            return []
        slips = 2 if len(word) >= _TWO_SLIPS else 1
        with self._lock:
            choices = [w for w in self._counts if abs(len(w) - len(word)) <= slips and not w.isdigit()]
            found = process.extract(word, choices, scorer=OSA.distance, score_cutoff=slips, limit=200)
            # The first letter is seldom wrong, unless it changed places with the second.
            ranked = sorted(
                found, key=lambda each: (each[1], each[0][0] not in word[:2], -self._counts[each[0]], each[0])
            )
        return [choice for choice, distance, _ in ranked if distance > 0][:_MOST_NEAR]

    def parts(self, word: str) -> list[str]:
        """The two words that a compound is made of, the rarer part first; none if it is not made of known ones."""
        word = folded(word)
        if len(word) < 2 * _SHORTEST_PART or len(word) > _LONGEST or is_cjk(word):
            return []
        with self._lock:
            made = [
                (min(self._counts[first], self._counts[second]), first, second)
                for first, second in _split(word)
                if first in self._counts and second in self._counts
            ]
            if not made:
                return []
            # The split whose rarer part is the commonest: chance finds odd words.
            _, first, second = max(made)
            return sorted((first, second), key=lambda part: (self._counts[part], part))

    def compounds(self, word: str) -> list[str]:
        """The commonest words that begin or end with the word."""
        word = folded(word)
        if not _SHORTEST_PART < len(word) <= _LONGEST or is_cjk(word):
            return []
        with self._lock:
            found = [w for w in self._counts if len(w) > len(word) + 2 and (w.startswith(word) or w.endswith(word))]
            return sorted(found, key=lambda each: (-self._counts[each], each))[:_MOST_NEAR]


def _split(word: str) -> Iterator[tuple[str, str]]:
    for at in range(_SHORTEST_PART, len(word) - _SHORTEST_PART + 1):
        for link in _LINKS:
            if word.startswith(link, at) and len(word) - at - len(link) >= _SHORTEST_PART:
                yield word[:at], word[at + len(link) :]


def _counted(texts: pa.Array) -> Iterator[tuple[str, int]]:
    """The words of texts, folded. Arrow splits at spaces and counts; only different pieces are looked at here."""
    counts: Counter[str] = Counter()
    pieces = pc.list_flatten(pc.utf8_split_whitespace(texts.cast(pa.large_string())))
    for pair in pc.value_counts(pieces).to_pylist():
        for word in WORD.findall(pair["values"]):
            if _SHORTEST <= len(word) <= _LONGEST and not is_cjk(word):
                counts[folded(word)] += pair["counts"]
    return iter(counts.items())
