"""Fills the departments' own databases (部门业务库): 公安's exchange front end, 市场监管's live tables.

Each day is one transaction per database, and a day delivered twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import LiteralString

import pandas as pd
import psycopg
from psycopg import sql

from infra.demonstration.market import COLUMNS, TableChange
from infra.demonstration.population import PopulationFeeds

_FEED_END: LiteralString = """
    cd_operation char(1) not null check (cd_operation in ('I', 'U', 'D')),
    cd_time timestamptz not null,
    cd_batch text not null
"""
_POPULATION_SCHEMA: LiteralString = f"""
create table if not exists resident_feed (
    feed_id bigint generated always as identity primary key,
    record_no bigint not null, citizen_id text, name text, sex_code text, birth_date text,
    ethnic_group_code text, division_code text, household_no bigint, address text, phone text, status text,
    {_FEED_END}
);
create table if not exists household_feed (
    feed_id bigint generated always as identity primary key,
    household_no bigint not null, head_citizen_id text, division_code text, address text, member_count integer,
    {_FEED_END}
);
create index if not exists resident_feed_batch on resident_feed (cd_batch);
create index if not exists household_feed_batch on household_feed (cd_batch);
"""
_MARKET_SCHEMA: LiteralString = """
create table if not exists enterprise (
    record_no bigint primary key, uscc text, name text, registration_no text, kind_code text,
    capital_amount numeric(18,2), currency_code text, established_date text, industry_code text,
    division_code text, address text, status_code text, legal_representative_name text,
    updated_at timestamptz not null
);
create table if not exists individual_business (
    record_no bigint primary key, uscc text, name text, operator_name text, operator_citizen_id text,
    established_date date, division_code text, address text, status_code text, updated_at timestamptz not null
);
create table if not exists legal_representative (
    record_no bigint primary key, uscc text, representative_name text, representative_citizen_id text,
    appointed_date date, updated_at timestamptz not null
);
create index if not exists enterprise_updated_at on enterprise (updated_at);
create index if not exists individual_business_updated_at on individual_business (updated_at);
create index if not exists legal_representative_updated_at on legal_representative (updated_at);
"""


def deliver_population(url: str, feeds: PopulationFeeds, batch: str) -> None:
    """Append one batch to 公安's feeds, unless it is there already."""
    with _connect(url) as connection:
        connection.execute(_POPULATION_SCHEMA)
        for table, rows in (("resident_feed", feeds.residents), ("household_feed", feeds.households)):
            query = sql.SQL("select 1 from {} where cd_batch = %s limit 1").format(sql.Identifier(table))
            if connection.execute(query, (batch,)).fetchone() is None:
                _copy(connection, table, rows.assign(cd_batch=batch))


def deliver_market(url: str, changes: dict[str, TableChange]) -> None:
    """Write one day's new and changed rows into 市场监管's tables, and delete what is gone."""
    with _connect(url) as connection:
        connection.execute(_MARKET_SCHEMA)
        for table, change in changes.items():
            _write_rows(connection, table, change.written)
            query = sql.SQL("delete from {} where record_no = any(%s)").format(sql.Identifier(table))
            connection.execute(query, (change.deleted,))


def _connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://", 1))


def _write_rows(connection: psycopg.Connection, table: str, rows: pd.DataFrame) -> None:
    """Insert rows, or replace those with the same record number, by way of a staging table."""
    target, staging = sql.Identifier(table), sql.Identifier(f"staging_{table}")
    query = sql.SQL("create temporary table {} (like {} including defaults) on commit drop")
    connection.execute(query.format(staging, target))
    _copy(connection, f"staging_{table}", rows)
    names = [sql.Identifier(column) for column in COLUMNS[table]]
    columns = sql.SQL(", ").join(names)
    updates = sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(name) for name in names[1:])
    query = sql.SQL("insert into {} ({}) select {} from {} on conflict (record_no) do update set {}")
    connection.execute(query.format(target, columns, columns, staging, updates))


def _copy(connection: psycopg.Connection, table: str, rows: pd.DataFrame) -> None:
    """Append ``rows`` by COPY."""
    columns = sql.SQL(", ").join(sql.Identifier(column) for column in rows.columns)
    query = sql.SQL("copy {} ({}) from stdin").format(sql.Identifier(table), columns)
    with connection.cursor() as cursor, cursor.copy(query) as copy:
        for row in _records(rows):
            copy.write_row(row)


def _records(rows: pd.DataFrame) -> Iterable[tuple[object, ...]]:
    columns = [rows[column].astype(object).where(rows[column].notna(), None).tolist() for column in rows.columns]
    return zip(*columns, strict=True)
