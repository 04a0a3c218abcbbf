"""Every command that changes something is in the audit before its effect, and has none when it cannot be recorded.

The commands are those of the command line itself: a new one fails here until it stands among those that only read or
those that change something, with a case that runs it.
"""

import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer
from sqlalchemy import select, text
from typer.testing import CliRunner

from catalog.__main__ import app
from catalog.control.audit_tables import AuditEntry
from catalog.control.base import utc_now
from catalog.control.batches import register_batch
from catalog.control.held_deliveries import decide
from catalog.control.issues import IssueCount, settle
from catalog.control.migrations import migrate
from catalog.control.reviews import Candidate, decide_pair, list_pairs, queue_pairs
from catalog.control.session import session_scope
from catalog.control.shares import publish_share_version
from catalog.model import codes
from catalog.model.settings import get_settings
from catalog.model.signature import Signature
from catalog.model.state_machine import Actor

READS = {
    "applications", "audit show", "audit verify", "audit who-read", "authority check", "authority show", "batches",
    "cases", "clocks limits", "clocks list", "codes list", "codes show", "codes unmapped", "conflicts",
    "contract check", "deliveries",
    "demands", "disputes", "elements changes", "elements duplicates", "elements list", "elements show",
    "elements suggest", "entries check", "entries export", "entries list", "entries search", "erase search",
    "events kinds", "events list", "find", "findings", "grants", "held list", "history", "ids explain", "ids list",
    "ledger prove", "licences expiring", "licences of", "people list", "people roles", "recipients list", "redirects",
    "relations", "resources list", "resources show", "responsibilities", "review list", "review show",
    "review waiting", "runs", "shares outstanding", "shares retention", "worklist export", "worklist rows",
}  # fmt: skip
"""They change nothing."""
UNMASKING = {"explain"}
"""Shows personal values on demand, which is on record too: tests/stages/reconcile/test_cases.py runs it."""
PERSON, RESOURCE = "population.person", "legal_entity.enterprise"
RECIPIENT = ("--share", "population")
FIRST = ("--role", "auditor", "--name", "示范审计", "--staff-number", "A-009")


@dataclass(frozen=True)
class Case:
    """A command that changes something, and the act under which the audit has it."""

    command: str
    act: str
    arguments: tuple[str, ...] = ()


CASES = [
    Case("recipients add", "recipient.add", ("reader", "--department", "taxation", *RECIPIENT)),
    Case("recipients grant", "recipient.grant", ("reader", "--share", "licence", "--purpose", "核验")),
    Case("recipients renew", "recipient.renew", ("reader",)),
    Case("recipients revoke", "recipient.revoke", ("reader",)),
    Case("people first", "person.first", ("auditor1", *FIRST)),
    Case("people reset", "person.reset", ("auditor1", "--password-file", "{home}/again.password")),
    Case("codes map", "code.map", ("entity_status", "示范筹建中", "9", "--by", "示范管理员")),
    Case("codes refuse", "code.refuse", ("entity_status", "示范乱码", "--by", "示范管理员")),
    Case("review decide", "pair.decide", ("{pair}", "link", "--by", "示范甲")),
    Case("review undo", "pair.undo", ("{decided}", "--by", "示范甲")),
    Case("merge", "entity.merge", (PERSON, "kept", "gone", "--by", "示范甲")),
    Case("split", "entity.split", (PERSON, "gone", "--by", "示范甲")),
    Case("worklist replay", "worklist.replay", ("--resource", RESOURCE, "--all")),
    Case(
        "worklist dismiss", "worklist.dismiss",
        ("--resource", RESOURCE, "--reason", "R", "--by", "示范甲", "--why", "重复表头"),
    ),
    Case("held release", "held.release", ("h1", "--by", "示范甲", "--reason", "部门已书面确认")),
    Case("held reject", "held.reject", ("h2", "--by", "示范甲", "--reason", "部门重新报送")),
    Case("clocks tick", "clock.tick"),
    Case("events mail", "event.mail"),
    Case("audit archive", "audit.archive", ("--before", "2020-01-01")),
    Case(
        "shares withdraw-rows", "share.withdraw_rows",
        ("{share}", "--key", "1.2.156.1", "--why", "错误关联", "--by", "示范管理员"),
    ),
    Case("shares release-rows", "share.release_rows", ("{withdrawal}", "--why", "已更正", "--by", "示范管理员")),
    Case("shares withdraw", "share.withdraw", ("{share}", "--all", "--why", "口径有误", "--by", "示范管理员")),
    Case("migrate", "control.migrate", ("--to", "-1", "--yes")),
]  # fmt: skip
"""In an order in which each finds what it changes; `migrate` comes last."""


