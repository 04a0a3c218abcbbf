"""A small contract made in code, for tests of extract."""

from __future__ import annotations

from typing import Any

COLUMNS = {"uscc": "统一社会信用代码", "shop_name": "店铺名称", "opened_date": "开业日期"}


def contract_document(
    source: dict[str, Any], name: str = "shop", columns: dict[str, str] | None = None
) -> dict[str, Any]:
    """Return a contract as it would stand in its file; the first column is the key."""
    columns = columns or COLUMNS
    properties = [{"name": c, "businessName": chinese} for c, chinese in columns.items()]
    properties[0]["primaryKey"] = True
    return {
        "apiVersion": "v3.0.2",
        "kind": "DataContract",
        "id": f"licence.{name}",
        "name": name,
        "version": "1.0.0",
        "status": "active",
        "domain": "licence",
        "description": {"purpose": "A test."},
        "schema": [{"name": name, "businessName": "测试", "properties": properties}],
        "government": {
            "layer": "silver",
            "department": "transport",
            "resource_code": "306001/9",
            "source": source,
            "items": {c: {"from": [chinese]} for c, chinese in columns.items()},
        },
    }


def file_source(**more: Any) -> dict[str, Any]:
    return {"kind": "file", "server": "transport", "format": "csv", "encoding": "utf-8", "key": ["uscc"], **more}
