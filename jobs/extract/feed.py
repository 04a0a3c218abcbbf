"""What one run reads of a change feed (变更表读取): what is new, what filled a gap, or all of a new generation."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import timedelta

from psycopg import sql

from catalog.model.errors import DeliveryRefusedError
from catalog.model.settings import get_settings
from catalog.model.source import FeedSource
from jobs.extract.delivery import Note
from jobs.extract.feed_position import (
    LOWEST,
    FeedPosition,
    Gap,
    below,
    drawn_together,
    without_numbers,
)
from jobs.extract.snapshot import Snapshot
from jobs.extract.source_table import SourceTable
from jobs.extract.windows import Window

GAPS_KEPT = 10_000
"""Ranges kept at most; of more, those that lie closest together are looked at as one."""
NUMBERS_ASKED = 10_000
"""Numbers in gaps that are read one by one; where more have rows, the feed is read again from the lowest of them."""
RANGES_SURVEYED = 100_000
"""Gaps looked at one by one in one survey; a feed with more is read again from the lowest of them."""
NEWEST_WITNESSES, SPREAD_WITNESSES = 4, 8
REMEDY = (
    "ask the department what became of the rows between; if it loaded the feed anew, run extract with "
    "--feed-restarted, which reads the feed whole, as newer than all that was read before"
)


@dataclass(frozen=True)
class FeedReading:
    """The part of a feed that one run reads, and the position once it has."""

    window: Window
    after: FeedPosition
    begins_generation: bool
    notes: tuple[Note, ...] = ()

    def generation(self, own: str) -> str:
        """Return the batch with which the generation began: ``own`` for the batch that begins one."""
        return own if self.begins_generation else self.after.generation


def plan_feed(
    snapshot: Snapshot, table: SourceTable, source: FeedSource, position: FeedPosition, *, restarted: bool = False
) -> FeedReading:
    """Return what to read of a feed after ``position``.

    Args:
        snapshot: the open snapshot.
        table: the feed.
        source: how the contract describes it.
        position: how far it was read.
        restarted: a person says that the department loaded it anew.

    Raises:
        DeliveryRefusedError: CURSOR_WENT_BACK or FEED_RESTARTED, when it is not the feed that was read;
            COLUMN_MISSING or COLUMN_UNSUITABLE.
    """
    table.require(source.cursor, source.operation, source.changed_at)
    if not table.is_whole_number(source.cursor):
        raise DeliveryRefusedError(
            "COLUMN_UNSUITABLE",
            f"cursor {source.cursor} is {table.types[source.cursor]}, not a whole number",
            place=table.label,
            remedy="name the identity column of the feed as `cursor`",
        )
    return _Plan(snapshot, table, source, FeedPosition() if restarted else position).reading()


class _Plan:
    """The questions that one run puts to a feed."""

    def __init__(self, snapshot: Snapshot, table: SourceTable, source: FeedSource, position: FeedPosition) -> None:
        self.snapshot, self.table, self.source, self.position = snapshot, table, source, position
        self.cursor = sql.Identifier(source.cursor)
        self.today = snapshot.taken_at.date()
        self.is_indexed = table.has_index(snapshot, source.cursor)

    def reading(self) -> FeedReading:
        position = self.position
        highest = self._number("SELECT max({cursor})::bigint FROM {table}")
        if highest is not None and position.reached is not None and highest < position.reached:
            raise self._refused("CURSOR_WENT_BACK", f"ends at {highest}, it was read up to {position.reached}")
        filled = self._filled()
        self._prove_same(len(filled))
        is_whole = position.reached is None or not position.is_surveyed
        floor = None if is_whole else position.reached
        if floor is not None and len(filled) > NUMBERS_ASKED:
            floor, filled = filled[0] - 1, []
        reached = max((x for x in (highest, position.reached) if x is not None), default=None)
        gaps = self._gaps(floor, reached, filled)
        after = FeedPosition(reached, drawn_together(gaps, GAPS_KEPT), self._witnesses(reached), position.generation)
        many = Note("FEED_GAPS_MANY", self.table.label, {"gaps": len(gaps)}, len(gaps))
        notes = (many,) if len(gaps) > GAPS_KEPT else ()
        return FeedReading(self._window(floor, reached, filled), after, position.reached is None, notes)

    def _window(self, floor: int | None, reached: int | None, filled: list[int]) -> Window:
        ends = "" if reached is None else str(reached)
        if floor is None:
            return Window(sql.SQL("true"), "", ends)
        condition: sql.Composable = sql.SQL("{} > {}").format(self.cursor, sql.Literal(floor))
        if filled:
            numbers = sql.Literal(f"{{{','.join(map(str, filled))}}}")
            condition = sql.SQL("({} OR {} = ANY ({}::bigint[]))").format(condition, self.cursor, numbers)
        return Window(condition, str(floor), ends, min([floor, *(n - 1 for n in filled)]))

    def _filled(self) -> list[int]:
        """Return the numbers in known gaps that have rows by now, in order; one more than are asked at most."""
        gaps = self.position.gaps
        if not gaps:
            return []
        if self.is_indexed:
            query = (
                "SELECT f.number FROM unnest(%s::bigint[], %s::bigint[]) AS g(low, high) CROSS JOIN LATERAL "
                "(SELECT {cursor}::bigint AS number FROM {table} WHERE {cursor} BETWEEN g.low AND g.high "
                "ORDER BY {cursor} LIMIT %s) AS f ORDER BY f.number LIMIT %s"
            )
        else:
            query = (
                "SELECT {cursor}::bigint FROM {table}, (SELECT %s::bigint[] AS lows, %s::bigint[] AS highs) AS g "
                "WHERE {cursor} <= g.highs[width_bucket({cursor}::bigint, g.lows)] "
                "ORDER BY 1 LIMIT least(%s::bigint, %s::bigint)"
            )
        limit = NUMBERS_ASKED + 1
        lows, highs = [gap.low for gap in gaps], [gap.high for gap in gaps]
        return sorted({int(str(n)) for (n,) in self.snapshot.rows(self._sql(query), (lows, highs, limit, limit))})

    def _prove_same(self, filled: int) -> None:
        """Refuse a feed whose rows are not those that were read."""
        known = self.position.witnesses
        if not known:
            return
        found: dict[int, set[str]] = defaultdict(set)
        query = self._sql("SELECT {cursor}::bigint, {digest} FROM {table} WHERE {cursor} = ANY (%s::bigint[])")
        for number, digest in self.snapshot.rows(query, (list(known),)):
            found[int(str(number))].add(str(digest))
        others = "SELECT count(*) FROM (SELECT FROM {table} WHERE {cursor} <= %s LIMIT %s) AS others"
        has_others = not found and (self._number(others, self.position.reached, filled + 1) or 0) > filled
        if self.position.is_contradicted(found, has_others=has_others):
            number = max(found, default=max(known))
            raise self._refused("FEED_RESTARTED", f"{number} is not the row that was read under this number")

    def _gaps(self, floor: int | None, reached: int | None, filled: list[int]) -> list[Gap]:
        """Return the numbers up to ``reached`` that have no row in this snapshot."""
        if reached is None:
            return []
        days = timedelta(days=get_settings().feed_gap_days)
        old = [] if floor is None else below(self.position.gaps, floor)
        lasting = [gap for gap in old if gap.since is None or gap.since > self.today - days]
        return [*without_numbers(lasting, filled), *self._survey(floor, reached)]

    def _survey(self, floor: int | None, reached: int) -> list[Gap]:
        """Return the gaps between the rows above ``floor``; of the whole feed, also what lies beneath its first row."""
        query = (
            "SELECT low, high FROM (SELECT lag({cursor}::bigint) OVER (ORDER BY {cursor}) + 1 AS low, "
            "{cursor}::bigint - 1 AS high FROM {table} WHERE %s::bigint IS NULL OR {cursor} > %s::bigint) AS pairs "
            "WHERE low IS NULL OR low <= high ORDER BY low NULLS FIRST LIMIT %s"
        )
        rows = self.snapshot.rows(self._sql(query), (floor, floor, RANGES_SURVEYED))
        beneath = Gap(LOWEST, reached) if floor is None else Gap(floor + 1, reached, self.today)
        if not rows:
            return [beneath] if floor is None else []
        pairs = [(None if low is None else int(str(low)), int(str(high))) for low, high in rows]
        gaps = [replace(beneath, high=high) if low is None else Gap(low, high, self.today) for low, high in pairs]
        if len(gaps) == RANGES_SURVEYED:
            gaps[-1] = replace(gaps[-1], high=reached)
        return [gap for gap in gaps if gap.low <= gap.high]

    def _witnesses(self, reached: int | None) -> dict[int, str]:
        """Return some rows by which the feed is known again: its newest, and where an index helps, some in between."""
        if reached is None:
            return {}
        newest = (
            "SELECT {cursor}::bigint, {digest} FROM {table} WHERE {cursor} IS NOT NULL ORDER BY {cursor} DESC LIMIT %s"
        )
        rows = self.snapshot.rows(self._sql(newest), (NEWEST_WITNESSES,))
        if self.is_indexed and rows:
            lowest = self._number("SELECT min({cursor})::bigint FROM {table}") or 0
            step = (reached - lowest) // SPREAD_WITNESSES
            spread = (
                "SELECT f.number, f.digest FROM unnest(%s::bigint[]) AS g(high) CROSS JOIN LATERAL (SELECT "
                "{cursor}::bigint AS number, {digest} AS digest FROM {table} WHERE {cursor} <= g.high "
                "ORDER BY {cursor} DESC LIMIT 1) AS f"
            )
            places = [lowest + step * place for place in range(SPREAD_WITNESSES)]
            rows += self.snapshot.rows(self._sql(spread), (places,))
        found = {int(str(number)): str(digest) for number, digest in rows}
        return found or dict(self.position.witnesses)

    def _number(self, query: str, *parameters: object) -> int | None:
        value = self.snapshot.value(self._sql(query), parameters or None)
        return None if value is None else int(str(value))

    def _sql(self, query: str) -> sql.Composable:
        table, source = self.table, self.source
        told = [self.cursor, sql.Identifier(source.operation)]
        told += [sql.Identifier(table.columns[column]) for column in source.key]
        moment = sql.SQL("extract(epoch FROM {})").format(table.instant(source.changed_at))
        digest = sql.SQL("md5(ROW({}, {})::text)").format(sql.SQL(", ").join(told), moment)
        return sql.SQL(query).format(cursor=self.cursor, table=table.identifier, digest=digest)

    def _refused(self, code: str, what: str) -> DeliveryRefusedError:
        return DeliveryRefusedError(code, f"{self.source.cursor} {what}", place=self.table.label, remedy=REMEDY)


def in_generation(reading: FeedReading, own: str) -> FeedPosition:
    """Return the position after a reading, in the generation that its batch ``own`` belongs to.

    A feed without any row begins none: there is no batch yet.
    """
    generation = "" if reading.after.reached is None else reading.generation(own)
    return replace(reading.after, generation=generation)
