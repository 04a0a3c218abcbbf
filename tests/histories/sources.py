"""Departments that live through histories (来源): each acts for real, and says what its next reading must bring."""

from __future__ import annotations

import json
import os
import threading
from abc import abstractmethod
from collections.abc import Mapping
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import parse_qs, urlsplit

import psycopg
from psycopg import sql

from tests.histories.clock import FUTURE, Clock, arrival_in, long_ago, made_before, made_in
from tests.histories.history import Event, Slot, Turn
from tests.histories.model import Version

Acts = list[tuple[int, Event]]
"""What happens in one step: number of the history, and its event."""
Brought = dict[str, list[Version]]
"""Label of a batch → its rows."""
COLUMNS = {"code": "编号", "record_no": "记录号", "name": "姓名"}
BEFORE_ALL = -(10**15)
FILLER = 0
"""Record that keeps files and lists from being empty; no history has it."""


class Row(NamedTuple):
    """One record of a live source."""

    key: str | None
    name: str | None
    time: int | str | None = None
    """Logical time of change, or ``future`` or ``infinity``."""


def record_no(history: int, event: Event) -> int:
    """Return the source's number of a record; its tens are the history."""
    return history * 10 + event.record


def key_of(history: int, event: Event) -> str | None:
    """Return the key that an event states."""
    return None if event.key is None else f"K{history}-{event.key}"


def name_of(event: Event) -> str | None:
    """Return the name that an event states."""
    return None if event.name is None else f"名{event.name}"


class Department(Protocol):
    """What all departments do."""

    source: dict[str, Any]
    """Their block of the contract."""

    def act(self, step: int, turn: Turn, acts: Acts) -> None:
        """Do what the histories say for one step."""

    def read(self, step: int) -> Brought:
        """Return what a reading in this step must bring."""


class Files:
    """Drops files, late, twice, short, or stamped with the year 2099."""

    def __init__(self, outbox: Path, clock: Clock, name: str) -> None:
        self.outbox, self.clock, self.name = outbox, clock, name
        self.source = {
            "kind": "file", "server": "transport", "format": "csv", "encoding": "utf-8",
            "pattern": f"{name}-*.csv", "key": ["record_no"],
        }  # fmt: skip
        self._new: list[tuple[int, str, int | None, Acts]] = []
        """Drop time, label, time made (nothing: the future) and rows of what the next reading brings."""
        self._short: list[tuple[int, str, int | None, Acts, dict[str, Any]]] = []
        self._again: list[tuple[str, bytes]] = []
        self._arrivals: dict[str, int] = {}
        self._accepted: list[tuple[int, int]] = []
        """Arrival and time of what was accepted: a time that cannot be counts as the newest that arrived before."""

    def act(self, step: int, turn: Turn, acts: Acts) -> None:
        """Drop the files of one step, and what was left over from the step before."""
        for place, (label, content) in enumerate(self._again):
            self._drop(f"{label}-again", content, self.clock.moment(made_in(step, 900 + place)))
        for dropped, label, made, rows, receipt in self._short:
            self._receipt(label, receipt)
            self._new.append((dropped, label, made, rows))
        self._again, self._short = [], []
        made: int | None = None
        for place, slot in enumerate(turn.slots):
            made = self._made(step, place, slot, made)
            rows = [(history, event) for history, event in acts if event.slot == place]
            self._deliver(step, place, slot, made, rows)

    def _made(self, step: int, place: int, slot: Slot, before: int | None) -> int | None:
        if slot.when == "same":
            return before
        if slot.when == "late":
            return made_before(step - slot.back, step * 10 + place)
        return None if slot.when == "future" else made_in(step, place)

    def _deliver(self, step: int, place: int, slot: Slot, made: int | None, rows: Acts) -> None:
        label, dropped = f"{step:03}-{place}", made_in(step, place)
        lines = [f"编号,记录号,姓名\nK{FILLER}-{label},{FILLER}-{label},名\n"]
        lines += [f"{key_of(h, e) or ''},{record_no(h, e)},{name_of(e) or ''}\n" for h, e in rows]
        content = "".join(lines).encode()
        if not slot.is_dated and made is not None:
            dropped = made
        self._drop(label, content, self.clock.moment(dropped))
        if slot.is_dated:
            sent = FUTURE if made is None else self.clock.moment(made)
            receipt = {"rows": len(rows) + 1, "sent_at": sent.isoformat()}
            is_short = slot.flaw in ("short", "lost")
            self._receipt(label, {**receipt, "rows": len(rows) + 3} if is_short else receipt)
            if slot.flaw == "short":
                self._short.append((dropped, label, made, rows, receipt))
            if is_short:
                self._arrivals[label] = -dropped
                return
        if slot.flaw == "again":
            self._again.append((label, content))
        self._new.append((dropped, label, made, rows))

    def _drop(self, label: str, content: bytes, at: datetime) -> None:
        path = self.outbox / f"{self.name}-{label}.csv"
        path.write_bytes(content)
        os.utime(path, (at.timestamp(), at.timestamp()))

    def _receipt(self, label: str, receipt: dict[str, Any]) -> None:
        path = self.outbox / f"{self.name}-{label}.csv.receipt.json"
        path.write_text(json.dumps(receipt), encoding="utf-8")

    def read(self, step: int) -> Brought:
        """Return the batches of the files that lie there; those held have their arrival already."""
        lying = [(dropped, label) for dropped, label, _, _ in self._new]
        lying += [(-at, label) for label, at in self._arrivals.items() if at < 0 and (-at, label) not in lying]
        for place, (_, label) in enumerate(sorted(lying)):
            if self._arrivals.get(label, -1) < 0:
                self._arrivals[label] = arrival_in(step, place)
        brought = {}
        for _, label, made, rows in sorted(self._new, key=lambda new: self._arrivals[new[1]]):
            arrival = self._arrivals[label]
            at = made if made is not None else max((m for a, m in self._accepted if a < arrival), default=BEFORE_ALL)
            self._accepted.append((arrival, at))
            numbered = enumerate([(f"{FILLER}-{label}", f"K{FILLER}-{label}", "名"), *map(_written, rows)])
            brought[label] = [Version(r, (at, at, arrival, n), label, key, name) for n, (r, key, name) in numbered]
        self._new = []
        return brought


