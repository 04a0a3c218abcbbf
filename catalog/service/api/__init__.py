"""The interface below `/api/v1` (接口): one module a noun, each with a `router`, found and mounted by itself."""

import importlib
import pkgutil
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from catalog.service.api_idempotency import IdempotentRoute
from catalog.service.api_problems import MEDIA_TYPE
from catalog.service.identity import requirement_of

PREFIX = "/api/v1"

MOST_ASKED = ("resources", "catalogue")
"""Mounted first: the address of a request is compared with one route after the other."""

_PROBLEM: dict[str, Any] = {
    "description": "Refused (RFC 9457); `code` is stable, title and detail follow Accept-Language (zh, en)",
    "content": {
        MEDIA_TYPE: {
            "schema": {
                "type": "object",
                "required": ["type", "title", "status", "detail", "code"],
                "properties": {
                    "type": {"type": "string"},
                    "title": {"type": "string"},
                    "status": {"type": "integer"},
                    "detail": {"type": "string"},
                    "code": {"type": "string"},
                    "request_id": {"type": "string"},
                },
            },
            "example": {
                "type": "urn:guantong:problem:role-missing",
                "title": "没有相应角色",
                "status": 403,
                "detail": "此操作需要以下角色之一：auditor。",
                "code": "ROLE_MISSING",
                "request_id": "0f8fad5bd9cb469fa16570867728950e",
            },
        }
    },
}


def mount(app: FastAPI) -> None:
    """Mount the router of every module of this folder: those most asked for, then the others in order of name."""
    names = sorted((module.name for module in pkgutil.iter_modules(__path__)), key=lambda n: (n not in MOST_ASKED, n))
    for name in names:
        router: APIRouter = importlib.import_module(f"{__name__}.{name}").router
        for route in router.routes:
            if isinstance(route, APIRoute) and "POST" in route.methods and not isinstance(route, IdempotentRoute):
                raise TypeError(f"{name}: make the router with route_class=IdempotentRoute")
        app.include_router(router, prefix=PREFIX, responses={"default": _PROBLEM})


def describe_requirements(app: FastAPI) -> None:
    """Write every endpoint's requirement into the OpenAPI document, under `x-requires`."""
    for route in app.routes:
        if isinstance(route, APIRoute) and (requirement := requirement_of(route)) is not None:
            route.openapi_extra = {**(route.openapi_extra or {}), "x-requires": requirement.described()}
