"""What every text goes through (文本清洗): half-width ASCII, one form a character, nothing invisible or blank around.

Spark has no Unicode normalisation, so the tables are derived from ``unicodedata`` when the module is read. One
``translate`` does all replacements of single characters, whatever their number; only a text with a combining mark
goes on to be composed. What is not covered of NFC is named in this folder's README.
"""

from __future__ import annotations

import unicodedata

from pyspark.sql import Column
from pyspark.sql import functions as F

_BLANKS = "\u1680\u3164\u2800\u115f\u1160\uffa0"
"""Characters that print as a blank without being one by category, and the one space that prints a stroke."""
VISIBLE_FORMATS = frozenset("\u180e") | {
    chr(code) for code in (*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD)
}
"""Format characters (Cf) that stay: signs which print, and the vowel separator that Mongolian spelling needs."""
_VARIATION_SELECTORS = (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))
_SMALL_FORMS = range(0xFE50, 0xFE70)
_WIDE = range(0xFF01, 0xFF5F)
_MARKS = r"[\u0300-\u0345\u0653-\u0655\u3099\u309a]"
"""Marks that compose with the letter before them in European, Arabic and Japanese text."""


_CHANGING = (
    *(range(0x0, 0x3400), range(0xA000, 0xAC00), range(0xF900, 0x1D400)),
    *(range(0x2F800, 0x2FA20), range(0xE0000, 0xE0200)),
)
"""Where characters stand that change: all blocks but ideographs, Hangul, mathematical letters and private ones."""


def _one_form(character: str) -> str | None:
    """Return what ``character`` becomes: another, nothing (""), or None when it stays as it is."""
    category, code = unicodedata.category(character), ord(character)
    if category == "Zs" or character in _BLANKS:
        return " "
    if category in ("Cc", "Zl", "Zp") or code in _VARIATION_SELECTORS:
        return ""
    if category == "Cf" and character not in VISIBLE_FORMATS:
        return ""
    wide = code in _WIDE or code in _SMALL_FORMS
    changed = unicodedata.normalize("NFKC" if wide else "NFC", character)
    return changed if changed != character and len(changed) == 1 else None


def _tables() -> tuple[str, str, str, str]:
    """Return the arguments of ``translate``, and the pairs (letter, mark) with the letters they compose to."""
    replaced, removed, pairs, composed = {}, "", "", ""
    for character in (chr(code) for block in _CHANGING for code in block):
        is_printing = unicodedata.category(character)[0] in "LNPS" and character not in _BLANKS
        if is_printing and not unicodedata.decomposition(character):
            continue
        form = _one_form(character)
        if form:
            replaced[character] = form
        elif form == "":
            removed += character
        parts = unicodedata.decomposition(character).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            pair = "".join(chr(int(part, 16)) for part in parts)
            if unicodedata.normalize("NFC", pair) == character and unicodedata.combining(pair[0]) == 0:
                pairs, composed = pairs + pair, composed + character
    return "".join(replaced) + removed, "".join(replaced.values()), pairs, composed


_FROM, _TO, _PAIRS, _COMPOSED = _tables()
_COMMON = [i for i, c in enumerate(_FROM) if ord(c) in _WIDE or ord(c) < 0x3001 or c == "\ufeff"]
"""Places in the table of what is met every day; the engine compares a table with its last one at every row."""
_COMMON_FROM = "".join(_FROM[i] for i in sorted(_COMMON, key=lambda i: i >= len(_TO)))
_COMMON_TO = "".join(_TO[i] for i in _COMMON if i < len(_TO))
_RARE = r"[^\x20-\x7e\u00a1-\u017f\u2010-\u2026\u3001-\u3020\u4e00-\u9fff]"
"""What may need the whole table: neither Latin, nor an ideograph of the first block, nor everyday punctuation."""

IDEOGRAPHS = r"\u3400-\u4dbf\u4e00-\u9fff\x{20000}-\x{2f7ff}"
"""Ideographs, of which no form but this one is known, inside a class of characters."""
_CLEAN = rf"\A[\x21-\x7e\xb7{IDEOGRAPHS}]+\z"
"""What stays as it is: printing ASCII and ideographs, without blanks. Most values do."""


def is_clean(raw: Column) -> Column:
    """Return whether ``raw`` is printing ASCII and ideographs alone, and so stays as it is."""
    return raw.rlike(_CLEAN)


def cleaned(raw: Column) -> Column:
    """Return ``raw`` with half-width ASCII, nothing invisible and no outer blanks; '' is null.

    Cheap looks come first: at what is clean as it stands, then at what is when its brackets are, as in many names.
    """
    bracketed = F.replace(F.replace(raw, F.lit("（"), F.lit("(")), F.lit("）"), F.lit(")"))
    is_bracketed = raw.contains("（") & bracketed.rlike(_CLEAN)
    return F.when(is_clean(raw), raw).when(is_bracketed, bracketed).otherwise(_translated(raw))


def _translated(raw: Column) -> Column:
    common = F.translate(raw, _COMMON_FROM, _COMMON_TO)
    whole = F.when(common.rlike(_RARE), F.translate(common, _FROM, _TO)).otherwise(common)
    return F.nullif(F.trim(whole), F.lit(""))


def composed(text: Column) -> Column:
    """Return ``text`` with each letter and the mark behind it as one character, where there is one (NFC)."""

    def append(done: Column, character: Column) -> Column:
        last = F.right(done, F.lit(1))
        at = F.position(F.concat(last, character), F.lit(_PAIRS))
        letter = F.lit(_COMPOSED).substr(F.shiftright(at + 1, 1), F.lit(1))
        shortened = done.substr(F.lit(1), F.length(done) - 1)
        is_pair = (last != "") & (at % 2 == 1)
        return F.when(is_pair, F.concat(shortened, letter)).otherwise(F.concat(done, character))

    return F.when(text.rlike(_MARKS), F.aggregate(F.split(text, ""), F.lit(""), append)).otherwise(text)


def upper_cleaned(raw: Column) -> Column:
    """Return the clean text in capitals, as identifiers are written."""
    return F.upper(cleaned(raw))
