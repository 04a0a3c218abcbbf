"""Why a published version is not read (版本停止提供的原因): one answer for every way out, in words.

A version is closed that was withdrawn, that ended, that holds rows taken back, or whose contract shares nothing any
more, whoever was granted it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog.control.base import utc_now
from catalog.control.kept_back import contract_of
from catalog.control.tables import Resource, ShareVersion
from catalog.control.version_ends import table_name_of
from catalog.control.withdrawal_tables import WithdrawalRecord, WithdrawnVersion
from catalog.model.contract import Contract
from catalog.model.contract_problem import InvalidContractError
from catalog.model.registry import get_registry


@dataclass(frozen=True)
class Closing:
    """Why a version is not read."""

    code: str
    reason: str
    """In English, with the Chinese words that officers know."""
    is_for_rows_too: bool = True
    """Whether single rows of it are not read either."""


def closings_of(session: Session, versions: Collection[ShareVersion]) -> Mapping[int, Closing]:
    """Return which of some versions are not read now, by their id, and why."""
    if not versions:
        return {}
    with_rows = _with_rows_taken_back(session, [version.id for version in versions])
    lost = _lost_contracts(session, {version.resource for version in versions})
    found = {}
    for version in versions:
        closing = _closing(version, with_rows.get(version.id), version.resource in lost)
        if closing is not None:
            found[version.id] = closing
    return found


def shown_by_row(session: Session, versions: Collection[ShareVersion]) -> list[ShareVersion]:
    """Return those of some versions of which single rows may be asked for now, in their order."""
    closed = closings_of(session, versions)
    return [one for one in versions if one.id not in closed or not closed[one.id].is_for_rows_too]


def closing_of(session: Session, version: ShareVersion) -> Closing | None:
    """Return why a version is not read now; None when it is."""
    return closings_of(session, [version]).get(version.id)


def _closing(version: ShareVersion, withdrawal: str | None, is_lost: bool) -> Closing | None:
    name = f"version {version.version} of {table_name_of(version)}"
    if version.status == "withdrawn":
        return Closing("VERSION_WITHDRAWN", f"{name} was withdrawn by its provider (该版本已撤回)")
    if contract := _not_shared(version.resource, is_lost):
        return contract
    if version.ends_at is not None and version.ends_at <= utc_now():
        why = version.ended_because or f"it was superseded on {version.superseded_at:%Y-%m-%d}, and its time is over"
        return Closing("VERSION_ENDED", f"{name} has ended (该版本已终止): {why}")
    if withdrawal is not None:
        why = f"rows of it were taken back by {withdrawal} (含已撤回的数据行); single rows may still be asked for"
        return Closing("ROWS_WITHDRAWN", f"{name} is not read as a whole: {why}", is_for_rows_too=False)
    return None


def _not_shared(resource: str, is_lost: bool) -> Closing | None:
    try:
        contract: Contract | None = contract_of(resource)
    except InvalidContractError:
        why = f"the contract of {resource} cannot be used until it is mended (数据契约有误)"
        return Closing("CONTRACT_INVALID", why)
    if is_lost:
        return Closing("CONTRACT_RETIRED", f"{resource} has no contract any more (资源已下线)")
    if contract is None:
        return None
    share = contract.government.share
    if contract.status == "retired":
        return Closing("CONTRACT_RETIRED", f"the contract of {resource} is retired (资源已停用)")
    if share is None or share.type == "refused":
        law = share.legal_citation if share else "it is no shared table"
        return Closing("CONTRACT_REFUSED", f"{resource} is not shared (不予共享): {law}")
    return None


def _lost_contracts(session: Session, resources: Collection[str]) -> set[str]:
    """Return which resources were registered by what published them, and have no contract today."""
    without = [resource for resource in resources if not get_registry().has(resource)]
    return set(session.scalars(select(Resource.id).where(Resource.id.in_(without)))) if without else set()


def _with_rows_taken_back(session: Session, versions: Collection[int]) -> dict[int, str]:
    """Return version → a withdrawal of rows that it holds."""
    rows = session.execute(
        select(WithdrawnVersion.share_version_id, WithdrawalRecord.number)
        .join(WithdrawalRecord, WithdrawalRecord.number == WithdrawnVersion.withdrawal)
        .where(WithdrawnVersion.share_version_id.in_(versions), WithdrawalRecord.kind == "rows")
        .order_by(WithdrawalRecord.number.desc())
    )
    return {row.share_version_id: row.number for row in rows}
