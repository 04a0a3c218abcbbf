"""A department's table (源表): which of its columns are the contract's, and how they are read as text."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import sql

from catalog.model.contract import Contract
from catalog.model.errors import DeliveryRefusedError
from catalog.model.source import DatabaseSource
from jobs.extract.header import names_of, normalise
from jobs.extract.snapshot import Snapshot

ZONE = "Asia/Shanghai"
WHOLE_NUMBERS = ("smallint", "integer", "bigint")
_COLUMNS = """
    SELECT a.attname::text, format_type(CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END, NULL)
    FROM pg_attribute AS a
    JOIN pg_class AS c ON c.oid = a.attrelid
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_type AS t ON t.oid = a.atttypid
    WHERE n.nspname = %s AND c.relname = %s AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND a.attnum > 0 AND NOT a.attisdropped
    AND has_schema_privilege(n.oid, 'USAGE') AND has_column_privilege(c.oid, a.attnum, 'SELECT')
    ORDER BY a.attnum"""
"""The columns that this role may read of a table, view, materialised view, partitioned or foreign table.

The standard's ``information_schema`` knows no materialised views.
"""
_TIMES = ("timestamp without time zone", "date")


@dataclass(frozen=True)
class SourceTable:
    """A table or view as the source describes it."""

    schema: str
    name: str
    types: dict[str, str]
    """Column → type, as far as this role may read them."""
    columns: dict[str, str]
    """Contract column → column of the table."""

    @property
    def identifier(self) -> sql.Identifier:
        """The table, quoted."""
        return sql.Identifier(self.schema, self.name)

    @property
    def label(self) -> str:
        """``schema.table``, for people."""
        return f"{self.schema}.{self.name}"

    @property
    def unread(self) -> list[str]:
        """Columns of the table that no contract column takes."""
        return sorted(set(self.types) - set(self.columns.values()))

    def text(self, column: str) -> sql.Composable:
        """Return the SQL of a contract column as text, under its contract name."""
        return sql.SQL("{}::text AS {}").format(sql.Identifier(self.columns[column]), sql.Identifier(column))

    def instant(self, column: str) -> sql.Composable:
        """Return the SQL of one of the table's own time columns as an instant; a time without zone is Beijing time."""
        kind, name = self.types.get(column), sql.Identifier(column)
        if kind in _TIMES:
            return sql.SQL("({}::timestamp AT TIME ZONE {})").format(name, sql.Literal(ZONE))
        if kind == "timestamp with time zone":
            return name
        raise DeliveryRefusedError(
            "COLUMN_UNSUITABLE",
            f"column {column} is {kind or 'absent'}, not a time",
            place=self.label,
            remedy="name a timestamp column as `changed_at`, or read the table as kind: full",
        )

    def moment(self, column: str) -> sql.Composable:
        """Return the SQL of an instant that calendars have: null before year 1, and the last one for ``infinity``."""
        within = "CASE WHEN {0} >= '0001-01-01 00:00:00+00' THEN least({0}, '9999-12-31 23:59:59+00'::timestamptz) END"
        return sql.SQL(within).format(self.instant(column))

    def require(self, *columns: str) -> None:
        """Check that the table has columns of its own that the pipeline needs.

        Raises:
            DeliveryRefusedError: COLUMN_MISSING.
        """
        missing = [column for column in columns if column not in self.types]
        if missing:
            raise _missing(self.label, missing, self.unread)

    def has_index(self, snapshot: Snapshot, column: str) -> bool:
        """Tell whether rows are found by a column without looking at all of them."""
        query = sql.SQL(
            "SELECT EXISTS (SELECT FROM pg_index AS i JOIN pg_attribute AS a ON a.attrelid = i.indrelid "
            "AND a.attnum = i.indkey[0] WHERE i.indrelid = to_regclass(%s) AND i.indisvalid AND i.indpred IS NULL "
            "AND a.attname = %s)"
        )
        return bool(snapshot.value(query, (snapshot.compose(self.identifier), column)))

    def is_whole_number(self, column: str | None) -> bool:
        """Tell whether a column can cut a read into ranges."""
        return column is not None and self.types.get(column) in WHOLE_NUMBERS


def describe(snapshot: Snapshot, contract: Contract, source: DatabaseSource) -> SourceTable:
    """Return the source table, with the contract's columns found by name.

    Raises:
        DeliveryRefusedError: COLUMN_MISSING, when the table or a column is absent or may not be read.
    """
    schema, _, name = source.table.rpartition(".")
    schema = schema or "public"
    rows = snapshot.rows(sql.SQL(_COLUMNS), (schema, name))
    types = {str(column): str(kind) for column, kind in rows}
    names = names_of(contract)
    columns: dict[str, str] = {}
    for column in types:
        target = names.get(normalise(column))
        if target is not None:
            columns.setdefault(target, column)
    label = f"{schema}.{name}"
    missing = [c for c in names.values() if c not in columns and not contract.item(c).optional]
    if not types or missing:
        raise _missing(label, list(dict.fromkeys(missing)), sorted(set(types) - set(columns.values())))
    return SourceTable(schema, name, types, columns)


def _missing(label: str, missing: list[str], unread: list[str]) -> DeliveryRefusedError:
    return DeliveryRefusedError(
        "COLUMN_MISSING",
        f"column {', '.join(missing)} is not there, or this role may not read it; not read: {', '.join(unread) or '–'}",
        place=label,
        remedy="ask the department for SELECT on it, or add its new name under government.items.<column>.from; "
        "nothing was read, the position stands",
    )
