"""Words by which the catalogue is searched (检索词): Chinese characters and pairs, pinyin, initials, Latin words.

Pairs of neighbouring characters stand for words, so that no dictionary decides what can be found; the same rule cuts
entries and queries. Words hold only letters, digits, Chinese characters and their mark, never an operator.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import pairwise

from pypinyin import Style, lazy_pinyin
from pypinyin.constants import PINYIN_DICT

_CHINESE = re.compile(r"[㐀-䶿一-鿿]+")
_LATIN = re.compile(r"[a-z0-9]+")
_TONES = str.maketrans(
    "āáǎàēéěèōóǒòīíǐìūúǔùüǖǘǚǜńňǹḿê", "aaaaeeeeooooiiiiuuuuvvvvvnnnme"
)  # fmt: skip
LONGEST_QUERY = 100
"""Characters of a query that are looked at."""


def words_of(texts: Iterable[str]) -> list[str]:
    """Return every word by which a text is found, each once.

    >>> words_of(["户口 A1"])
    ['户', '口', '户口', 'p_hu', 'p_kou', 'p_hukou', 'i_hk', 'w_a1', 'w_a', 'w_1']
    """
    return list(dict.fromkeys(word for text in texts for word in _words_of_one(text)))


@lru_cache(maxsize=65_536)
def _words_of_one(text: str) -> tuple[str, ...]:
    lowered, found = text.lower(), list[str]()
    for run in _CHINESE.findall(lowered):
        found += [*_cut_chinese(run), *_cut_pinyin(run)]
    for word in _LATIN.findall(lowered):
        found += [f"w_{word}", *(f"w_{part}" for part in re.findall(r"[a-z]+|[0-9]+", word))]
    return tuple(found)


def query_alternatives(query: str) -> list[list[list[str]]]:
    """Return what a query asks for: of each of its parts, one of some alternatives, each a list of words that all hold.

    >>> query_alternatives("户口")
    [[['户口']]]
    >>> query_alternatives("hukou")
    [[['w_hukou'], ['p_hukou']]]
    >>> query_alternatives("hk 2")
    [[['w_hk'], ['i_hk']], [['w_2']]]
    """
    lowered = query.lower()[:LONGEST_QUERY]
    parts = []
    for part in re.findall(r"[㐀-䶿一-鿿]+|[a-z0-9]+", lowered):
        if _CHINESE.fullmatch(part):
            parts.append([_pairs_or_whole(list(part))])
        else:
            parts.append(_latin_alternatives(part))
    return parts


def _latin_alternatives(part: str) -> list[list[str]]:
    alternatives = [[f"w_{part}"]]
    if part.isalpha():
        alternatives += [
            [f"p_{word}" for word in _pairs_or_whole(list(syllables))] for syllables in _segmentations(part)
        ]
        if 2 <= len(part) <= 12:
            alternatives.append([f"i_{part[n : n + 2]}" for n in range(len(part) - 1)])
    if len(alternatives) > 2 and len(alternatives[1][0]) > 4:
        alternatives = [words for words in alternatives if not words[0].startswith("i_")]
    return alternatives


def _cut_chinese(run: str) -> Iterator[str]:
    yield from run
    yield from (run[n : n + 2] for n in range(len(run) - 1))


def _cut_pinyin(run: str) -> Iterator[str]:
    syllables = lazy_pinyin(run, style=Style.NORMAL, v_to_u=False)
    yield from (f"p_{syllable}" for syllable in syllables)
    yield from (f"p_{one}{two}" for one, two in pairwise(syllables))
    yield from (f"i_{one[0]}{two[0]}" for one, two in pairwise(syllables))


def _pairs_or_whole(units: list[str]) -> list[str]:
    if len(units) == 1:
        return units
    return list(dict.fromkeys("".join(units[n : n + 2]) for n in range(len(units) - 1)))


@lru_cache(maxsize=1)
def _syllables() -> frozenset[str]:
    """Return every syllable of pinyin without tone."""
    spoken = {one for readings in PINYIN_DICT.values() for one in readings.split(",")}
    plain = {one.translate(_TONES) for one in spoken}
    return frozenset(one for one in plain if one.isascii() and one.isalpha() and len(one) <= 6)


def _segmentations(letters: str, most: int = 3) -> list[tuple[str, ...]]:
    """Return the ways to read letters as syllables, those with the fewest first."""
    ways: list[list[tuple[str, ...]]] = [[()], *([] for _ in letters)]
    for end in range(1, len(letters) + 1):
        for start in range(max(0, end - 6), end):
            if letters[start:end] in _syllables():
                ways[end] += [(*way, letters[start:end]) for way in ways[start]]
        ways[end] = sorted(ways[end], key=len)[:most]
    return ways[-1]
