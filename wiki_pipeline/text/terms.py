"""Words as a search compares them: folded, told from fillers, and with the language that they are in.

Indexes have rules of their own (`store.indexes`); these are for what a search looks at itself: queries, names, and the
texts of its candidates. They are rules of thumb that ask for no dictionary and cost microseconds.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache

WORD = re.compile(r"[^\W_]+")
_CJK = re.compile("[々〆ぁ-ゖゝ-ゟァ-ヺー-ヿ㐀-䶿一-鿿가-힣\U00020000-\U0003ffff]")
# Groesse for Größe: what is typed where a keyboard has no umlauts. Both sides are folded, so that `queue` meets itself.
_UMLAUT = re.compile("([aou])e")
# What of a word tells it from others: endings differ (invest, invested; Station, Stationen) and are no reason to say
# that it is missing. So many letters at its end don't count, as long as so many at its beginning are left.
_ENDING, _STEM = 3, 4
_LONGER = 4  # letters that an inflected or compound form may have more

# Words that say nothing of what is asked; they also tell the language that a text is in.
FILLERS: Mapping[str, frozenset[str]] = {
    language: frozenset(words.split())
    for language, words in {
        "en": """a an and are as at be been but by can could did do does for from had has have how i if in into is it
            its me my of on or our should so such than that the their them then there these they this those to
            was we were what when where which who whom whose why will with would you your not""",
        "de": """aber als am an auch auf aus bei bin bis das dass dem den der des die dies diese dieser dieses du
            durch ein eine einem einen einer eines er es für gibt haben hat ich ihr im in ist kann können man
            mein mich mir mit muss nach nicht noch nur oder ohne sein sich sie sind so soll über um und uns
            unter vom von vor wann warum was welche welcher welches wenn wer werden wie wir wird wo zu zum zur""",
        "fr": """à au aux avec ce ces cette comment dans de des du elle elles en est et être faire il ils je la le
            les leur lui mais me mes mon ne nos notre nous on ont ou où par pas peut plus pour pourquoi qu quand
            que quel quelle quelles quels qui sa sans se ses son sont sur un une vos votre vous y""",
        "es": """a al como con cómo cuál cuáles cuando cuándo de del desde dónde donde el ella ellos en entre es esta
            este esto está ha hay la las lo los más me mi muy no nos o para pero por porque puede puedo que qué
            quién se ser si sin sobre son su sus un una uno y ya""",
        "pt": """a ao aos as com como da das de do dos e ela ele em entre essa esse esta este eu foi há isso mais mas
            me meu muito na nas não no nos o onde os ou para pela pelo pode por porque qual quais quando que
            quem se sem ser seu sua são também um uma você é""",
        "it": """a ai al alla anche che chi ci come con cosa così da dal dalla dei del della delle di dove e è gli ha
            i il in io la le lo ma mi nel nella non o per perché più può quale quali quando quello questa questo
            se si sono su sul sulla tra un una uno""",
        "nl": """aan al als bij dan dat de deze die dit door een en er geen had heb hebben heeft het hij hoe ik in is
            je kan maar me met mijn moet naar niet of om onder ook op over te tot uit van voor waar waarom
            wanneer want was wat we wel welke wie wij worden wordt ze zijn zo""",
        "sv": """att av de den det dig din du eller en ett för från går han har hon hur i inte ja jag kan man med men
            mig min mot när nu och om på sig ska som så till under upp ut vad var varför vem vi vid vilka vilken
            är över""",
        "pl": """aby albo ale być co czy dla do gdy gdzie go i ich jak jaka jaki jakie jako jest jeśli już kiedy kto
            która które który lub ma mnie można na nad nie o od oraz po pod przed przez przy są się ta tak tego
            tej ten to tylko u w we z za ze że""",
        "tr": """ama ancak bana ben bir biz bu çok da daha de değil diye en gibi hangi hem her için ile ise kadar ki
            kim mı mi mu mü nasıl ne neden nerede o olan olarak olur onu sonra şu siz ve veya ya yani zaman""",
        "ru": """а без бы был была были было быть в вам вас вы где для до его ее если есть еще же за и из или им их к
            как какая какие какой когда которая которые который кто ли мне может мы на над не него нет но о об
            он она они от по под при про с со так также то только у уже что чтобы это этого этот я""",
        "uk": """а або але без би був була були було бути в вас ви від він вона вони все де для до є за з зі і із або
            його їх її й коли котрий ми може можна на над не ні о об від по під при про ся та так також те ти то
            у хто це цей цього чи що щоб як яка яке який які якщо""",
        "el": """από για δεν είναι η θα και με να ο οι όπως που πώς πότε πού σε στα στη στην στο στον τα τη την της
            το τον του των ως""",
        "ja": "",
        "ko": "",
        "zh": "",
        "ar": "",
        "he": "",
        "th": "",
        "hi": "",
    }.items()
}
ALL_FILLERS = frozenset().union(*FILLERS.values())
# A word of many languages tells little of each.
_TELLS = {
    word: tuple((language, 1 / count) for language, of in FILLERS.items() if word in of)
    for word, count in Counter(word for of in FILLERS.values() for word in of).items()
}
_SCRIPTS = (
    ("ja", re.compile("[ぁ-ゖァ-ヺ]")),
    ("ko", re.compile("[가-힣]")),
    ("zh", re.compile("[一-鿿]")),
    ("ar", re.compile("[\u0600-\u06ff]")),
    ("he", re.compile("[\u0590-\u05ff]")),
    ("th", re.compile("[\u0e00-\u0e7f]")),
    ("hi", re.compile("[\u0900-\u097f]")),
    ("el", re.compile("[\u0370-\u03ff]")),
)
_CYRILLIC = re.compile("[\u0400-\u04ff]")
_UKRAINIAN = re.compile("[іїєґІЇЄҐ]")
_RUSSIAN = re.compile("[ыэъёЫЭЪЁ]")
_ANY_SCRIPT = re.compile("[ぁ-ゖァ-ヺ가-힣一-鿿\u0370-\u04ff\u0590-\u06ff\u0900-\u097f\u0e00-\u0e7f]")
# Enough to free words of what stands beside them: finding words by an expression takes five times as long.
_SEPARATORS = str.maketrans(dict.fromkeys(".,;:!?()[]\"'`*’“”„«»¿¡/|", " "))
_SAMPLE = 600  # characters that tell a text's language


# Accented letters of Latin and Greek script to the letters below the accents.
_ACCENTS = {
    code: bare
    for code in (*range(0x00C0, 0x0250), *range(0x0370, 0x0400), *range(0x1E00, 0x2000))
    if (bare := "".join(c for c in unicodedata.normalize("NFKD", chr(code)) if not unicodedata.combining(c)))
    != chr(code)
} | {ord("ı"): "i", ord("ø"): "o", ord("ł"): "l", ord("đ"): "d"}


_ACCENTED = re.compile(f"[{''.join(map(chr, _ACCENTS))}]")


def _without_accent(found: re.Match[str]) -> str:
    return _ACCENTS[ord(found[0])]


def plain(text: str) -> str:
    """A text without case and accents; `ß` is `ss`."""
    text = text.casefold()
    # Most letters of any text have no accents: finding those that do is ten times quicker than looking each one up.
    return text if text.isascii() else _ACCENTED.sub(_without_accent, text)


@lru_cache(maxsize=50_000)
def folded(word: str) -> str:
    """A word without case, accents and the difference of `Größe`, `Groesse` and `Grosse`."""
    return _UMLAUT.sub(r"\1", plain(word))


def stem(word: str) -> str:
    """What a word's forms have in common: its beginning, folded."""
    return beginning(folded(word))