@pytest.fixture(scope="module")
def site(database_server, tmp_path_factory) -> Iterator[dict[str, str]]:
    """Settings in force, a migrated database with something for every command, and code lists of the test's own."""
    home = tmp_path_factory.mktemp("commands")
    url = database_server.create_database()
    migrate(url=url)
    keys = ("AUDIT_KEY", "CREDENTIAL_KEY", "IDENTITY_KEY", "SERVICE_SIGNING_KEY")
    with pytest.MonkeyPatch.context() as patch:
        for name in keys:
            patch.setenv(name, secrets.token_hex(32))
        patch.setenv("GUANTONG_HOME", str(home))
        patch.setenv("CONTROL_URL", url)
        patch.setenv("SERVICE_URL", "http://127.0.0.1:1")
        patch.setenv("EVENT_MAIL_TO", "education=office@education.example.gov")
        patch.setenv("NOTICE_MAIL_SERVER", "smtp://127.0.0.1:1")
        patch.setenv("NOTICE_MAIL_FROM", "exchange@example.gov")
        patch.setattr(codes, "CODES", shutil.copytree(codes.CODES, home / "codes"))
        get_settings.cache_clear()
        codes.forget_code_lists()
        yield {"home": str(home), "url": url, **prepare(url)}
    get_settings.cache_clear()
    codes.forget_code_lists()


def prepare(url: str) -> dict[str, str]:
    with session_scope(url) as session:
        register_batch(
            session, batch_id="b1", resource=RESOURCE, source="s", dataset="d", kind="file", status="accepted"
        )
        for held in ("h1", "h2"):
            register_batch(
                session, batch_id=held, resource=RESOURCE, source="s", dataset="d", kind="file", status="held",
                reason_code="SHORT_DELIVERY", received_rows=3,
            )  # fmt: skip
        officer = Actor("person:示范经办", "market_regulation", frozenset({"provider_officer"}))
        decide(session, "h1", "confirm", officer, "行数以本件为准")
        settle(
            session, resource=RESOURCE, department="market_regulation", judged_under="d1", batch_ids=["b1"],
            counts=[IssueCount("b1", "set_aside", "c", "R", 3)], closings=[],
        )  # fmt: skip
        pairs = [Candidate(f"a|{one}", f"b|{one}", 9.0, "", [], {}, {}) for one in (1, 2)]
        queue_pairs(session, PERSON, "m/1", pairs)
        waiting, decided = list_pairs(session, PERSON)
        decide_pair(session, decided.id, "link", by=Signature("示范甲", "wang"))
        publish_share_version(
            session, share="licence", schema_name="licence", table_name="valid_licence",
            resource="licence.valid_licence", delta_version=1, table_uri="gold/licence__valid_licence", rows=1,
            schema_json={"type": "struct", "fields": []},
        )  # fmt: skip
        return {"pair": str(waiting.id), "decided": str(decided.id), "share": "licence.licence.valid_licence",
                "withdrawal": f"WDR-{utc_now().year}-000001"}  # fmt: skip


def leaves(command, path: str = "") -> Iterator[str]:
    """Return every command below a group, as a person types it."""
    children = getattr(command, "commands", None)
    if children is None:
        yield path
        return
    for name, child in children.items():
        yield from leaves(child, f"{path} {name}".strip())


def state(site: dict[str, str]) -> dict[str, str]:
    """Return what a command could have changed: every table but the audit, every file but the audit's."""
    found = {}
    with session_scope(site["url"]) as session:
        tables = session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
        for table in sorted(set(tables) - {"audit_entry"}):
            query = f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {table} t"  # noqa: S608
            found[table] = session.scalar(text(query))
    home = Path(site["home"])
    for path in sorted(one for one in home.rglob("*") if one.is_file() and "audit" not in one.parent.name):
        found[str(path.relative_to(home))] = path.read_bytes().hex()
    return found


def run(case: Case, site: dict[str, str]):
    arguments = [one.format(**site) for one in case.arguments]
    return CliRunner().invoke(app, [*case.command.split(), *arguments])


def acts(site: dict[str, str]) -> list[str]:
    with session_scope(site["url"]) as session:
        return list(session.scalars(select(AuditEntry.act).where(AuditEntry.outcome == "done")))


def close_audit(site: dict[str, str], *, closed: bool) -> None:
    """Let the database refuse entries, as a full disk or a lost privilege would."""
    statement = "ADD CONSTRAINT closed CHECK (false) NOT VALID" if closed else "DROP CONSTRAINT closed"
    with session_scope(site["url"]) as session:
        session.execute(text(f"ALTER TABLE audit_entry {statement}"))


def test_no_command_is_forgotten():
    there_are = set(leaves(typer.main.get_command(app)))
    assert len(there_are) > 40
    changing = {case.command for case in CASES}
    assert not changing & READS
    assert there_are == changing | READS | UNMASKING, "say in READS or CASES what a new command does"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.command)
def test_a_change_is_recorded_or_does_not_happen(case, site):
    before, recorded = state(site), acts(site)
    close_audit(site, closed=True)
    refused = run(case, site)
    close_audit(site, closed=False)
    assert refused.exit_code == 2 and "AUDIT_UNAVAILABLE" in refused.output, (refused.output, refused.exception)
    assert state(site) == before
    assert acts(site) == recorded
    done = run(case, site)
    assert done.exit_code == 0, (done.output, done.exception)
    assert acts(site) == [*recorded, case.act]