def _written(row: tuple[int, Event]) -> tuple[str, str | None, str | None]:
    history, event = row
    return str(record_no(history, event)), key_of(history, event), name_of(event)


class Feed:
    """Writes a change feed whose numbers are drawn early and committed late."""

    def __init__(self, address: str, clock: Clock, table: str) -> None:
        self.address, self.clock, self.table = address, clock, sql.Identifier(table)
        self.source = {"kind": "feed", "server": "public_security", "table": table, "key": ["record_no"]}
        self.source |= {"cursor": "feed_id"}
        self._generation = self._number = 0
        self.is_restarted = False
        """Whether the next reading must be told that the feed was loaded anew."""
        self._waiting: list[tuple[int, Version, psycopg.Connection[Any] | None]] = []
        self._committed: list[Version] = []
        with psycopg.connect(address, autocommit=True) as connection:
            create = "CREATE TABLE {} (feed_id bigint PRIMARY KEY, record_no bigint, code text, name text, "
            create += "cd_operation text, cd_time timestamptz, cd_batch text)"
            connection.execute(sql.SQL(create).format(self.table))

    def act(self, step: int, turn: Turn, acts: Acts) -> None:
        """Draw numbers for what happens, commit what is due."""
        if turn.is_restarted:
            self._restart()
        self._number += turn.skipped
        drawn = []
        for history, event in acts:
            self._number += 1
            deleted = event.act == "delete"
            order = (self._generation, self._number, 0, self._number)
            record = str(record_no(history, event))
            version = Version(record, order, "", key_of(history, event), name_of(event), deleted)
            drawn.append((step + event.delay, version))
        slow = self._written_but_open(drawn, step) if turn.is_open and any(due > step for due, _ in drawn) else None
        self._waiting += [(due, version, slow if due > step else None) for due, version in drawn]
        self.commit(step)

    def _restart(self) -> None:
        """Load the feed anew: what is still to be committed will never be."""
        for slow in {id(entry[2]): entry[2] for entry in self._waiting if entry[2]}.values():
            slow.close()
        with psycopg.connect(self.address, autocommit=True) as connection:
            connection.execute(sql.SQL("DELETE FROM {}").format(self.table))
        self._waiting, self._committed = [], []
        self._generation, self._number, self.is_restarted = self._generation + 1, 0, True

    def commit(self, step: int) -> None:
        """Commit what is due by ``step``."""
        due = [entry for entry in self._waiting if entry[0] <= step]
        open_ones = {id(entry[2]): entry[2] for entry in due if entry[2]}
        due = [entry for entry in self._waiting if entry[0] <= step or (entry[2] and id(entry[2]) in open_ones)]
        self._waiting = [entry for entry in self._waiting if entry not in due]
        with psycopg.connect(self.address) as connection:
            self._insert(connection, [version for _, version, slow in due if slow is None])
        for connection in open_ones.values():
            connection.commit()
            connection.close()
        self._committed += [version for _, version, _ in due]

    def _written_but_open(self, drawn: list[tuple[int, Version]], step: int) -> psycopg.Connection[Any]:
        connection = psycopg.connect(self.address)
        self._insert(connection, [version for due, version in drawn if due > step])
        return connection

    def _insert(self, connection: psycopg.Connection[Any], versions: list[Version]) -> None:
        insert = sql.SQL("INSERT INTO {} VALUES (%s, %s, %s, %s, %s, %s, 'B')").format(self.table)
        rows = []
        for v in versions:
            at = self.clock.moment(long_ago(-(v.order[1] * 7919) % 100_000))
            rows.append((v.order[1], int(v.record), v.key, v.name, "D" if v.is_deleted else "U", at))
        if rows:
            connection.cursor().executemany(insert, rows)

    def read(self, step: int) -> Brought:
        """Return everything committed since the last reading."""
        label, found, self._committed = f"s{step}", self._committed, []
        self.is_restarted = False
        return {label: [_in_batch(v, label) for v in found]} if found else {}


