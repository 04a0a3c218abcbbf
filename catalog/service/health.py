"""Whether the service can work (健康检查); says nothing a stranger should not know."""

from fastapi import APIRouter
from sqlalchemy import text

from catalog.service.access import Database

router = APIRouter()


@router.get("/health")
def health(session: Database) -> dict[str, str]:
    """Answer ok when the database answers; otherwise the request ends as 503."""
    session.execute(text("SELECT 1"))
    return {"status": "ok", "database": "reachable"}
