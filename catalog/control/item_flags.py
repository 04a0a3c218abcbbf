"""Doubts per item (数据项存疑标识): which values of a shared table are doubted now, and under whose grant that is told.

Invariant: a flag stands from the doubt until its case closes or its department stands by the value; nobody is told of
a row or column that their grants do not cover.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from catalog.control.base import utc_now
from catalog.control.clock_tables import ClockRecord
from catalog.control.clocks import local_day
from catalog.control.closings import shown_by_row
from catalog.control.correction_tables import CorrectionCase
from catalog.control.doubts import Cover, divisions_of
from catalog.control.grant_tables import AccessGrant
from catalog.control.grant_use import reading_of
from catalog.control.recipients import readable_tables
from catalog.control.tables import Recipient, ShareVersion
from catalog.library.doubted import library_of
from catalog.model.contract import Contract
from catalog.model.correction import CORRECTED, INSUFFICIENT, RAISED, UNCORRECTED
from catalog.model.errors import ContractError
from catalog.model.registry import get_registry

DOUBTED, VERIFYING = "存疑", "正在核实"
"""What is said of a value: a doubt waits for its department, or the department looks at it and mends it."""


@dataclass(frozen=True)
class ItemFlag:
    """A doubt on one value of one row."""

    row_key: str
    column: str
    state: str
    """`DOUBTED` or `VERIFYING`."""
    since: datetime
    case_number: str
    until: date | None
    """Last day by which its department must answer or mend; none while it waits for evidence."""


@dataclass(frozen=True)
class FlagScope:
    """What one grant, or a line made by command, lets a recipient know."""

    cover: Cover
    """The rows."""
    items: frozenset[str] | None
    """The columns; None for all."""
    purpose: str
    """What it was given for."""

    def has_column(self, name: str) -> bool:
        """Tell whether a column is covered."""
        return self.items is None or name in self.items

    def has(self, flag: ItemFlag, divisions: Collection[str]) -> bool:
        """Tell whether a flag may be told, on a row of some divisions."""
        return self.has_column(flag.column) and self.cover.has(divisions)


def flags_of(session: Session, contract: Contract, columns: Collection[str]) -> list[ItemFlag]:
    """Return the doubts on some columns of a shared table, whichever row they are on, by row, column and case.

    What is doubted in the base library, or in another table cut from it, is doubted here too where the column is
    taken over as it is.
    """
    cases = (
        select(CorrectionCase, ClockRecord.due_on)
        .join(
            ClockRecord,
            and_(
                ClockRecord.kind == "correction_case",
                ClockRecord.number == CorrectionCase.number,
                ClockRecord.status == "running",
            ),
            isouter=True,
        )
        .where(CorrectionCase.state.in_([*UNCORRECTED, CORRECTED]), _shown_in(contract, columns))
        .order_by(CorrectionCase.row_key, CorrectionCase.column_name, CorrectionCase.number)
    )
    return [
        ItemFlag(
            case.row_key,
            case.column_name,
            DOUBTED if case.state in (RAISED, INSUFFICIENT) else VERIFYING,
            case.raised_at,
            case.number,
            due,
        )
        for case, due in session.execute(cases)
    ]


def _shown_in(contract: Contract, columns: Collection[str]) -> ColumnElement[bool]:
    own = and_(CorrectionCase.resource == contract.id, CorrectionCase.column_name.in_(columns))
    library = library_of(contract)
    spec = library.government.reconcile if library else None
    if library is None or spec is None or contract.key[0] != spec.entity_id:
        return own
    found, taken = [own], set(columns) & _taken_over(contract)
    found.append(and_(CorrectionCase.resource == library.id, CorrectionCase.column_name.in_(taken)))
    for other in get_registry().all("gold"):
        cut = other.government.curate
        if other.id != contract.id and cut and cut.input == library.id and other.key[0] == spec.entity_id:
            shared = CorrectionCase.column_name.in_(taken & _taken_over(other))
            found.append(and_(CorrectionCase.resource == other.id, shared))
    return or_(*found)


def _taken_over(contract: Contract) -> set[str]:
    """Return the columns that a shared table takes over from its library as they are."""
    return {p.name for p in contract.properties if p.transform_logic in (None, p.name)}


def key_of(resource: str | None) -> str | None:
    """Return the column by which the rows of a shared table are known; None where no contract says so."""
    try:
        return get_registry().get(resource).key[0] if resource else None
    except ContractError:
        return None


def flagged_tables(session: Session, recipient_id: int) -> list[ShareVersion]:
    """Return the served version of every table of whose doubts a recipient may know: one whose key it may read."""
    found = {one.id: one for one in readable_tables(session, recipient_id) if key_of(one.resource)}
    granted = select(ShareVersion).where(
        ShareVersion.status == "served",
        ShareVersion.resource.in_([grant.resource for grant in _narrower(session, recipient_id)]),
    )
    in_part = shown_by_row(session, session.scalars(granted).all())
    return list((found | {version.id: version for version in in_part}).values())


def flag_scopes(session: Session, recipient_id: int, version: ShareVersion) -> list[FlagScope]:
    """Return under which grants a recipient may know of the doubts on a version; none when it may not."""
    reading = reading_of(session, recipient_id, version)
    scopes = [FlagScope(Cover(version), None, "; ".join(reading.purposes))] if reading.is_unmetered else []
    scopes += [FlagScope(Cover(version), frozenset(grant.items), grant.purpose) for grant in reading.grants]
    narrower = [grant for grant in _narrower(session, recipient_id) if grant.resource == version.resource]
    return scopes + [
        FlagScope(Cover(version, divisions_of(one)), frozenset(one.items), one.purpose) for one in narrower
    ]


def _narrower(session: Session, recipient_id: int) -> Sequence[AccessGrant]:
    """Return the grants in force on part of a table with its key; what words limit covers no row that is known."""
    today = local_day(utc_now())
    query = (
        select(AccessGrant)
        .join(Recipient, Recipient.name == AccessGrant.recipient)
        .where(
            Recipient.id == recipient_id,
            AccessGrant.state == "active",
            AccessGrant.is_narrower,
            AccessGrant.mode == "table",
            AccessGrant.valid_from <= today,
            AccessGrant.valid_to >= today,
        )
        .order_by(AccessGrant.number)
    )
    found = [grant for grant in session.scalars(query) if not grant.row_scope.get("condition")]
    return [grant for grant in found if key_of(grant.resource) in grant.items]
