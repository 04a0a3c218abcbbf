"""The words by which names are compared (关联词表): variant characters, organisational forms, industry words.

They are data: ``catalog/linkage/vocabulary/*.csv``, each line with the text it rests on.
"""

from __future__ import annotations

import csv
import unicodedata
from functools import cache, lru_cache

from catalog.model.errors import ContractError
from catalog.model.settings import CHECKOUT

VOCABULARY = CHECKOUT / "catalog" / "linkage" / "vocabulary"


@cache
def word_list(name: str) -> dict[str, str]:
    """Return the first column → the second of ``vocabulary/<name>.csv``.

    Raises:
        ContractError: when there is no such list, or a word stands in it twice.
    """
    path = VOCABULARY / f"{name}.csv"
    if not path.is_file():
        raise ContractError(f"there is no word list {name!r}", place=str(path))
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    words = {row[0]: row[1] for row in rows}
    if len(words) != len(rows):
        raise ContractError(f"the word list {name!r} holds a word twice", place=str(path))
    return words


@cache
def _translation() -> dict[int, str]:
    return str.maketrans(word_list("variant_character"))


def plain_text(text: str | None) -> str:
    """Return ``text`` in half width and capitals, without blanks.

    >>> plain_text("示範　張 三（Ａ）")
    '示範張三(A)'
    """
    return "".join(unicodedata.normalize("NFKC", text or "").upper().split())


@lru_cache(maxsize=4096)
def fold_text(text: str | None) -> str:
    """Return ``text`` for comparison: plain, and variant characters in their standard form.

    >>> fold_text("示範　張 三（Ａ）")
    '示范张三(A)'
    """
    return plain_text(text).translate(_translation())
