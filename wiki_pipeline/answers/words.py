"""Words of questions: which of them say what is asked, when two are the same word, and where they stand in a text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from wiki_pipeline.text.chunk.search_text import split_identifiers
from wiki_pipeline.text.normalise import cjk_bigrams, normalise

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_CJK = re.compile("[々〆ぁ-ゖゝ-ゟァ-ヺー-ヿ㐀-䶿一-鿿가-힣豈-﫿]")
# Endings differ (invest, invested; Station, Stationen): so many letters at the end don't count, if so many are left.
_ENDING, _STEM, _LONG = 3, 4, 8
# French and Italian articles and the like, which are written together with the word that follows.
_ELIDED = re.compile(r"^(?:[cdjlmnst]|qu|jusqu|lorsqu|dell|nell|sull|all)['’]", re.IGNORECASE)
_MOST_TERMS = 48

_FILLER_WORDS = """
own hoch groß alt nasıl ne kim
a an and any are as at be been but by can could did do does doing done for from get had has have how i if in
into is it its just me much many my need of off on or our out please should so some such tell than that the
their them then there these they this those to up us use used using was we were what when where which who whom
whose why will with would you your about after again all also am before being between both during each few more
most no nor not only other over same she he her his him here itself let make means mean show happen happens
explain describe say says aber als am an auch auf aus bei bin bis das dass dem den der des die dies diese dieser
dieses doch du ein eine einem einen einer eines er es für gibt hat habe haben hier ich ihr im in ist ja kann
kein keine man mein mit muss nach nicht noch nun nur ob oder sein sich sie sind so soll über um und uns unser
unsere vom von vor wann warum was welche welchem welchen welcher welches wenn wer werden wie wir wird wo wofür
womit woran wurde zu zum zur viele lange oft au aux avec ce ces cette comment dans de des du elle en est et être
fait faut il ils je la le les leur leurs lui mais me mes mon ne nos notre nous on ou où par pas pour pourquoi qu
quand que quel quelle quelles quels qui quoi sa se ses si son sont sur ta te tes ton tu un une vos votre vous
combien al como cómo con cual cuál cuáles cuando cuándo cuánto cuántos del donde dónde el ella ellos en entre
era es esta está este esto hay la las lo los más mi muy nos o para pero por porque qué quien quién se ser si sin
sobre son su sus también un una unas uno unos y ya che chi ci come cosa cui dal dalla dei del della delle di
dove è gli ha ho i il la le lo ma nel nella non per perché più quale quali quando quanto questa questo sono su
sul sulla tra un una uno ao aos as com da das de do dos e em esta este eu foi há isso mais mas na nas no nos o
onde os ou para pela pelo por porque qual quais quando que quem são se sem ser seu sua um uma você aan bij dat
de den die dit een en er het hoe hun ik in is kan met naar niet nog of om onder ons onze op te tot uit van voor
waar waarom wanneer wat we wel welke wie wij wordt zijn zo
"""
# What questions are made of besides what they are about, in the languages that are most common in wikis.
_FILLERS = frozenset(_FILLER_WORDS.split())


def words_of(text: str) -> list[str]:
    """The words of a text, case-folded, in order; of scripts without spaces, pairs of characters."""
    plain = normalise(text)
    if plain.isascii():
        return [_ELIDED.sub("", word).casefold() for word in _WORD.findall(plain)]
    spaced = _CJK.sub(" ", plain)
    return [_ELIDED.sub("", word).casefold() for word in _WORD.findall(spaced)] + cjk_bigrams(plain).split()


def telling(question: str) -> tuple[str, ...]:
    """The words of a question that say what is asked, each once; all of them, if none does."""
    words = list(dict.fromkeys(words_of(f"{question} {split_identifiers(question)}")))
    said = [word for word in words if word not in _FILLERS and (len(word) > 1 or not word.isascii() or word.isdigit())]
    return tuple((said or words)[:_MOST_TERMS])


def stem(word: str) -> str:
    """What of a word tells it from others: accents and endings don't."""
    bare = word
    if not word.isascii():
        bare = "".join(c for c in unicodedata.normalize("NFKD", word) if unicodedata.category(c) != "Mn")
        bare = bare.replace("ß", "ss")
    bare = bare.removesuffix("'s").removesuffix("’s")
    if any(character.isdigit() for character in bare):
        return bare
    ending = _ENDING if len(bare) >= _LONG else _ENDING - 1
    return bare[: max(_STEM, len(bare) - ending)] if len(bare) > _STEM else bare


def stems(words: Iterable[str]) -> frozenset[str]:
    """The stems of words."""
    return frozenset(map(stem, words))


def holds(term: str, of: frozenset[str], words: frozenset[str]) -> bool:
    """Whether a text holds a term.

    Args:
        of: the text's stems.
        words: the text's words, which may begin with the term's stem (`escalat` of `escalate` in `escalation`).
    """
    root = stem(term)
    if root in of or term in words:
        return True
    return len(root) >= _STEM and not root.isdigit() and any(word.startswith(root) for word in words)


def marked(text: str, terms: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """The text in pieces, and whether each is one of the terms."""
    roots = {stem(term) for term in terms if len(term) > 2 or not term.isascii() or term.isdigit()}
    pairs = {term for term in terms if _CJK.match(term)}
    end = 0
    for found in _WORD.finditer(text):
        word = _ELIDED.sub("", found[0]).casefold()
        if _CJK.search(word):
            is_one = any(pair in word for pair in pairs)
        else:
            is_one = stem(word) in roots or any(len(root) >= _STEM and word.startswith(root) for root in roots)
        if is_one:
            if found.start() > end:
                yield text[end : found.start()], False
            yield found[0], True
            end = found.end()
    if end < len(text):
        yield text[end:], False
