"""Ten thousand random doubts on what their raisers may not doubt start no clock and open no case."""

import random
import secrets
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from fastapi import Response
from pydantic import ValidationError
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalog.control.clock_tables import ClockRecord
from catalog.control.correction_cases import raise_case
from catalog.control.correction_tables import CorrectionCase
from catalog.control.grant_tables import AccessGrant
from catalog.control.life import next_number
from catalog.control.migrations import migrate
from catalog.control.recipients import add_grant, add_recipient
from catalog.control.session import engine, session_scope
from catalog.control.shares import publish_share_version
from catalog.control.tables import ShareVersion
from catalog.model.caller import Caller
from catalog.model.registry import get_registry
from catalog.model.roles import Role
from catalog.model.settings import get_settings
from catalog.model.state_machine import Actor
from catalog.service.api.corrections import NewCase, raise_one
from catalog.service.api_problems import ProblemError
from tests.service.samples.exchange import _application

RESOURCE, WITHDRAWN, UNSERVED = "population.resident_basic", "legal_entity.entity_basic", "licence.valid_licence"
PROVIDER, SEEDS, DOUBTS = "public_security", range(10), 1_000
COLUMNS = get_registry().get(RESOURCE).columns
ROWS = [f"p{row:05d}" for row in range(60)]
"""The first twenty lie in 510104, the next in 510105; the last ones came with a version that is not published."""


@pytest.fixture(scope="module")
def lake(database_server, tmp_path_factory) -> Iterator[str]:
    """Return a control plane over a lake with a served, a withdrawn and an unpublished table."""
    url, home = database_server.create_database(), tmp_path_factory.mktemp("doubts")
    migrate(url=url)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AUDIT_KEY", "CREDENTIAL_KEY"):
            patch.setenv(name, secrets.token_hex(32))
        patch.setenv("GUANTONG_HOME", str(home))
        get_settings.cache_clear()
        write(url, home)
        yield url
    get_settings.cache_clear()


def write(url: str, home: Path) -> None:
    table = home / "lake" / "gold" / "population__resident_basic"
    for first, division in ((0, "510104"), (20, "510105"), (40, "510105")):
        rows = {name: [f"{name} {row}" for row in range(20)] for name in COLUMNS}
        known = {"person_id": ROWS[first : first + 20], "division_code": [division] * 20}
        write_deltalake(table, pa.table({**rows, **known}), mode="append")
    with session_scope(url) as session:
        for number, version in ((1, 0), (2, 1)):
            publish(session, RESOURCE, version, 20 * number)
        publish(session, WITHDRAWN, 0, 20).status = "withdrawn"
        until = datetime.now(UTC) + timedelta(days=1)
        reader, _ = add_recipient(session, "housing-reads", department="housing", expires_at=until)
        add_grant(session, reader, share="city", purpose="核验", valid_to=until)
        grant(session, "human_resources", ["person_id", "name"], {"divisions": ["510104"]})
        grant(session, "education", ["person_id", "name"], {"condition": "本区申请人"})
        grant(session, "transport", ["person_id", "name"], {}, until=date(2026, 1, 1))
        for row in ROWS[:10]:
            doubt_of(session, row)


def publish(session: Session, resource: str, version: int, rows: int) -> ShareVersion:
    schema, name = resource.split(".")
    return publish_share_version(
        session, share="city", schema_name=schema, table_name=name, resource=resource, delta_version=version,
        table_uri="gold/population__resident_basic", rows=rows, schema_json={},
    )  # fmt: skip


def grant(session: Session, department: str, items: list[str], scope: dict, until: date = date(2090, 1, 1)) -> None:
    session.add(
        AccessGrant(
            number=next_number(session, "grant", 2026), application=_application(session, department).number,
            code="101001/2", resource=RESOURCE, provider=PROVIDER, department=department, items=items,
            is_narrower=True, row_scope=scope, purpose="核验", mode="lookup", quota_per_day=1,
            valid_from=date(2020, 1, 1), valid_to=until,
        )
    )  # fmt: skip


def doubt_of(session: Session, row: str) -> None:
    """Open a case of the housing department on the name of a row."""
    raise_case(
        session, resource=RESOURCE, row_key=row, column="name", doubted_department=PROVIDER,
        evidence={"statement": "不同"}, kind="department",
        actor=Actor("person:甲", "housing", frozenset({"requester_officer"})),
    )  # fmt: skip


