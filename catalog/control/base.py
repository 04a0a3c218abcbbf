"""What every control-plane table shares: constraint names, column types, the clock."""

from datetime import UTC, datetime
from typing import Annotated, Any

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Identity, MetaData, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column

Serial = Annotated[int, mapped_column(BigInteger, Identity(always=True), primary_key=True)]
"""A number the database hands out."""

Instant = Annotated[datetime, mapped_column(DateTime(timezone=True))]
"""A moment with its zone; kept in UTC."""

Recorded = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=func.now())]
"""A moment that the database fills in by itself."""

Json = Annotated[dict[str, Any], mapped_column(JSONB)]
"""A small document, searchable inside the database."""

TextKey = Annotated[str, mapped_column(Text, primary_key=True)]
"""A readable primary key."""


class Base(DeclarativeBase):
    """The parent of all control-plane tables."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {str: Text, int: BigInteger, datetime: DateTime(timezone=True)}  # noqa: RUF012


def utc_now() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(UTC)


def one_of(column: str, *values: str) -> CheckConstraint:
    """Return a constraint by which a column holds one of a few words and nothing else.

    >>> str(one_of("status", "held", "accepted").sqltext)
    "status IN ('held', 'accepted')"
    """
    words = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({words})", name=f"{column}_known")
