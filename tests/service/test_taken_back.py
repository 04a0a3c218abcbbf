"""What was published is taken back on every way out: readable before, refused after, with the reason."""

import io
import json
from datetime import UTC, date, datetime, timedelta
from itertools import count

import httpx
import pyarrow.parquet as pq
import pytest
import yaml
from deltalake import write_deltalake
from sqlalchemy import select, update

from catalog.control.audit_tables import AuditEntry
from catalog.control.base import utc_now
from catalog.control.correction_cases import raise_case
from catalog.control.correction_tables import CorrectionCase
from catalog.control.event_tables import Event
from catalog.control.grant_tables import AccessGrant
from catalog.control.held_rows import RowsUnknownError, rows_to_take, withdrawals_gone
from catalog.control.life import next_number
from catalog.control.list_tables import NegativeListing
from catalog.control.recipients import add_grant, add_recipient, find_recipient
from catalog.control.session import session_scope
from catalog.control.shares import RowsTakenBackError
from catalog.control.tables import ShareVersion
from catalog.control.withdrawal import withdraw, withdraw_rows
from catalog.model.publication import published_with
from catalog.model.registry import get_registry
from catalog.model.roles import Role
from tests.exchange.contracts import in_force, write_shared
from tests.exchange.people import ASKER, PROVIDER
from tests.service.conftest import persons
from tests.service.samples.exchange import _application
from tests.service.world import World

COLUMNS = persons(0, 1).column_names
LAW = "《保守国家秘密法》第二十四条"
READER_DEPARTMENT = "housing"
MOST_TABLES = 30
_serials = count(1)


@pytest.fixture(scope="module")
def exchange(make_exchange, tmp_path_factory):
    """A service of its own, which knows the contracts of the tables that these tests make."""
    folder = tmp_path_factory.mktemp("contracts")
    for serial in range(1, MOST_TABLES + 1):
        write_shared(folder, f"trial.taken_{serial}", COLUMNS, code=f"301887/{serial}")
    served = make_exchange()
    served.settings["RESOURCE_PATH"] = str(folder)
    served.recipient("reader", "taken", department=READER_DEPARTMENT)
    served.contracts = folder
    served.start()
    with in_force(folder):
        yield served


@pytest.fixture(autouse=True)
def no_doubt(exchange):
    """Take away what an earlier test doubted: all tables are cut from one library."""
    with session_scope(exchange.control_url) as session:
        session.execute(update(CorrectionCase).values(state="closed"))


class Table:
    """A shared table of two versions, which one recipient has read."""

    def __init__(self, exchange, *, first=None, second=None) -> None:
        self.exchange, self.name = exchange, f"taken_{next(_serials)}"
        self.place = ("taken", "trial", self.name)
        self.path = "/shares/{}/schemas/{}/tables/{}".format(*self.place)
        self.folder = exchange.home / "lake" / "gold" / self.name
        write_deltalake(self.folder, persons(0, 20))
        said = published_with(get_registry().get(f"trial.{self.name}"))
        exchange.publish(*self.place, self.folder, 0, published_with={**said, **(first or {})})
        self.moment = datetime.now(UTC).isoformat()
        self.first_address = self.address()
        write_deltalake(self.folder, persons(20, 30), mode="append")
        exchange.publish(*self.place, self.folder, 1, published_with={**said, **(second or {})})
        self.second_address = self.address()

    def address(self, name: str = "reader") -> str:
        answer = self.exchange.query(self.path, None, name)
        assert answer.status_code == 200, answer.text
        return answer.text.split('"url":"')[1].split('"')[0]

    def ways(self, name: str = "reader") -> dict[str, httpx.Response]:
        """Ask for the first version on every way that it has."""
        get = self.exchange.get
        return {
            "query": self.exchange.query(self.path, {"version": 1}, name),
            "metadata": get(f"{self.path}/metadata?version=1", name),
            "query by moment": self.exchange.query(self.path, {"timestamp": self.moment}, name),
            "metadata by moment": get(f"{self.path}/metadata", name, params={"timestamp": self.moment}),
            "file": httpx.get(self.first_address),
        }

    def ways_now(self, name: str = "reader") -> dict[str, httpx.Response]:
        """Ask for what is served now on every way that it has."""
        get = self.exchange.get
        return {
            "query": self.exchange.query(self.path, None, name),
            "metadata": get(f"{self.path}/metadata", name),
            "version": get(f"{self.path}/version", name),
            "file": httpx.get(self.second_address),
        }

    def is_listed(self, name: str = "reader") -> bool:
        items = self.exchange.get("/shares/taken/all-tables", name, params={"maxResults": 500}).json().get("items", [])
        return self.name in {item["name"] for item in items}

    def version(self, number: int) -> ShareVersion:
        with session_scope(self.exchange.control_url) as session:
            place = (ShareVersion.table_name == self.name, ShareVersion.version == number)
            return session.scalars(select(ShareVersion).where(*place)).one()

    def told(self, kind: str) -> list[Event]:
        with session_scope(self.exchange.control_url) as session:
            events = session.scalars(select(Event).where(Event.kind == kind).order_by(Event.id)).all()
            return [event for event in events if self.name in str(event.payload.get("table"))]

    def flags(self, name: str) -> httpx.Response:
        """Ask which values of the table are doubted."""
        return self.exchange.query(f"{self.path}_flags", None, name)

    def doubt(self, row: str, column: str = "name") -> str:
        with session_scope(self.exchange.control_url) as session:
            return raise_case(
                session, resource=f"trial.{self.name}", row_key=row, column=column, doubted_department=PROVIDER,
                evidence={"statement": "不同"}, actor=ASKER, kind="department",
            ).number  # fmt: skip

    def narrow(self, name: str, items: list[str]) -> None:
        """Make a recipient whose grant is narrower than the table."""
        with session_scope(self.exchange.control_url) as session:
            until = utc_now() + timedelta(days=1)
            _, self.exchange.tokens[name] = add_recipient(session, name, department="water", expires_at=until)
            application = _application(session, "water")
            session.add(
                AccessGrant(
                    number=next_number(session, "grant", 2026), application=application.number, code=application.code,
                    resource=f"trial.{self.name}", provider=PROVIDER, department="water", recipient=name, items=items,
                    is_narrower=True, row_scope={}, purpose="核验", mode="table", quota_per_day=1,
                    valid_from=date(2020, 1, 1), valid_to=date(2090, 1, 1),
                )
            )  # fmt: skip