def _in_batch(version: Version, label: str) -> Version:
    return Version(version.record, version.order, label, version.key, version.name, version.is_deleted)


class Live:
    """A table or list whose present state is read; what of it changed since the last reading is brought."""

    tells_deletions = True

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.rows: dict[str, Row] = {}
        self._known: dict[str, Row] = {}
        self._past: dict[str, list[Row]] = {}

    def act(self, step: int, turn: Turn, acts: Acts) -> None:
        """Change the rows, and the source itself."""
        before = dict(self.rows)
        for place, (history, event) in enumerate(acts):
            self._change(step, place, str(record_no(history, event)), history, event)
        changed = {record for record in before | self.rows if before.get(record) != self.rows.get(record)}
        self.publish({record: self.rows.get(record) for record in changed})

    def _change(self, step: int, place: int, record: str, history: int, event: Event) -> None:
        past = self._past.setdefault(record, [])
        if event.act == "delete":
            self.rows.pop(record, None)
        elif event.act == "restore":
            if past:
                self.rows[record] = past[event.slot % len(past)]
        else:
            times = {"now": made_in(step, place), "past": long_ago(step * 10_000 + place), "null": None}
            row = Row(key_of(history, event), name_of(event), times.get(event.time, event.time))
            self.rows[record] = row
            past.append(row)

    @abstractmethod
    def publish(self, changed: Mapping[str, Row | None]) -> None:
        """Bring the source to the state of ``rows``."""

    def read(self, step: int) -> Brought:
        """Return what differs from the last reading."""
        label, arrival = f"s{step}", arrival_in(step)
        found = []
        for place, (record, row) in enumerate(self.rows.items()):
            if self._known.get(record) != row:
                read_at = arrival - 1
                at = read_at if row.time is None else min(row.time, arrival) if isinstance(row.time, int) else arrival
                number = self.number(record, place)
                found.append(Version(record, (arrival, at, arrival, number), label, row.key, row.name))
        if self.tells_deletions:
            for record in self._known.keys() - self.rows.keys():
                found.append(Version(record, (arrival, arrival, arrival, 0), label, None, None, is_deleted=True))
            self._known = dict(self.rows)
        else:
            self._known |= self.rows
        return {label: found} if found else {}

    def number(self, record: str, place: int) -> int:
        """Return the row number of a record."""
        del place
        return int(record)


