"""Who may doubt a value (校核资格): a department that was given its table and column, or has an open case on it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog.control.base import utc_now
from catalog.control.clocks import local_day
from catalog.control.closings import shown_by_row
from catalog.control.correction_tables import CorrectionCase
from catalog.control.grant_tables import AccessGrant
from catalog.control.grant_use import reading_of
from catalog.control.recipients import is_active
from catalog.control.tables import Recipient, ShareVersion
from catalog.model.contract import Contract
from catalog.model.correction import CLOSED
from catalog.model.division_history import codes_within


@dataclass(frozen=True)
class Cover:
    """A served version in whose rows a department may doubt a column."""

    version: ShareVersion
    divisions: frozenset[str] | None = None
    """Only rows of these divisions; None for all rows."""

    def has(self, codes: Collection[str]) -> bool:
        """Tell whether a row of some division codes is covered; one without a code lies in no division."""
        return self.divisions is None or lies_within(codes, self.divisions)


def covers_of(session: Session, department: str, contract: Contract, row_key: str, column: str) -> list[Cover]:
    """Return the served versions in which a department may doubt a column of a row; none when it may not at all.

    A department may where the table is its own, where a recipient of its reads the column, where a grant in force has
    the column (narrower than the table too, though not by words), and where it has an open case on the value.
    """
    served = _served(session, contract.id)
    if not served:
        return []
    is_own = contract.government.department == department
    if is_own or _has_open_case(session, department, contract.id, row_key, column):
        return [Cover(version) for version in served]
    recipients = session.scalars(select(Recipient).where(Recipient.department == department)).all()
    readers = [recipient.id for recipient in recipients if is_active(recipient)]
    read = [version for version in served if any(_reads(session, one, version, column) for one in readers)]
    scopes = [divisions_of(grant) for grant in _grants(session, department, contract.id, column)]
    return [Cover(version) for version in read] + [Cover(version, scope) for version in served for scope in scopes]


def _served(session: Session, resource: str) -> list[ShareVersion]:
    """Return the served versions of a resource of which single rows may be asked for."""
    found = session.scalars(
        select(ShareVersion).where(ShareVersion.resource == resource, ShareVersion.status == "served")
    ).all()
    return shown_by_row(session, found)


def _reads(session: Session, recipient_id: int, version: ShareVersion, column: str) -> bool:
    items = reading_of(session, recipient_id, version).items
    return items is None or column in items


def _grants(session: Session, department: str, resource: str, column: str) -> Sequence[AccessGrant]:
    """Return the grants in force on a column; one that a condition in words limits covers no row that is known."""
    today = local_day(utc_now())
    found = session.scalars(
        select(AccessGrant).where(
            AccessGrant.department == department,
            AccessGrant.resource == resource,
            AccessGrant.state == "active",
            AccessGrant.valid_from <= today,
            AccessGrant.valid_to >= today,
            AccessGrant.items.contains([column]),
        )
    )
    return [grant for grant in found if not grant.row_scope.get("condition")]


def divisions_of(grant: AccessGrant) -> frozenset[str] | None:
    """Return the divisions to whose rows a grant is limited; None for all rows."""
    return frozenset(grant.row_scope.get("divisions", ())) or None


def _has_open_case(session: Session, department: str, resource: str, row_key: str, column: str) -> bool:
    return (
        session.scalars(
            select(CorrectionCase.number).where(
                CorrectionCase.resource == resource,
                CorrectionCase.row_key == row_key,
                CorrectionCase.column_name == column,
                CorrectionCase.raising_department == department,
                CorrectionCase.state != CLOSED,
            )
        ).first()
        is not None
    )


def lies_within(codes: Collection[str], divisions: Collection[str]) -> bool:
    """Tell whether a row of some division codes lies in one of some divisions."""
    return any(_lies_in(code, division) for code in codes for division in divisions)


def _lies_in(code: str, division: str) -> bool:
    """Tell whether a division code is one of a division, below it, or of a place that went into it.

    >>> _lies_in("510104", "510100"), _lies_in("510104", "510105"), _lies_in("110103", "110101")
    (True, False, True)
    """
    stem = division.rstrip("0")
    stem += "0" * (len(stem) % 2)
    return code.startswith(stem) or code in codes_within(division)