def told(answer: httpx.Response) -> list[str]:
    """Return the rows that an answer of flags tells of."""
    assert answer.status_code == 200, answer.text
    found = [line["file"] for line in map(json.loads, answer.text.splitlines()) if "file" in line]
    tables = [pq.read_table(io.BytesIO(httpx.get(file["url"]).content)) for file in found]
    return sorted(row for table in tables for row in table.column("person_id").to_pylist())


def codes(ways: dict[str, httpx.Response]) -> set[tuple[int, str]]:
    """Return how all ways answer, and see that there were some."""
    assert len(ways) >= 4
    return {
        (answer.status_code, "" if answer.status_code == 200 else answer.json()["errorCode"])
        for answer in ways.values()
    }


def keep_back(exchange, department: str, element: str) -> int:
    """Put an element on the negative list, past all that follows from it."""
    with session_scope(exchange.control_url) as session:
        line = NegativeListing(
            title=f"{element} {next(_serials)}", department=department, elements=[element], citation=LAW, listed_by="t"
        )
        session.add(line)
        session.flush()
        return line.id


def take_off(exchange, line: int) -> None:
    with session_scope(exchange.control_url) as session:
        session.get_one(NegativeListing, line).ended_at = utc_now()


def test_a_superseded_version_is_read_until_its_age_ends_it(exchange):
    table = Table(exchange)
    assert codes(table.ways()) == {(200, "")}
    first = table.version(1)
    assert first.status == "superseded" and (first.ends_at - first.superseded_at).days == 30
    with session_scope(exchange.control_url) as session:
        session.execute(update(ShareVersion).where(ShareVersion.id == first.id).values(ends_at=utc_now()))
    assert codes(table.ways()) == {(410, "VERSION_ENDED")}
    message = table.ways()["query"].json()["message"]
    assert "version 2 is served now" in message and "superseded" in message
    assert codes(table.ways_now()) == {(200, "")} and table.is_listed()
    since = exchange.get(f"{table.path}/version", params={"startingTimestamp": table.moment})
    assert since.headers["Delta-Table-Version"] == "2"
    with session_scope(exchange.control_url) as session:
        refused = session.scalars(select(AuditEntry).where(AuditEntry.outcome == "refused")).all()
        assert any("VERSION_ENDED" in (entry.reason or "") for entry in refused)


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ({"where": "true"}, {"where": "is_alive"}, "condition on its rows"),
        ({"columns": {"gone": {"element": "person_name", "mask": None, "transform": ""}}}, {}, "column gone went"),
        (
            {"columns": {"name": {"element": "person_name", "mask": "first_6", "transform": ""}}},
            {"columns": {"name": {"element": "person_name", "mask": "all", "transform": ""}}},
            "mask of name became harder",
        ),
    ],
)
def test_a_narrower_version_ends_the_wider_ones_at_once(exchange, first, second, words):
    table = Table(exchange, first=first, second=second)
    assert codes(table.ways()) == {(410, "VERSION_ENDED")}
    assert words in table.ways()["metadata"].json()["message"]
    assert codes(table.ways_now()) == {(200, "")}
    [told] = table.told("share.version_ended")
    assert READER_DEPARTMENT in told.departments and words in told.payload["reason"]


