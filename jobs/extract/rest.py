"""Paged interfaces (服务接口): every page kept as sent, total held against what came, changes only where offered."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from catalog.control.tables import Batch
from catalog.model.contract import Contract
from catalog.model.errors import GuantongError
from catalog.model.settings import get_settings
from catalog.model.source import RestSource
from jobs.extract import landing
from jobs.extract.admission import account, check_count, check_not_empty
from jobs.extract.batch_ids import digest_of
from jobs.extract.bronze import landed_rows, write_batches
from jobs.extract.delivery import DeliveryHeldError, Reading
from jobs.extract.header import names_of, normalise
from jobs.extract.known_rows import earlier_rows, without_unchanged
from jobs.extract.laying import abandon_unfinished
from jobs.extract.readers.json_records import read_records
from jobs.extract.readers.json_values import RepeatingRecord, parse_json
from jobs.extract.receipt import BEIJING
from jobs.extract.register import BatchRecord, Register
from jobs.extract.rows import RowSink
from jobs.runtime.spark import connect
from jobs.runtime.volume import expect_batch

ATTEMPTS, FIRST_PAUSE, LONGEST_PAUSE = 6, 0.5, 20.0
TIMEOUT = httpx.Timeout(60.0, connect=10.0)
PAGE_LIMIT = 1_000_000
OVERLAP = timedelta(minutes=10)
ASKED_AGAIN = "nothing is lost: the records are asked for again, and come in a batch of what the list says now"


class SourceUnavailableError(GuantongError):
    """A department's interface does not answer, or not as agreed."""

    code = "SOURCE_UNAVAILABLE"


@dataclass(frozen=True)
class Paging:
    """One pass over all pages."""

    pages: list[bytes]
    items: list[Any]
    totals: tuple[int, ...]

    @property
    def total(self) -> int:
        """What the interface says the list has, by its last page."""
        return self.totals[-1]

    def is_stable(self, keys: list[str]) -> bool:
        """Tell whether the list stood still: one total on all pages, as many items, none twice."""
        named = [json.dumps([item.get(k) for k in keys]) for item in self.items if isinstance(item, dict)]
        return len(set(self.totals)) == 1 and len(self.items) == self.total and len(set(named)) == len(named)


def extract_pages(contract: Contract, source: RestSource, register: Register) -> None:
    """Read a paged interface into landing and bronze.

    Grain:      one row per record and version.
    Key:        ``source.key``.
    Reads:      all pages, or those of what changed since the last reading.
    Writes:     landing (the pages as sent), ``bronze.<department>__<dataset>`` (records that bronze does not know).
    Sets aside: nothing; a list that does not hold what it says is held. Absence from a list is no deletion.
    """
    place = f"{source.server}{source.path}"
    since = _since(register.position(place)) if source.since_parameter else None
    keys = _key_names(contract)
    abandon_unfinished(contract, register, ASKED_AGAIN)
    with _client(source) as client:
        paging = fetch_pages(client, source, since)
        if not paging.is_stable(keys):
            register.run.say(f"{place} changed while it was read; reading it once more")
            paging = fetch_pages(client, source, since)
    register.run.say(f"{place}: {len(paging.items):,} records on {len(paging.pages)} pages, {paging.total:,} declared")
    if since and not paging.items and not paging.total:
        register.run.say("nothing changed since the last reading")
        return
    PageIntake(contract, source, register, place, since).take(paging)


def _since(position: str | None) -> str | None:
    """Return from when changes are asked for: a little before the newest one known, for what was committed late."""
    return (datetime.fromisoformat(position) - OVERLAP).isoformat() if position else None


def _client(source: RestSource) -> httpx.Client:
    token = get_settings().source_token(source.server)
    headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    return httpx.Client(base_url=get_settings().source(source.server), headers=headers, timeout=TIMEOUT)


