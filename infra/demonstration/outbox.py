"""Puts files and their receipts where departments drop them (文件交换目录)."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Sequence
from pathlib import Path

from infra.demonstration.business_day import BusinessDay
from infra.demonstration.licences import FileDelivery
from infra.demonstration.workbook import render_workbook


def outbox_path(address: str) -> Path:
    """Return the folder of a ``file:`` address.

    >>> outbox_path("file:/srv/outbox").as_posix(), outbox_path("file:///srv/outbox").as_posix()
    ('/srv/outbox', '/srv/outbox')
    """
    return Path(re.sub(r"\Afile:(//)?", "", address))


def drop_file(folder: Path, delivery: FileDelivery, day: BusinessDay) -> Path:
    """Write one delivery and its receipt ``<file>.receipt.json`` into ``folder``; the file appears last, whole."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / delivery.name
    content = (folder / delivery.copy_of).read_bytes() if delivery.copy_of else render_delivery(delivery, day)
    receipt = {
        "file": delivery.name,
        "rows": delivery.declared,
        "sha256": hashlib.sha256(content).hexdigest(),
        "sent_at": f"{day.date.isoformat()}T06:00:00+08:00",
        "department": delivery.kind.department.name,
    }
    text = json.dumps(receipt, ensure_ascii=False, indent=2) + "\n"
    _write(folder / f"{delivery.name}.receipt.json", text.encode("utf-8"))
    _write(path, content)
    return path


def render_delivery(delivery: FileDelivery, day: BusinessDay) -> bytes:
    """Return the bytes of a delivery in its department's format and encoding."""
    kind, header = delivery.kind, list(delivery.rows.columns)
    rows = list(delivery.rows.itertuples(index=False, name=None))
    if kind.file_format == "xlsx":
        title = f"{kind.title}清单"
        note = f"填报单位：{kind.department.name}    报送日期：{day.date.year}年{day.date.month}月{day.date.day}日"
        return render_workbook(title, note, header, rows, day.date)
    return _render_csv(header, rows).encode(kind.encoding, errors="strict")


def _render_csv(header: Sequence[str], rows: Sequence[tuple[object, ...]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()


def _write(path: Path, content: bytes) -> None:
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(content)
    partial.replace(path)
