"""What a grant says holds when its recipient reads: quota, items, rows, term, and the entry that it rests on."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count

import httpx
import pytest
from deltalake import write_deltalake
from sqlalchemy import select, update

from catalog.control.applications import grant_of, submit_application
from catalog.control.audit_tables import AuditEntry
from catalog.control.base import utc_now
from catalog.control.clocks import ZONE, local_day
from catalog.control.event_tables import Event
from catalog.control.grant_tables import AccessGrant
from catalog.control.recipients import add_grant, add_recipient, find_recipient
from catalog.control.session import session_scope
from catalog.control.tables import ShareVersion
from catalog.model.roles import Role
from catalog.model.state_machine import Actor
from tests.exchange.contracts import ELEMENT, in_force, write_shared
from tests.exchange.people import HEAD, an_entry, an_item, publish
from tests.exchange.test_applications import a_form
from tests.service.conftest import persons
from tests.service.world import World

PROVIDER, REQUESTER = HEAD.department, "housing"
COLUMNS = persons(0, 1).column_names
ASKER = Actor("person:示范经办二", REQUESTER, frozenset({"requester_officer"}))
_serials = count(1)
LAW = "《保守国家秘密法》第二十四条"
LISTED = "contact_telephone"
MOST_TABLES = 30


def item(name: str, element: str = ELEMENT) -> dict:
    return an_item(name, "unconditional", element=element, classification="personal")


@pytest.fixture(scope="module")
def exchange(make_exchange, tmp_path_factory):
    """A service of its own, which knows the contracts of the tables that these tests make."""
    folder = tmp_path_factory.mktemp("contracts")
    for serial in range(1, MOST_TABLES + 1):
        write_shared(folder, f"trial.granted_{serial}", (*COLUMNS, "telephone"), code=f"301888/{serial}")
        own = {COLUMNS[0]: LISTED}
        write_shared(folder, f"trial.listed_{serial}", COLUMNS, code=f"301889/{serial}", elements=own)
    served = make_exchange()
    served.settings["RESOURCE_PATH"] = str(folder)
    served.recipient("reader", "population")
    served.start()
    with in_force(folder):
        yield served


class Granted:
    """A table of twenty rows, its entry and one grant on it."""

    def __init__(self, exchange, *, entry: dict | None = None, is_listed: bool = False, **form) -> None:
        serial = next(_serials)
        kind, group = ("listed", "301889") if is_listed else ("granted", "301888")
        self.exchange, self.name, self.code = exchange, f"{kind}_{serial}", f"{group}/{serial}"
        self.recipient = f"reader-of-{serial}"
        folder = exchange.home / "lake" / "gold" / self.name
        write_deltalake(folder, persons(0, 20))
        exchange.publish("limits", "trial", self.name, folder, 0)
        self.path = f"/shares/limits/schemas/trial/tables/{self.name}"
        today = local_day(utc_now())
        with session_scope(exchange.control_url) as session:
            _, token = add_recipient(
                session, self.recipient, department=REQUESTER, expires_at=utc_now() + timedelta(days=9)
            )
            publish(session, self.entry(**(entry or {})), at=utc_now())
            asked = a_form(
                self.code, recipient=self.recipient, **{"term_from": today, "term_to": today + timedelta(5), **form}
            )  # fmt: skip
            self.number = grant_of(session, submit_application(session, asked, ASKER).number).number
        exchange.tokens[self.recipient] = token

    def entry(self, **more):
        items = more.pop("items", [item(name) for name in COLUMNS])
        return an_entry(
            self.code, self.name, resource=f"trial.{self.name}", share_type="unconditional", items=items, **more
        )

    def query(self, body: dict | None = None) -> httpx.Response:
        return self.exchange.query(self.path, body, self.recipient)

    def address(self) -> str:
        answer = self.query()
        assert answer.status_code == 200, answer.text
        return answer.text.split('"url":"')[1].split('"')[0]

    def grant(self) -> AccessGrant:
        with session_scope(self.exchange.control_url) as session:
            return session.get_one(AccessGrant, self.number)

    def set(self, **values) -> None:
        with session_scope(self.exchange.control_url) as session:
            session.execute(update(AccessGrant).where(AccessGrant.number == self.number).values(values))

    def told(self, kind: str) -> Event:
        with session_scope(self.exchange.control_url) as session:
            query = select(Event).where(Event.kind == kind, Event.object == f"grant:{self.number}")
            return session.scalars(query).one()

    def audited(self, act: str) -> AuditEntry:
        with session_scope(self.exchange.control_url) as session:
            query = select(AuditEntry).where(AuditEntry.act == act, AuditEntry.object == f"grant:{self.number}")
            return session.scalars(query).one()


@pytest.fixture(scope="module")
def officers(exchange):
    """Return a function that sends an entry of the provider through both reviews, or withdraws it, over HTTP."""
    world = World(exchange)
    drafter, head = (
        world.token(Role.PROVIDER_OFFICER, department=PROVIDER),
        world.token(Role.PROVIDER_OFFICER, Role.STEWARD, department=PROVIDER),
    )
    host = world.token(Role.HOST_AUTHORITY)
    review = {"conclusion": "符合要求", "signed_by": "示范负责人"}

    def step(token, number, act, **facts):
        answer = world.call("POST", f"/entries/{number}/steps", token, json={"act": act, **facts})
        assert answer.status_code == 200, answer.text

    def act(kind: str, entry=None, number: str = "", status: int = 200):
        if kind == "publish":
            made = world.call("POST", "/entries", drafter, json={"entry": entry.model_dump(mode="json")})
            assert made.status_code == 201, made.text
            number = made.json()["number"]
            step(drafter, number, "submit")
            step(head, number, "endorse", secrecy_review=review, personal_assessment=review)
            step(host, number, "publish")
        elif kind == "withdraw":
            code = entry.code
            found = [e for e in world.call("GET", f"/catalogue?q={code}", host).json()["items"] if e["code"] == code]
            step(head, found[0]["number"], "withdraw", reason="机构改革")
        else:
            answer = world.call("POST", f"/grants/{number}/steps", head, json={"act": kind})
            assert answer.status_code == status, answer.text
            return answer.json()
        return None

    return act


def test_the_quota_of_a_day_is_told_and_kept(exchange):
    granted = Granted(exchange, volume_per_day=50)
    assert [granted.query().status_code for _ in range(2)] == [200, 200]
    refused = granted.query()
    assert (refused.status_code, refused.headers["content-type"]) == (429, "application/problem+json")
    told = refused.json()
    assert (told["code"], told["errorCode"], told["quota"], told["used"]) == ("QUOTA_USED_UP", "QUOTA_USED_UP", 50, 40)
    resets_at = datetime.fromisoformat(told["resets_at"])
    assert resets_at.astimezone(ZONE).time().isoformat() == "00:00:00"
    assert 0 < (resets_at - datetime.now(UTC)).total_seconds() <= 86_400
    assert 0 < int(refused.headers["retry-after"]) <= 86_400
    assert exchange.get(f"{granted.path}/version", granted.recipient).status_code == 200
    assert granted.query({"limitHint": 0}).status_code == 200
    granted.set(quota_per_day=60)
    assert granted.query().status_code == 200


def test_readers_at_one_time_never_get_more_than_the_quota(exchange):
    granted = Granted(exchange, volume_per_day=70)
    with ThreadPoolExecutor(8) as readers:
        statuses = sorted(answer.status_code for answer in readers.map(lambda _: granted.query(), range(8)))
    assert statuses == [200] * 3 + [429] * 5


def test_a_quota_below_the_table_is_told_as_one_that_no_day_mends(exchange):
    granted = Granted(exchange, volume_per_day=19)
    refused = granted.query()
    assert (refused.status_code, refused.json()["errorCode"]) == (403, "QUOTA_BELOW_TABLE")
    assert granted.number in refused.json()["message"]


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"items": ("name",)}, "items name alone"),
        ({"row_scope": {"divisions": ["510104"]}}, "some rows"),
        ({"row_scope": {"condition": "本辖区"}}, "some rows"),
        ({"mode": "lookup"}, "for lookup"),
    ],
)
def test_a_narrower_grant_is_refused_in_words_and_never_served_whole(exchange, form, words):
    granted = Granted(exchange, volume_per_day=10_000, **form)
    for answer in (granted.query(), exchange.get(f"{granted.path}/metadata", granted.recipient)):
        assert (answer.status_code, answer.json()["errorCode"]) == (403, "GRANT_NARROWER")
        assert words in answer.json()["message"]
    shares = [share["name"] for share in exchange.get("/shares", granted.recipient).json()["items"]]
    known_rows = form == {"row_scope": {"divisions": ["510104"]}}
    assert shares == (["limits"] if known_rows else [])
    if known_rows:
        listed = exchange.get("/shares/limits/all-tables", granted.recipient).json()["items"]
        assert [table["name"] for table in listed] == [f"{granted.name}_flags"], "the doubts on its rows, and no row"


def test_columns_that_the_table_got_later_are_not_handed_out(exchange):
    granted = Granted(exchange, volume_per_day=10_000)
    address = granted.address()
    assert httpx.get(address).status_code == 200
    folder = exchange.home / "lake" / "gold" / granted.name
    rows = persons(0, 20)
    write_deltalake(folder, rows.append_column("telephone", [["x"] * 20]), mode="overwrite", schema_mode="overwrite")
    exchange.publish("limits", "trial", granted.name, folder, 1)
    for answer in (granted.query(), exchange.get(f"{granted.path}/metadata", granted.recipient)):
        assert (answer.status_code, answer.json()["errorCode"]) == (403, "GRANT_NARROWER")
        assert "telephone" in answer.json()["message"]
    assert granted.query({"version": 1}).status_code == 200


def test_a_grant_opens_no_version_superseded_before_its_first_day_unless_it_says_so(exchange):
    granted = Granted(exchange, volume_per_day=10_000)
    folder = exchange.home / "lake" / "gold" / granted.name
    write_deltalake(folder, persons(20, 25), mode="append")
    exchange.publish("limits", "trial", granted.name, folder, 1)
    assert granted.query({"version": 1}).status_code == 200
    before = utc_now() - timedelta(days=2)
    with session_scope(exchange.control_url) as session:
        first = (ShareVersion.table_name == granted.name, ShareVersion.version == 1)
        session.execute(update(ShareVersion).where(*first).values(superseded_at=before))
    assert [granted.query({"version": 1}).status_code, granted.query().status_code] == [404, 200]
    granted.set(opens_earlier=True)
    assert granted.query({"version": 1}).status_code == 200


def test_a_term_ends_by_its_date_though_no_daily_round_came(exchange):
    granted = Granted(exchange, volume_per_day=10_000)
    address = granted.address()
    assert httpx.get(address).status_code == 200
    yesterday = local_day(utc_now()) - timedelta(days=1)
    granted.set(valid_from=yesterday, valid_to=yesterday)
    assert granted.grant().state == "active"
    assert granted.query().status_code == 404
    assert httpx.get(address).status_code == 403


def test_a_withdrawn_entry_ends_its_grants_at_once(exchange, officers):
    granted = Granted(exchange, volume_per_day=10_000)
    address = granted.address()
    officers("withdraw", granted.entry())
    assert granted.query().status_code == 404
    assert httpx.get(address).status_code == 403
    assert (granted.grant().state, "机构改革" in granted.grant().reason) == ("revoked", True)
    assert {REQUESTER, PROVIDER} <= set(granted.told("grant.revoke").departments)
    assert granted.audited("grant.revoke").actor == "service:platform"


def test_a_new_version_on_harder_terms_suspends_until_the_provider_resumes(exchange, officers):
    granted = Granted(exchange, volume_per_day=10_000)
    same = granted.entry(abstract="表述修订")
    officers("publish", same)
    assert granted.query().status_code == 200
    officers("publish", granted.entry(abstract="表述修订", use_conditions="不得留存"))
    assert granted.query().status_code == 404
    assert granted.grant().state == "suspended" and "conditions of use" in granted.grant().reason
    assert REQUESTER in granted.told("grant.suspend").departments
    assert "conditions of use" in granted.audited("grant.suspend").detail
    officers("resume", number=granted.number)
    assert granted.query().status_code == 200
    fewer = [item(name) for name in COLUMNS[1:]]
    officers("publish", granted.entry(items=fewer, use_conditions="不得留存"))
    assert granted.query().status_code == 404
    assert COLUMNS[0] in officers("resume", number=granted.number, status=409)["detail"]


def test_a_new_version_with_more_items_makes_the_grant_narrower(exchange, officers):
    granted = Granted(exchange, volume_per_day=10_000)
    more = [item(name) for name in (*COLUMNS, "telephone")]
    officers("publish", granted.entry(items=more))
    refused = granted.query()
    assert (refused.status_code, refused.json()["errorCode"]) == (403, "GRANT_NARROWER")
    assert granted.grant().state == "active" and REQUESTER in granted.told("grant.narrow").departments
    officers("publish", granted.entry())
    assert granted.query().status_code == 200


@pytest.fixture
def negative(exchange):
    """Return a function that lists an element over HTTP, and one that takes it off again."""
    world = World(exchange)
    host, lines = world.token(Role.HOST_AUTHORITY), []

    def add(element: str) -> None:
        line = {"title": f"不共享{element}", "department": PROVIDER, "elements": [element], "citation": LAW}
        answer = world.call("POST", "/negative-list", host, json=line)
        assert answer.status_code == 201, answer.text
        lines.append(answer.json()["id"])

    def end() -> None:
        while lines:
            assert world.call("DELETE", f"/negative-list/{lines.pop()}", host).status_code == 200

    yield add, end
    end()


def test_what_the_negative_list_forbids_is_read_by_nobody_from_the_next_request_on(exchange, negative):
    keep_back, take_off = negative
    granted = Granted(exchange, volume_per_day=10_000, is_listed=True, entry={"items": listed_items()})
    other = Granted(exchange, volume_per_day=10_000)
    address = granted.address()
    keep_back(LISTED)
    refused = granted.query()
    assert (refused.status_code, refused.json()["errorCode"]) == (403, "KEPT_BACK")
    assert COLUMNS[0] in refused.json()["message"] and LAW in refused.json()["message"]
    assert httpx.get(address).status_code == 403
    assert granted.grant().state == "suspended" and LAW in granted.grant().reason
    assert REQUESTER in granted.told("grant.suspend").departments
    read_by_command(exchange, granted)
    for answer in (granted.query(), exchange.get(f"{granted.path}/metadata", granted.recipient)):
        assert (answer.status_code, answer.json()["errorCode"]) == (403, "KEPT_BACK")
    assert httpx.get(address).json()["errorCode"] == "KEPT_BACK"
    assert other.query().status_code == 200
    item = shown(exchange, granted.code)["items"][0]
    assert (item["name"], item["share_type"], item["legal_citation"]) == (COLUMNS[0], "refused", LAW)
    take_off()
    assert granted.query().status_code == 200


def listed_items() -> list[dict]:
    first, *rest = COLUMNS
    return [item(first, LISTED), *map(item, rest)]


def read_by_command(exchange, granted: Granted) -> None:
    """Let the recipient read by a line made by command, as if nobody had suspended anything."""
    with session_scope(exchange.control_url) as session:
        add_grant(
            session, find_recipient(session, granted.recipient), share="limits", schema_name="trial",
            table_name=granted.name, purpose="核验", valid_to=utc_now() + timedelta(days=9),
        )  # fmt: skip


def shown(exchange, code: str) -> dict:
    """Return a published entry as the catalogue shows it."""
    world = World(exchange)
    token = world.token(Role.REQUESTER_OFFICER, department=REQUESTER)
    found = [e for e in world.call("GET", f"/catalogue?q={code}", token).json()["items"] if e["code"] == code]
    return world.call("GET", f"/catalogue/entries/{found[0]['number']}", token).json()["content"]
