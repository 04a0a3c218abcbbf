"""The peer of `catalogue-readers`: FastAPI and PostgreSQL with one query and nothing else.

`python -m tests.benchmarks.bare_catalogue PORT` serves GET /resources from CONTROL_URL: no caller, no requirement, no
numbering, no headers, no access line.
"""

import os
import sys

import uvicorn
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from sqlalchemy import create_engine, text

app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
engine = create_engine(os.environ["CONTROL_URL"], pool_size=5, max_overflow=10)

QUERY = text(
    "SELECT e.document, v.share, v.schema_name, v.table_name, v.version, v.published_at "
    "FROM bare_entry e LEFT JOIN share_version v ON v.resource = e.id AND v.status = 'served' "
    "ORDER BY e.id LIMIT :limit"
)


@app.get("/resources")
def resources(limit: int = 100) -> JSONResponse:
    """Answer the same entries as ours."""
    with engine.begin() as connection:
        rows = connection.execute(QUERY, {"limit": limit}).all()
    return JSONResponse({"items": [entry(row) for row in rows]})


def entry(row):
    """Return one entry with the version now served."""
    if row.share is None:
        return row.document
    served = {"share": row.share, "schema": row.schema_name, "table": row.table_name, "version": row.version,
              "publishedAt": row.published_at.isoformat()}  # fmt: skip
    return {**row.document, "served": served}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_config=None, access_log=False)
