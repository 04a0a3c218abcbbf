"""How texts are made comparable (可比形式): pinyin, deletions, pairs of characters, as values both engines treat alike.

DuckDB counts bytes and Spark counts characters in a Chinese text, so that no engine measures any: what is compared is
made here, and engines only ask for equality and for what two arrays share.
"""

from __future__ import annotations

from functools import lru_cache

from pypinyin import Style, lazy_pinyin


@lru_cache(maxsize=30_000)
def _syllable(character: str) -> str:
    return lazy_pinyin(character, style=Style.NORMAL, errors="default")[0]


def pinyin_of(text: str) -> str:
    """Return the syllables of ``text`` without tones, each character by its commonest reading.

    Character by character, so that the same character sounds the same in every name.

    >>> pinyin_of("示范张")
    'shi fan zhang'
    """
    return " ".join(_syllable(character) for character in text)


def deletions_of(text: str) -> list[str]:
    """Return ``text`` and what is left of it without one character, in order: two texts one edit apart share one.

    One edit is a character changed, added, left out, or two neighbours exchanged.

    >>> deletions_of("张三丰")
    ['三丰', '张三', '张三丰', '张丰']
    """
    return sorted({text, *(text[:i] + text[i + 1 :] for i in range(len(text)))} - {""})


def grams_of(text: str) -> list[str]:
    """Return the distinct pairs of neighbouring characters, in order; of one character the character.

    >>> grams_of("武科西四路")
    ['四路', '武科', '科西', '西四']
    """
    return sorted({text[i : i + 2] for i in range(max(1, len(text) - 1))} - {""})
