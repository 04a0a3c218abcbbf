"""Licences of a holder and licences about to expire (持证查询), with validity computed when read."""

from __future__ import annotations

from datetime import date, timedelta

from catalog.library.finding import Entity, entities_between, entities_with
from catalog.model.licence_validity import Judged, Licence, judge
from catalog.model.registry import get_registry

LIBRARY = "licence.licence"


def licences_of(holder_code: str, day: date) -> list[Judged]:
    """Return every licence of a holder with its validity on ``day``, the live ones first; one query.

    Args:
        holder_code: citizen number or unified social credit code.
        day: the day of use.
    """
    found = entities_with(get_registry().get(LIBRARY), "holder_code", [holder_code])
    judged = judge([_licence(entity) for entity in found], day)
    return sorted(judged, key=lambda j: (j.validity != "valid", j.licence.type_code, j.licence.licence_id))


def live_licences_of(holder_code: str, day: date) -> list[Licence]:
    """Return the licences that a holder may rely on ``day``."""
    return [judged.licence for judged in licences_of(holder_code, day) if judged.validity == "valid"]


def expiring(day: date, within: int) -> list[Licence]:
    """Return the licences valid on ``day`` that end within so many days, the first to end first.

    A licence that a later one has superseded is no longer anybody's concern.

    Args:
        day: the day of asking.
        within: days; 0 are those whose last day it is.
    """
    library, last = get_registry().get(LIBRARY), day + timedelta(days=within)
    ending = [_licence(e) for e in entities_between(library, "valid_to_date", day.isoformat(), last.isoformat())]
    holders = {licence.holder_code for licence in ending}
    theirs = [_licence(entity) for entity in entities_with(library, "holder_code", holders)] if holders else []
    live = {j.licence.licence_id for j in judge(theirs, day) if j.validity == "valid"}
    return sorted(
        (licence for licence in ending if licence.licence_id in live),
        key=lambda licence: (licence.valid_to_date or date.max, licence.licence_id),
    )


def _licence(entity: Entity) -> Licence:
    values = entity.values

    def day_of(column: str) -> date | None:
        text = values[column]
        return date.fromisoformat(text) if text else None

    return Licence(
        licence_id=entity.entity_key,
        type_code=values["licence_type_code"] or "",
        licence_no=values["licence_no"] or "",
        holder_code=values["holder_code"] or "",
        status_code=values["status_code"],
        issued_date=day_of("issued_date"),
        valid_from_date=day_of("valid_from_date"),
        valid_to_date=day_of("valid_to_date"),
    )
