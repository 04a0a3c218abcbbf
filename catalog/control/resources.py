"""The register of resources (资源登记): which version of which contract is in force."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from catalog.control.base import utc_now
from catalog.control.tables import Resource


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


def registered_resources(session: Session) -> list[Resource]:
    """Return all registered resources by id."""
    return list(session.scalars(select(Resource).order_by(Resource.id)))
