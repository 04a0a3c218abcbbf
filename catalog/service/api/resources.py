"""The catalogue over HTTP (目录接口): every resource in force, visible to every department's system."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from catalog.control.shares import list_share_versions
from catalog.control.tables import ShareVersion
from catalog.model.contract import Contract
from catalog.model.element import Element
from catalog.model.exchange_types import exchange_type
from catalog.model.registry import get_registry
from catalog.service.access import Database
from catalog.service.identity import Caller, signed_in

router = APIRouter(tags=["catalogue"])


@router.get("/resources")
def list_resources(session: Database, _who: Annotated[Caller, Depends(signed_in())]) -> dict[str, Any]:
    """List the contracts in force with their items and, for shared ones, the version now served."""
    served = {version.resource: version for version in list_share_versions(session, served_only=True)}
    contracts = [contract for contract in get_registry().all() if contract.status == "active"]
    return {"items": [describe(contract, served.get(contract.id)) for contract in contracts]}


def describe(contract: Contract, served: ShareVersion | None) -> dict[str, Any]:
    """Return one catalogue entry."""
    government = contract.government
    elements = get_registry().elements_of(contract)
    entry: dict[str, Any] = {
        "id": contract.id,
        "version": contract.version,
        "businessName": contract.table.business_name,
        "purpose": contract.description.purpose,
        "layer": government.layer,
        "department": government.department,
        "resourceCode": government.resource_code,
        "updateCycle": government.update_cycle,
        "properties": [
            {
                "name": item.name,
                "businessName": item.business_name,
                "logicalType": item.logical_type,
                "classification": item.classification,
                **(_catalogued(elements[item.name]) if item.name in elements else {}),
            }
            for item in contract.properties
        ],
    }
    if government.share is not None:
        entry["share"] = government.share.model_dump(mode="json")
    if served is not None:
        entry["served"] = {
            "share": served.share,
            "schema": served.schema_name,
            "table": served.table_name,
            "version": served.version,
            "publishedAt": served.published_at.isoformat(),
        }
    return entry


def _catalogued(element: Element) -> dict[str, Any]:
    """Return an item's data element with the data type and length it has in the catalogue (发改高技〔2017〕1272号)."""
    kind = exchange_type(element)
    return {"element": element.id, "dataType": kind.letter, "length": kind.length, "decimals": kind.decimals}