def test_what_a_superseded_version_was_published_with_is_held_against_the_list(exchange):
    said = {"columns": {name: {"element": "contact_telephone", "mask": None, "transform": ""} for name in COLUMNS[:2]}}
    table = Table(exchange, first=said, second=said)
    assert codes(table.ways()) == {(200, "")}
    line = keep_back(exchange, PROVIDER, "contact_telephone")
    refused = {answer.status_code: answer for answer in table.ways().values()}
    take_off(exchange, line)
    assert set(refused) == {403} and refused[403].json()["errorCode"] == "KEPT_BACK"
    assert LAW in refused[403].json()["message"]
    assert codes(table.ways()) == {(200, "")}


def test_a_grant_opens_no_version_of_before_unless_it_says_so(exchange):
    table = Table(exchange)
    exchange.recipient("late", *table.place)
    assert codes(table.ways()) == {(200, "")}
    late = table.ways("late")
    assert {late[way].status_code for way in ("query", "metadata", "query by moment", "metadata by moment")} == {404}
    assert exchange.query(table.path, None, "late").status_code == 200
    with session_scope(exchange.control_url) as session:
        until = utc_now() + timedelta(days=1)
        add_grant(
            session, find_recipient(session, "late"), share=table.place[0], schema_name=table.place[1],
            table_name=table.name, purpose="核验", valid_to=until, opens_earlier=True,
        )  # fmt: skip
    assert table.ways("late")["query"].status_code == 200


def test_a_withdrawn_version_is_refused_with_the_reason_and_none_takes_its_place(exchange):
    table = Table(exchange)
    assert codes(table.ways_now()) == {(200, "")}
    with session_scope(exchange.control_url) as session:
        withdraw(session, *table.place, numbers=[2], reason="含已注销人员", by="示范管理员")
    assert codes(table.ways_now()) == {(410, "VERSION_WITHDRAWN")} and not table.is_listed()
    assert exchange.query(table.path, {"timestamp": utc_now().isoformat()}).status_code == 410
    assert codes(table.ways()) == {(200, "")}


def test_rows_taken_back_close_versions_that_hold_them_until_one_without_is_published(exchange):
    table = Table(exchange)
    with session_scope(exchange.control_url) as session:
        with pytest.raises(RowsUnknownError, match="1 of 2 keys"):
            rows_to_take(session, table.place, ["p00025", "p99999"])
        taken = rows_to_take(session, table.place, ["p00025"])
        assert (taken.key_column, taken.held_by) == ("person_id", [table.version(2).id])
        [done] = withdraw_rows(session, table.place, taken, reason="错误关联", by="示范管理员")
    assert codes(table.ways_now()) == {(410, "ROWS_WITHDRAWN")} and not table.is_listed()
    assert done.number in exchange.query(table.path).json()["message"]
    assert codes(table.ways()) == {(200, "")}
    write_deltalake(table.folder, persons(30, 31), mode="append")
    with pytest.raises(RowsTakenBackError, match=done.number):
        exchange.publish(*table.place, table.folder, 2)
    assert codes(table.ways_now()) == {(410, "ROWS_WITHDRAWN")}
    write_deltalake(table.folder, persons(0, 20), mode="overwrite")
    with session_scope(exchange.control_url) as session:
        assert withdrawals_gone(session, table.place, table.folder.as_uri(), 2) == []
        gone = withdrawals_gone(session, table.place, table.folder.as_uri(), 3)
    exchange.publish(*table.place, table.folder, 3, rows_gone=gone)
    assert exchange.query(table.path).status_code == 200 and table.is_listed()