class LiveTable(Live):
    """A table of a department's database, read whole or by the time of change."""

    def __init__(self, address: str, clock: Clock, table: str, kind: str) -> None:
        super().__init__(clock)
        self.address, self.table = address, sql.Identifier(table)
        self.source = {"kind": kind, "server": "public_security", "table": table, "key": ["record_no"]}
        self.source |= {"partition_column": "record_no"}
        self.is_timed = kind == "watermark"
        with psycopg.connect(address, autocommit=True) as connection:
            create = "CREATE TABLE {} (record_no bigint PRIMARY KEY, code text, name text, updated_at timestamptz)"
            connection.execute(sql.SQL(create).format(self.table))

    def publish(self, changed: Mapping[str, Row | None]) -> None:
        """Write what changed into the table."""
        delete = sql.SQL("DELETE FROM {} WHERE record_no = ANY(%s)").format(self.table)
        insert = sql.SQL("INSERT INTO {} VALUES (%s, %s, %s, %s)").format(self.table)
        rows = [(int(r), row.key, row.name, self._written(row.time)) for r, row in changed.items() if row]
        with psycopg.connect(self.address) as connection:
            connection.execute(delete, ([int(record) for record in changed],))
            if rows:
                connection.cursor().executemany(insert, rows)

    def _written(self, time: int | str | None) -> datetime | str | None:
        if not self.is_timed:
            return None
        return self.clock.moment(time) if isinstance(time, int) else "2099-01-01+00" if time == "future" else time

    def _change(self, step: int, place: int, record: str, history: int, event: Event) -> None:
        super()._change(step, place, record, history, event)
        if not self.is_timed and record in self.rows:
            self.rows[record] = self.rows[record]._replace(time=None)


class Interface(Live):
    """A paged list of records, whole or asked for what changed; what is gone from it is not told to be deleted."""

    tells_deletions = False

    def __init__(self, clock: Clock, *, is_asked_since: bool = False) -> None:
        super().__init__(clock)
        self.is_asked_since = is_asked_since
        self.source = {"kind": "rest", "server": "human_resources", "path": "/v1/list", "key": ["record_no"]}
        self.source |= {"page_size": 1000, "changed_at": "changed_at"}
        self.source |= {"since_parameter": "since"} if is_asked_since else {}
        self.rows["1"] = Row("K0", "名", long_ago(0))
        self.items: list[dict[str, Any]] = []
        department = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                query = parse_qs(urlsplit(self.path).query)
                page, size = int(query["page"][0]), int(query["page_size"][0])
                items = department.since(query.get("since", [""])[0])
                found = items[(page - 1) * size : page * size]
                body = json.dumps({"total": len(items), "items": found}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.publish({})

    @property
    def address(self) -> str:
        """Where the interface answers."""
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def since(self, moment: str) -> list[dict[str, Any]]:
        """Return the records that state a change from ``moment`` on; all of them without one."""
        if not moment:
            return self.items
        from_then = datetime.fromisoformat(moment)
        return [item for item in self.items if datetime.fromisoformat(item["changed_at"]) >= from_then]

    def publish(self, changed: Mapping[str, Row | None]) -> None:
        """Put the list as it is now on show."""
        del changed
        self.items = [
            {"record_no": int(record), "code": row.key, "name": row.name, "changed_at": self._written(row.time)}
            for record, row in self.rows.items()
        ]

    def _written(self, time: int | str | None) -> str | None:
        if isinstance(time, int):
            return self.clock.moment(time).isoformat()
        return None if time is None else "2099-01-01T00:00:00+00:00"

    def _change(self, step: int, place: int, record: str, history: int, event: Event) -> None:
        super()._change(step, place, record, history, event)
        if record in self.rows and self.rows[record].time == "infinity":
            self.rows[record] = self.rows[record]._replace(time="future")
        if record in self.rows and self.is_asked_since and self.rows[record].time != "future":
            self.rows[record] = self.rows[record]._replace(time=made_in(step, place))

    def number(self, record: str, place: int) -> int:
        """Return the place in the list."""
        del record
        return place + 1