def _key_names(contract: Contract) -> list[str]:
    """Return every name under which a key column may come."""
    names = names_of(contract)
    spelled = {n for c in contract.source.key for n in (c, *contract.item(c).source_names)}
    return sorted(name for name in spelled if names.get(normalise(name)) in contract.source.key)


def fetch_pages(client: httpx.Client, source: RestSource, since: str | None) -> Paging:
    """Read all pages once.

    Raises:
        SourceUnavailableError: when a page does not come, or is not ``{total, items}``.
    """
    pages: list[bytes] = []
    items: list[Any] = []
    totals: list[int] = []
    for number in range(1, PAGE_LIMIT):
        parameters: dict[str, str | int] = {"page": number, "page_size": source.page_size}
        if since and source.since_parameter:
            parameters[source.since_parameter] = since
        content = _get(client, source.path, parameters)
        total, found = _parse_page(content, f"{source.path} page {number}")
        pages.append(content)
        items += found
        totals.append(total)
        if not found or len(items) >= total:
            break
    return Paging(pages, items, tuple(totals))


def _parse_page(content: bytes, place: str) -> tuple[int, list[Any]]:
    try:
        answer = parse_json(content.decode("utf-8"))
        if isinstance(answer, RepeatingRecord):
            raise _disagreement(place, f"{', '.join(answer.repeated)} comes twice")
        if isinstance(answer, dict) and isinstance(answer["items"], list):
            return int(answer["total"]), answer["items"]
    except (ValueError, KeyError, TypeError) as error:
        raise _disagreement(place, f"{type(error).__name__}") from error
    raise _disagreement(place, "no list of items")


def _disagreement(place: str, what: str) -> SourceUnavailableError:
    return SourceUnavailableError(
        f"the answer is not {{total, items}} in JSON ({what})",
        place=place,
        remedy="ask the department whether the interface changed",
    )


def _get(client: httpx.Client, path: str, parameters: dict[str, str | int]) -> bytes:
    """Return one answer, trying again while the interface is busy or away."""
    for attempt, pause in enumerate(_pauses(), 1):
        problem = ""
        try:
            response = client.get(path, params=parameters)
            if response.status_code == httpx.codes.OK:
                return response.content
            problem = f"status {response.status_code}"
            if response.status_code < 500 and response.status_code not in (408, 425, 429):
                break
            wait = response.headers.get("Retry-After", "")
            pause = min(float(wait), LONGEST_PAUSE) if wait.isdigit() else pause
        except httpx.TransportError as error:
            problem = type(error).__name__
        if attempt < ATTEMPTS:
            time.sleep(pause)
    raise SourceUnavailableError(
        f"{path} answers with {problem}",
        place=str(client.base_url),
        remedy="401 or 403: check SOURCE_<SERVER>_TOKEN; otherwise ask the department whether its interface is up",
    )


def _pauses() -> Iterator[float]:
    return (min(FIRST_PAUSE * 2**n, LONGEST_PAUSE) for n in range(ATTEMPTS))


