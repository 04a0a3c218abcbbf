"""The register of resources (资源登记): which version of which contract is in force."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from catalog.control.base import utc_now
from catalog.control.tables import Resource
from catalog.model.errors import ContractError
from catalog.model.registry import get_registry


def register_resource(
    session: Session,
    *,
    resource: str,
    version: str,
    contract_sha256: str,
    layer: str,
    department: str,
    status: str,
) -> None:
    """Record the contract of a resource as it stands now."""
    values = {
        "id": resource,
        "version": version,
        "contract_sha256": contract_sha256,
        "layer": layer,
        "department": department,
        "status": status,
        "updated_at": utc_now(),
    }
    statement = insert(Resource).values(values)
    changed = {name: statement.excluded[name] for name in values if name != "id"}
    session.execute(statement.on_conflict_do_update(index_elements=["id"], set_=changed))


def provider_of(session: Session, resource: str, published_with: Mapping[str, Any] | None = None) -> str | None:
    """Return the department whose resource it is: by the register of the catalogue, as it was published, by contract.

    Args:
        session: an open session.
        resource: ``domain.resource``.
        published_with: what a version of its table was published with, if one is asked about.
    """
    registered = session.scalar(select(Resource.department).where(Resource.id == resource))
    return registered or (published_with or {}).get("department") or _by_contract(resource)


def _by_contract(resource: str) -> str | None:
    try:
        return get_registry().get(resource).government.department
    except ContractError:
        return None


def registered_resources(session: Session) -> list[Resource]:
    """Return all registered resources by id."""
    return list(session.scalars(select(Resource).order_by(Resource.id)))
