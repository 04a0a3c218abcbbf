"""Departments (部门): who is who."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from catalog.model.caller import Caller
from catalog.model.departments import load_departments
from catalog.service.api_idempotency import IdempotentRoute
from catalog.service.api_types import Answer
from catalog.service.identity import signed_in

router = APIRouter(prefix="/departments", tags=["departments"], route_class=IdempotentRoute)


class DepartmentAnswer(Answer):
    """A department."""

    id: str = Field(examples=["water"])
    name: str = Field(examples=["示范市水利局"])
    name_en: str
    uscc: str = Field(examples=["11510000MB001J0089"])
    role: str = Field(examples=["provider"])


class DepartmentList(Answer):
    """All departments."""

    items: list[DepartmentAnswer]


@router.get("")
def list_all(_who: Annotated[Caller, Depends(signed_in())]) -> DepartmentList:
    """List the departments of this exchange."""
    return DepartmentList(items=[DepartmentAnswer(**one.model_dump()) for one in load_departments().values()])