@dataclass
class PageIntake:
    """Takes the pages of one reading into landing and bronze."""

    contract: Contract
    source: RestSource
    register: Register
    place: str
    since: str | None

    def take(self, paging: Paging) -> None:
        """Admit what the pages hold, hold it, or find that all of it is known."""
        payload = digest_of(*[json.dumps(item, ensure_ascii=False, sort_keys=True) for item in paging.items])
        latest = self.register.latest_accepted()
        if latest is not None and self.since is None and latest.manifest.get("payload_sha256") == payload:
            self._note_repetition(paging, payload, latest)
            return
        content = digest_of(self.contract.id, payload, latest.batch_id if latest else "")
        record = self._record(paging, payload, content)
        rows_file = self._keep(record, paging)
        reading = Reading()
        try:
            with self._sink(record, rows_file) as sink:
                reading = read_records(paging.items, sink, self.place, changed_at=self.source.changed_at)
            check_not_empty(reading, self.place)
            check_count(paging.total, reading.records, reading.read, self.place)
        except DeliveryHeldError as held:
            record.manifest |= account(reading, paging.total)
            record.notes += reading.notes
            self.register.hold(record, held)
            rows_file.unlink(missing_ok=True)
            return
        record.received = reading.records
        record.manifest |= account(reading, paging.total)
        record.notes += [*reading.notes, *reading.rejection_notes(self.place)]
        self._lay(record, rows_file, len(reading.rejected), newest_change(paging.items, self.source.changed_at))

    def _lay(self, record: BatchRecord, rows_file: Path, rejected: int, newest: str | None) -> None:
        """Write the records that bronze does not know, and with their acceptance move the position."""
        positions = {self.place: newest} if newest and self.source.since_parameter else {}
        spark = connect()
        expect_batch(spark, self.contract, record.received)
        rows = landed_rows(spark, self.contract, [rows_file])
        if self.register.latest_accepted() is not None:
            earlier = earlier_rows(spark, self.contract, self.register.arrivals())
            rows = without_unchanged(rows, earlier, is_timed=self.source.changed_at is not None)
        rows = rows.coalesce(1).persist()
        try:
            fresh = rows.count()
            record.manifest["known_before"] = record.received - fresh
            if not fresh and not rejected:
                self.register.run.say(f"all {record.received:,} records are known")
                landing.discard(self.contract, record.batch_id)
                self.register.set_positions(positions.items())
                return
            self.register.receive(record)
            counts, version = write_batches(spark, rows, self.contract, {record.batch_id: fresh}, self.register.tried)
        finally:
            rows.unpersist()
        accepted = counts[record.batch_id]
        self.register.accept(record, accepted=accepted, rejected=rejected, delta_version=version, positions=positions)

    def _note_repetition(self, paging: Paging, payload: str, latest: Batch) -> None:
        record = self._record(paging, payload, latest.content_sha256 or "")
        record.received = len(paging.items)
        self.register.no_op(record, latest, digest_of(self.contract.id, payload, record.business_date.isoformat()))

    def _record(self, paging: Paging, payload: str, content: str) -> BatchRecord:
        business_date = get_settings().business_date
        manifest = {
            "resource": self.contract.id,
            "contract_version": self.contract.version,
            "source_file": self.place,
            "since": self.since,
            "pages": len(paging.pages),
            "payload_sha256": payload,
            "received_at": datetime.now(UTC).isoformat(),
        }
        return BatchRecord(
            batch_id=self.register.id_for(content, business_date),
            kind="pages",
            content_sha256=content,
            business_date=business_date,
            declared=paging.total,
            cursor_from=self.since,
            cursor_to=newest_change(paging.items, self.source.changed_at),
            manifest=manifest,
        )

    def _keep(self, record: BatchRecord, paging: Paging) -> Path:
        """Keep the pages as sent; return where their rows will lie."""
        for number, content in enumerate(paging.pages, 1):
            landing.keep_bytes(self.contract, record.batch_id, f"page-{number:05}.json", content)
        return landing.batch_folder(self.contract, record.batch_id) / landing.ROWS_FILE

    def _sink(self, record: BatchRecord, rows_file: Path) -> RowSink:
        return RowSink(
            rows_file,
            self.contract,
            batch_id=record.batch_id,
            source_file=self.place,
            received_at=datetime.now(UTC),
            source_at=None,
            changed_at=self.source.changed_at is not None,
        )


def newest_change(items: list[Any], name: str | None) -> str | None:
    """Return the newest time of change among records, as an instant; nothing when none has one.

    >>> newest_change([{"changed_at": "2026-03-01T08:00:00+08:00"}, {"changed_at": None}], "changed_at")
    '2026-03-01T00:00:00+00:00'
    """
    found: list[datetime] = []
    for item in items if name else ():
        value = item.get(name) if isinstance(item, dict) else None
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            continue
        found.append((moment if moment.tzinfo else moment.replace(tzinfo=BEIJING)).astimezone(UTC))
    return max(found).isoformat() if found else None