def beginning(word: str) -> str:
    """A word without what its forms may differ in."""
    return word[: max(_STEM, len(word) - _ENDING)]


def spellings(word: str) -> list[str]:
    """How a word may be written in a plain text: `grosse` and `groesse` for `Größe`."""
    return list(dict.fromkeys(map(plain, (word, *variants(word)))))


def same_word(one: str, other: str) -> bool:
    """Whether two folded words are forms of one."""
    if one == other:
        return True
    short, long = sorted((one, other), key=len)
    return len(long) - len(short) <= _LONGER - 1 and len(short) >= _STEM and long.startswith(stem(short))


def is_cjk(word: str) -> bool:
    """Whether a word is of a script that puts no spaces between words, or endings to them."""
    return not word.isascii() and _CJK.search(word) is not None


def variants(word: str) -> list[str]:
    """Other spellings of a German word: `Groesse` and `Grosse` for `Größe`, and `Größe` for `Groesse`."""
    if word.isascii() and not _UMLAUT.search(word.casefold()):
        return []
    spelled = word.casefold()
    for plain, umlaut in (("ae", "ä"), ("oe", "ö"), ("ue", "ü")):
        spelled = spelled.replace(umlaut, plain)
    spelled = spelled.replace("ß", "ss")
    made = [spelled, *(spelled.replace(plain, umlaut) for plain, umlaut in (("ae", "ä"), ("oe", "ö"), ("ue", "ü")))]
    if spelled.isascii():
        made.append(_UMLAUT.sub(r"\1", spelled))
    return [each for each in dict.fromkeys(made) if each != word.casefold()]


def language_of(text: str, least: float = 2.0) -> str:
    """The language that a text is in, as "de"; empty if it does not tell.

    Args:
        text: its beginning is looked at.
        least: how many fillers of one language it takes, those of several languages counting as parts.
    """
    text = text[:_SAMPLE]
    if not text.isascii() and _ANY_SCRIPT.search(text):
        letters = sum(map(str.isalpha, text)) or 1
        for language, script in _SCRIPTS:
            # Japanese has more Han than kana, and names in Latin letters are everywhere.
            if len(script.findall(text)) > letters * (0.05 if language == "ja" else 0.15):
                return language
        if len(_CYRILLIC.findall(text)) > letters * 0.25:
            ukrainian, russian = len(_UKRAINIAN.findall(text)), len(_RUSSIAN.findall(text))
            return "uk" if ukrainian > russian else "ru" if russian > ukrainian else ""
    told: dict[str, float] = {}
    for word in text.casefold().translate(_SEPARATORS).split():
        for language, weight in _TELLS.get(word, ()):
            told[language] = told.get(language, 0.0) + weight
    if not told:
        return ""
    (best, most), *others = sorted(told.items(), key=lambda each: -each[1])
    return best if most >= least and (not others or most >= 1.3 * others[0][1]) else ""


def language_asked(query: str) -> str:
    """The language that a question is in; empty if it does not tell. One filler is enough, there are few words."""
    return language_of(query, least=0.3)
