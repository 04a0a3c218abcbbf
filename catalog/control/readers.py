"""Who has what (已接收部门): who may read a table, and who was handed which rows.

Invariant: who was handed rows is told by receipts alone; a grant under which nobody read makes no reader.
"""

import re
from collections.abc import Collection, Iterator

from sqlalchemy import and_, exists, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from catalog.control.base import utc_now
from catalog.control.recipients import covers
from catalog.control.tables import Delivery, Recipient, ShareVersion
from catalog.model.registry import get_registry

_WITH_ROWS = ("query", "file")
"""Kinds of receipts with which rows were handed out."""


def departments_permitted(session: Session, version: ShareVersion) -> list[str]:
    """Return the departments of which a recipient may read the served version of a table now."""
    found = set()
    in_force = (Recipient.revoked_at.is_(None), Recipient.expires_at > utc_now())
    for recipient in session.scalars(select(Recipient).where(*in_force)).all():
        if session.scalar(select(exists().where(ShareVersion.id == version.id, covers(recipient.id)))):
            found.add(recipient.department)
    return sorted(found)


def departments_holding(session: Session, resource: str, column: str) -> list[str]:
    """Return the departments that were handed rows of a resource with a column, in any version of any table of it.

    Args:
        session: an open session.
        resource: a shared table, or a base library: then the tables that are cut from it count.
        column: a column of the resource.
    """
    tables = dict(_tables_with(resource, column))
    versions = session.scalars(select(ShareVersion).where(ShareVersion.resource.in_(tables)))
    numbers = [one.id for one in versions if _has(one, tables[one.resource])]
    handed = exists().where(
        _of(ShareVersion), Delivery.recipient_id == Recipient.id, Delivery.kind.in_(_WITH_ROWS)
    )  # fmt: skip
    pairs = select(Recipient.department).join(ShareVersion, ShareVersion.id.in_(numbers))
    return sorted(set(session.scalars(pairs.where(handed).distinct()))) if numbers else []


def _of(version: ShareVersion | type[ShareVersion]) -> ColumnElement[bool]:
    """Return the condition under which a receipt is for a version."""
    return and_(
        Delivery.share == version.share,
        Delivery.schema_name == version.schema_name,
        Delivery.table_name == version.table_name,
        Delivery.version == version.version,
    )


def _tables_with(resource: str, column: str) -> Iterator[tuple[str, Collection[str]]]:
    """Yield the resources that hand out a column, each with the columns in which it comes."""
    yield resource, [column]
    for contract in get_registry().all("gold"):
        cut = contract.government.curate
        if cut is not None and cut.input == resource:
            yield contract.id, [p.name for p in contract.properties if _comes_from(column, p.name, p.transform_logic)]


def _comes_from(column: str, name: str, logic: str | None) -> bool:
    """Tell whether a column of a shared table holds a column of its base library, as it is or as its logic takes it.

    >>> _comes_from("phone", "phone", None), _comes_from("phone", "has_phone", "phone IS NOT NULL")
    (True, True)
    >>> _comes_from("phone", "telephone", "home_phone")
    False
    """
    return re.search(rf"\b{re.escape(column)}\b", logic or name) is not None


def _has(version: ShareVersion, columns: Collection[str]) -> bool:
    """Tell whether a version has one of some columns; one whose columns are not on record is taken to have them."""
    on_record = version.schema_json.get("columns")
    return bool(columns) and (not on_record or not {one["name"] for one in on_record}.isdisjoint(columns))
