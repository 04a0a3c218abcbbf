"""By what a person is known wherever data lies (个人标记)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from catalog.control.identities import redirects_of
from catalog.control.session import session_scope
from catalog.library.statements import NoStatementsError, read_versions
from catalog.model.authority import reconcile_of
from catalog.model.entity_ids import entity_id_of
from catalog.model.errors import GuantongError
from catalog.model.ids.citizen_id import parse_citizen_id
from catalog.model.registry import get_registry
from catalog.model.settings import get_settings

KEY, NAMES = "citizen_id", ("name", "former_name")
_WIDE = {ord("0") + n: ord("０") + n for n in range(10)} | {ord("X"): ord("Ｘ")}


class NotAPersonError(GuantongError):
    """What is searched for is no citizen number (不是公民身份号码)."""

    code = "CITIZEN_ID_INVALID"


@dataclass(frozen=True)
class Marks:
    """What tells a person; none of it may be shown or logged."""

    number: str
    """18 characters."""
    numbers: tuple[str, ...]
    """Every way in which the number may be written."""
    entity_ids: tuple[str, ...]
    """Of the base libraries whose key the number is, and those that were merged with it."""
    names: tuple[str, ...]
    birth_dates: tuple[str, ...]
    """Every way in which the date may be written; with a name in the same row it tells the person too."""


def marks_of(number: str, names: Iterable[str] = ()) -> Marks:
    """Return by what a person is known, with every name that any source gave to the number.

    Args:
        number: citizen number of 18 characters or 15 digits.
        names: further names, of somebody whom no base library knows.

    Raises:
        NotAPersonError: it is none.
    """
    try:
        parts = parse_citizen_id(number.strip().upper())
    except ValueError as error:
        raise NotAPersonError(
            f"this is no citizen number: {error}", remedy="give 18 characters or 15 digits; - reads from standard input"
        ) from error
    known, entity_ids = {name.strip() for name in names} - {""}, set[str]()
    for library in get_registry().all():
        if library.government.reconcile is None or reconcile_of(library).key != KEY:
            continue
        own = entity_id_of(library.id, parts.number, get_settings().require("identity_key"))
        with session_scope() as session:
            onward = redirects_of(session, library.id)
        entity_ids |= {own, onward.get(own, own)} | {gone for gone, stays in onward.items() if stays == own}
        try:
            versions = [v for found in read_versions(library, [own]).values() for v in found]
        except NoStatementsError:
            continue
        said = [version.said[name] for version in versions for name in NAMES if name in version.said]
        known |= {text for one in said for text in (one.value, one.original) if text}
    return Marks(
        parts.number, written_numbers(parts.number), tuple(sorted(entity_ids)), tuple(sorted(known)),
        written_dates(parts.birth_date),
    )  # fmt: skip


def written_numbers(number: str) -> tuple[str, ...]:
    """Return the ways in which a number is written: 15 digits, small x, in groups, in full width.

    >>> written_numbers("11010519491231002X")[:4]
    ('11010519491231002X', '11010519491231002x', '110105491231002', '110105 19491231 002X')
    """
    grouped = [sign.join((number[:6], number[6:14], number[14:])) for sign in (" ", "-")]
    old = [number[:6] + number[8:17]] if number[6:8] == "19" else []
    written = [number, number.lower(), *old, *grouped, *[text.translate(_WIDE) for text in (number, *old)]]
    return tuple(dict.fromkeys(written))


def written_dates(day: date) -> tuple[str, ...]:
    """Return the ways in which a date is written.

    >>> written_dates(date(1949, 2, 1))
    ('1949-02-01', '19490201', '1949/02/01', '1949/2/1', '1949.02.01', '1949.2.1', '1949年2月1日', '1949年02月01日')
    """
    written = [f"{day:%Y-%m-%d}", f"{day:%Y%m%d}"]
    written += [f"{day:%Y}{sign}{m}{sign}{d}" for sign in "/." for m, d in (_two(day), (day.month, day.day))]
    written += [f"{day.year}年{day.month}月{day.day}日", f"{day:%Y年%m月%d日}"]
    return tuple(dict.fromkeys(written))


def _two(day: date) -> tuple[str, str]:
    return f"{day:%m}", f"{day:%d}"
