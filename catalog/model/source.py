"""Where a resource comes from (数据源): database table, change feed, file drop or paged interface."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class _SourceBase(BaseModel):
    """What every kind of source has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    server: str = Field(pattern=r"\A[a-z][a-z0-9_]*\z")
    """Source system; its address is the setting ``SOURCE_<SERVER>``."""
    key: list[str] = Field(min_length=1)
    """Contract columns that identify a record in the source: its own record number, or a document's number."""
    changed_at: str | None = None
    """Source column (databases, interfaces) with the time of the row's last change."""


class _DatabaseSource(_SourceBase):
    """A table of the department's database, read by JDBC in parallel."""

    table: str = Field(pattern=r"\A[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?\z")
    partition_column: str | None = None
    """Numeric column by which parallel reads are cut."""
    partitions: int = Field(default=1, ge=1, le=64)


class FeedSource(_DatabaseSource):
    """An exchange front-end table (前置库) with operation, time and batch on every row."""

    kind: Literal["feed"]
    cursor: str
    """Rising column: identity of the feed row."""
    operation: str = "cd_operation"
    changed_at: str = "cd_time"
    batch: str = "cd_batch"


class WatermarkSource(_DatabaseSource):
    """A live table read by the time of the last change."""

    kind: Literal["watermark"]
    changed_at: str = "updated_at"
    overlap_seconds: int = Field(default=600, ge=0)
    """How far before the last cursor to read again, for transactions committed late."""
    detect_deletes: bool = True
    """Whether keys gone from the table become deletions."""


class FullSource(_DatabaseSource):
    """A table read whole each time; keys gone become deletions."""

    kind: Literal["full"]
    detect_deletes: bool = True


class FileSource(_SourceBase):
    """Files that a department drops into a folder."""

    kind: Literal["file"]
    pattern: str = "*"
    """Glob of file names below the server's folder."""
    format: Literal["csv", "xlsx", "xls", "json"]
    encoding: Literal["utf-8", "gb18030"] = "gb18030"
    receipt: Literal["required", "optional"] = "optional"
    """Whether ``<file>.receipt.json`` with the declared row count must come along."""
    unknown_columns: Literal["hold", "note"] = "hold"
    """Whether a column that the contract does not know holds the delivery, or is noted and left in landing."""
    section_column: str | None = None
    """Contract column filled from section rows of a workbook (a row with only its first cell filled)."""
    archive_member: str | None = None
    """Glob of members, when the files are tar archives; each member is a delivery of its own."""
    records_path: str | None = None
    """Dotted path to the list of records inside a JSON document; absent: the document is the list."""
    header_required: bool = True
    constants: dict[str, str] = Field(default_factory=dict)
    """Contract columns filled with a value that the file does not carry."""


class RestSource(_SourceBase):
    """A paged interface answering ``{total, items}``."""

    kind: Literal["rest"]
    path: str = Field(pattern=r"\A/[a-z0-9/_-]+\z")
    page_size: int = Field(default=1000, ge=1, le=10000)
    since_parameter: str | None = None
    """Query parameter for changes since the last cursor; absent: the whole list each time."""


Source = Annotated[FeedSource | WatermarkSource | FullSource | FileSource | RestSource, Field(discriminator="kind")]
DatabaseSource = FeedSource | WatermarkSource | FullSource