def counts(session: Session) -> tuple[int, int]:
    clocks = select(func.count()).select_from(ClockRecord).where(ClockRecord.kind == "correction_case")
    return session.scalar(select(func.count()).select_from(CorrectionCase)), session.scalar(clocks)


def forbidden(chance: random.Random) -> tuple[str, str, dict[str, str]]:
    """Return a kind of doubt that is not allowed, who raises it, and what it says."""
    kind = chance.choice(KINDS)
    row, column = chance.choice(ROWS[:40]), chance.choice(COLUMNS)
    strangers = ("water", "market_regulation", "education", "transport", "drug_administration")
    nobodys_row = chance.choice([f"p{chance.randrange(10**6, 10**7)}", f"{chance.getrandbits(96):024x}", "P00003"])
    made = {
        "row that does not exist": ("housing", RESOURCE, nobodys_row, column),
        "row not published yet": ("housing", RESOURCE, chance.choice(ROWS[40:]), column),
        "column not granted": (
            "human_resources", RESOURCE, chance.choice(ROWS[:20]),
            chance.choice([name for name in COLUMNS if name not in ("person_id", "name")]),
        ),
        "row out of scope": ("human_resources", RESOURCE, chance.choice(ROWS[20:40]), "name"),
        "no grant, or none that holds": (chance.choice(strangers), RESOURCE, row, column),
        "another department's case": (chance.choice(strangers), RESOURCE, chance.choice(ROWS[:10]), "name"),
        "version withdrawn": (
            chance.choice(["housing", "market_regulation"]), WITHDRAWN, row,
            chance.choice(get_registry().get(WITHDRAWN).columns),
        ),
        "table never served": ("housing", UNSERVED, row, chance.choice(get_registry().get(UNSERVED).columns)),
        "no such column": ("housing", RESOURCE, row, f"{column}{chance.randrange(9)}"),
        "no such resource": ("housing", f"population.{chance.randrange(99)}", row, column),
        "library or source": (
            chance.choice(["housing", PROVIDER]), chance.choice(["population.person", "population.resident"]), row,
            "name",
        ),
        "national number for a key": ("housing", RESOURCE, "11010519491231002X", "name"),
        "words for a key": ("housing", RESOURCE, chance.choice(["' OR 1=1", "p0/0", "", "行" * 9, "p" * 65]), column),
    }  # fmt: skip
    department, resource, key, name = made[kind]
    return kind, department, {"resource": resource, "row_key": key, "column": name, "statement": "不同"}


KINDS = (
    "row that does not exist", "row not published yet", "column not granted", "row out of scope",
    "no grant, or none that holds", "another department's case", "version withdrawn", "table never served",
    "no such column", "no such resource", "library or source", "national number for a key", "words for a key",
)  # fmt: skip


def refused(session: Session, department: str, body: dict[str, str]) -> bool:
    """Raise a doubt as the endpoint does, in a transaction of its own; tell whether it was refused."""
    who = Caller("person", 1, "甲", department, frozenset({Role.REQUESTER_OFFICER}))
    try:
        raise_one(session, who, Response(), NewCase.model_validate(body))
    except (ProblemError, ValidationError):
        session.rollback()
        return True
    session.commit()
    return False


@pytest.mark.parametrize("seed", SEEDS)
def test_ten_thousand_forbidden_doubts_start_no_clock_and_open_no_case(lake, seed):
    """A thousand of them for each seed."""
    assert len(SEEDS) * DOUBTS == 10_000
    chance, seen, let_in = random.Random(20261128 + seed), Counter(), []
    with Session(engine(lake), expire_on_commit=False) as session:
        before = counts(session)
        assert before[0] == before[1] >= 10
        for _ in range(DOUBTS):
            kind, department, body = forbidden(chance)
            seen[kind] += 1
            if not refused(session, department, body):
                let_in.append((kind, department, body))
        assert let_in == []
        assert counts(session) == before
        assert sum(seen.values()) == DOUBTS and set(seen) == set(KINDS) and min(seen.values()) > 40
        allowed = {"resource": RESOURCE, "row_key": ROWS[20 + seed], "column": "name", "statement": "不同"}
        assert not refused(session, "housing", allowed)
        assert counts(session) == (before[0] + 1, before[1] + 1)