def test_each_receiver_answers_for_its_own_systems_and_who_has_not_is_seen(exchange):
    table = Table(exchange)
    with session_scope(exchange.control_url) as session:
        [done] = withdraw(session, *table.place, numbers=[2], reason="含已注销人员", by="示范管理员")
    world, at = World(exchange), f"/withdrawals/{done.number}"
    own = world.token(Role.REQUESTER_OFFICER, department=READER_DEPARTMENT)
    other = world.token(Role.REQUESTER_OFFICER, department="water")
    provider, host = world.token(Role.PROVIDER_OFFICER, department=PROVIDER), world.token(Role.HOST_AUTHORITY)
    assert world.call("GET", at, other).status_code == 404
    seen = world.call("GET", at, own).json()
    assert (seen["outstanding"], seen["versions"]) == (1, [2]) and seen["receivers"][0]["due_on"]
    for officer in (provider, host):
        [listed] = [
            one for one in world.call("GET", "/withdrawals", officer).json()["items"] if one["number"] == done.number
        ]
        assert listed["outstanding"] == 1
    body = {"recipient": "reader", "answer": "kept_by_law"}
    assert world.call("POST", f"{at}/acknowledgements", other, json=body).status_code == 404
    assert world.call("POST", f"{at}/acknowledgements", provider, json=body).status_code == 403
    assert world.call("POST", f"{at}/acknowledgements", own, json=body).status_code == 409
    kept = world.call("POST", f"{at}/acknowledgements", own, json={**body, "reason": "《档案法》第十三条"})
    assert kept.status_code == 200 and kept.json()["outstanding"] == 0, kept.text
    deleted = {"recipient": "reader", "answer": "deleted"}
    assert world.call("POST", f"{at}/acknowledgements", own, json=deleted).status_code == 200
    assert world.call("POST", f"{at}/acknowledgements", own, json=deleted).status_code == 409
    receiver = world.call("GET", at, host).json()["receivers"][0]
    assert (receiver["answer"], receiver["receiving_department"]) == ("deleted", READER_DEPARTMENT)
    assert receiver["answered_by"].startswith("person:")


def test_nobody_is_told_of_doubts_on_a_row_taken_back(exchange):
    table = Table(exchange)
    table.narrow("part-of-rows", ["person_id", "name"])
    for row in ("p00003", "p00025"):
        table.doubt(row)
    before = table.flags("part-of-rows")
    address = before.text.split('"url":"')[1].split('"')[0]
    assert told(before) == told(table.flags("reader")) == ["p00003", "p00025"]
    with session_scope(exchange.control_url) as session:
        taken = rows_to_take(session, table.place, ["p00025"])
        withdraw_rows(session, table.place, taken, reason="错误关联", by="示范管理员")
    assert told(table.flags("part-of-rows")) == ["p00003"]
    assert httpx.get(address).status_code == 403
    assert table.flags("reader").status_code == 404


def test_doubts_on_what_is_kept_back_are_told_to_nobody_not_even_by_an_address_of_before(exchange):
    said = {"columns": {"name": {"element": "contact_telephone", "mask": None, "transform": ""}}}
    table = Table(exchange, first=said, second=said)
    table.doubt("p00003")
    table.doubt("p00004", "birth_date")
    before = table.flags("reader")
    address = before.text.split('"url":"')[1].split('"')[0]
    assert told(before) == ["p00003", "p00004"]
    line = keep_back(exchange, PROVIDER, "contact_telephone")
    now, refused, whole = table.flags("reader"), httpx.get(address), exchange.query(table.path)
    seen = told(now)
    take_off(exchange, line)
    assert (whole.status_code, seen, refused.status_code) == (403, ["p00004"], 403)
    assert told(table.flags("reader")) == ["p00003", "p00004"] and httpx.get(address).status_code == 200


@pytest.mark.parametrize(
    ("change", "refusal"),
    [({"status": "retired"}, (410, "CONTRACT_RETIRED")), ({"share": "refused"}, (403, "CONTRACT_REFUSED"))],
)
def test_what_a_contract_shares_no_more_is_read_by_nobody(exchange, change, refusal):
    table = Table(exchange)
    table.narrow(f"part-of-{table.name}", ["person_id", "name"])
    table.doubt("p00003")
    assert told(table.flags(f"part-of-{table.name}")) == ["p00003"]
    assert codes(table.ways()) == codes(table.ways_now()) == {(200, "")} and table.is_listed()
    path = exchange.contracts / "trial" / f"{table.name}.yml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    if "status" in change:
        document["status"] = change["status"]
    else:
        document["government"]["share"] |= {"type": "refused", "legal_citation": LAW}
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    exchange.stop()
    exchange.start()
    assert codes(table.ways()) == codes(table.ways_now()) == {refusal}
    assert not table.is_listed() and table.flags(f"part-of-{table.name}").status_code == 404


def test_a_version_whose_files_are_gone_counts_as_holding_every_row(exchange):
    table = Table(exchange)
    with session_scope(exchange.control_url) as session:
        assert rows_to_take(session, table.place, ["p00025"]).held_by == [table.version(2).id]
        for file in table.folder.glob("*.parquet"):
            file.unlink()
        assert rows_to_take(session, table.place, ["p00025"]).held_by == [table.version(n).id for n in (1, 2)]
