"""The description of the interface (接口说明): OpenAPI 3.1, with each endpoint's requirement under `x-requires`."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from catalog.model.caller import Caller
from catalog.service.api_idempotency import IdempotentRoute
from catalog.service.identity import signed_in

router = APIRouter(tags=["description"], route_class=IdempotentRoute)


@router.get("/openapi.json")
def describe(request: Request, _who: Annotated[Caller, Depends(signed_in())]) -> dict[str, Any]:
    """Describe every endpoint of the service."""
    document: dict[str, Any] = request.app.openapi()
    return document
