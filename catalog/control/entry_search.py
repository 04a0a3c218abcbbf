"""Search of the published catalogue (目录检索): words in Chinese and pinyin, provider, division, element.

PostgreSQL holds the words as text-search vectors of the project's own cutting, because its wheel has no dictionary and
no trigrams for Chinese; an entry whose name has all words comes before one that has them in its items.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Text, cast, delete, func, literal, select, text
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY, insert
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from catalog.control.entry_tables import CatalogueEntry, EntryWords
from catalog.model.catalogue_entry import Entry
from catalog.model.departments import load_departments
from catalog.model.search_words import query_alternatives, words_of

_BY_INDEX = text("SET LOCAL enable_seqscan = off")
"""The planner takes comparing a vector for cheap and does not count that each lies out of line: over 10,000 entries it
reads and unpacks all of them, for a word that none has too, where the index answers without looking at one."""


@dataclass(frozen=True)
class Found:
    """One page of answers."""

    entries: Sequence[EntryWords]
    total: int
    """Entries found in all."""


def index_entry(session: Session, record: CatalogueEntry, entry: Entry) -> None:
    """Make a published entry findable."""
    values = entry_words(record.number, entry)
    statement = insert(EntryWords).values(values)
    session.execute(statement.on_conflict_do_update(index_elements=["number"], set_=values))


def entry_words(number: str, entry: Entry) -> dict[str, Any]:
    """Return the row by which an entry is found."""
    department = load_departments().get(entry.provider)
    title = words_of([entry.name])
    rest = words_of(
        [
            entry.abstract,
            entry.code,
            entry.resource or "",
            entry.provider,
            department.name if department else "",
            *(part for item in entry.items for part in (item.business_name, item.name, item.element or "")),
        ]
    )
    return {
        "number": number,
        "code": entry.code,
        "name": entry.name,
        "provider": entry.provider,
        "division": entry.division,
        "share_type": entry.share_type,
        "item_count": len(entry.items),
        "elements": sorted({item.element for item in entry.items if item.element}),
        "title": _vector(title),
        "words": _vector([*title, *rest]),
    }


def unindex_entry(session: Session, number: str) -> None:
    """Take an entry out of the search."""
    session.execute(delete(EntryWords).where(EntryWords.number == number))


def search_entries(
    session: Session,
    query: str = "",
    *,
    provider: str | None = None,
    division: str | None = None,
    element: str | None = None,
    share_type: str | None = None,
    limit: int = 20,
    offset: int = 0,
) -> Found:
    """Return the published entries that have all words of a query, those with the words in their name first.

    Args:
        session: An open transaction.
        query: Chinese, pinyin, initials, or words of names and codes; parts separated by blanks must all hold.
        provider: Only of this department.
        division: Only of this division or what lies in it (a code of six digits, trailing zeros open).
        element: Only with this data element.
        share_type: Only of this share type.
        limit: Entries a page.
        offset: Entries to leave out.
    """
    conditions: list[ColumnElement[bool]] = []
    order: list[ColumnElement[bool] | ColumnElement[str]] = [EntryWords.code]  # type: ignore[list-item]
    asked = _tsquery(query)
    if asked is not None:
        conditions.append(EntryWords.words.op("@@")(asked))
        order.insert(0, EntryWords.title.op("@@")(asked).desc())
    elif query.strip():
        return Found([], 0)
    for column, wanted in (("provider", provider), ("share_type", share_type)):
        if wanted is not None:
            conditions.append(getattr(EntryWords, column) == wanted)
    if division is not None:
        conditions.append(EntryWords.division.startswith(_open_division(division), autoescape=True))
    if element is not None:
        conditions.append(EntryWords.elements.contains(cast([element], ARRAY(Text))))
    session.execute(_BY_INDEX)
    total = session.scalar(select(func.count()).select_from(EntryWords).where(*conditions)) or 0
    rows = session.scalars(select(EntryWords).where(*conditions).order_by(*order).limit(limit).offset(offset)).all()
    return Found(rows, total)


def _vector(words: Sequence[str]) -> ColumnElement[object]:
    return func.array_to_tsvector(cast(list(dict.fromkeys(words)), ARRAY(Text)))


def _tsquery(query: str) -> ColumnElement[object] | None:
    """Return the text-search query; words hold letters, digits and marks only, so that none can be an operator."""
    parts = query_alternatives(query)
    if not parts:
        return None
    clauses = [" | ".join("(" + " & ".join(f"'{word}'" for word in words) + ")" for words in part) for part in parts]
    return cast(literal(" & ".join(f"({clause})" for clause in clauses)), TSQUERY)


def _open_division(code: str) -> str:
    """Return the leading digits that a division shares with what lies in it.

    >>> _open_division("510000"), _open_division("510100"), _open_division("510104")
    ('51', '5101', '510104')
    """
    stripped = code.rstrip("0")
    return code[: len(stripped) + len(stripped) % 2]
