"""A thousand tamperings of ten kinds, by somebody who has the database, are all found."""

import random
import secrets
from collections import Counter
from dataclasses import replace

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from catalog.control.audit import record
from catalog.control.audit_chain import GENESIS, Link, digest_entry, link
from catalog.control.audit_journal import Journal
from catalog.control.audit_keys import AuditKeys, audit_keys
from catalog.control.audit_tables import AuditEntry
from catalog.control.audit_verification import verify
from catalog.control.session import engine, session_scope
from catalog.model.caller import Caller

ENTRIES = 40
EACH = 100
TABLE = AuditEntry.__table__
TEXTS = ["actor", "actor_name", "department", "act", "object", "reason", "purpose", "detail", "address", "request_id"]


@pytest.fixture
def written(control_database, audit_home):
    """Return the owner's address of an audit with some entries."""
    for number in range(ENTRIES):
        who = Caller("person", number % 5 + 1, f"p{number % 5}", "water")
        with session_scope(control_database) as session:
            record(session, who, "thing.change", f"thing:{number}", persons=[str(number)], detail={"n": number})
    return control_database


class Tamperer:
    """Somebody who may write the database as they like, and knows how the chain is made, but not the key."""

    def __init__(self, session: Session, chance: random.Random, stolen: AuditKeys) -> None:
        self.session = session
        self.chance = chance
        self.stolen = stolen
        self.own = AuditKeys.from_secret(secrets.token_hex(32), stolen.folder)

    def rows(self):
        return [dict(row._mapping) for row in self.session.execute(select(TABLE).order_by(TABLE.c.seq))]

    def replace_from(self, seq, rows):
        self.session.execute(TABLE.delete().where(TABLE.c.seq >= seq))
        if rows:
            self.session.execute(TABLE.insert(), rows)

    def anywhere(self, first=1, last=ENTRIES):
        return self.chance.randint(first, last)

    def changed(self, row):
        column = self.chance.choice([*TEXTS, "at", "outcome", "subjects", "previous", "roles"])
        if column == "at":
            return {**row, "at": row["at"].replace(microsecond=(row["at"].microsecond + 1) % 1_000_000)}
        if column == "outcome":
            return {**row, "outcome": "refused"}
        if column == "subjects":
            return {**row, "subjects": []}
        return {**row, column: row[column] + " "}

    def put(self, row):
        self.session.execute(TABLE.update().where(TABLE.c.seq == row["seq"]).values(row))

    def chained(self, rows, start, keys):
        head = start
        made = []
        for row in rows:
            head, values = link(head, {name: row[name] for name in row if name not in ("digest", "seal")}, keys)
            made.append(values)
        return made

    def edit(self):
        self.put(self.changed(self.rows()[self.anywhere() - 1]))

    def edit_with_digest(self):
        row = self.changed(self.rows()[self.anywhere() - 1])
        self.put({**row, "digest": digest_entry(row)})

    def delete(self):
        first = self.anywhere(1, ENTRIES - 1)
        last = min(first + self.chance.randint(0, 3), ENTRIES - 1)
        self.session.execute(TABLE.delete().where(TABLE.c.seq.between(first, last)))

    def delete_and_renumber(self):
        rows, gone = self.rows(), self.anywhere(1, ENTRIES - 1)
        start = Link(gone - 1, rows[gone - 2]["digest"]) if gone > 1 else GENESIS
        kept = [{**row, "seq": row["seq"] - 1} for row in rows[gone:]]
        self.replace_from(gone, self.chained(kept, start, self.own))

    def insert(self):
        rows, place = self.rows(), self.anywhere(1, ENTRIES - 1)
        shifted = [{**row, "seq": row["seq"] + 1} for row in rows[place:]]
        made = {**rows[place - 1], "object": "thing:invented", "seq": place + 1}
        self.replace_from(place + 1, [made, *shifted])

    def forge_at_the_end(self):
        last = self.rows()[-1]
        (made,) = self.chained([{**last, "object": "thing:invented"}], Link(last["seq"], last["digest"]), self.own)
        self.session.execute(TABLE.insert(), [made])

    def swap(self):
        rows = self.rows()
        one, other = self.chance.sample(range(ENTRIES), 2)
        self.replace_from(1, [])
        rows[one], rows[other] = {**rows[other], "seq": one + 1}, {**rows[one], "seq": other + 1}
        self.session.execute(TABLE.insert(), rows)

    def cut_off_the_tail(self):
        self.session.execute(TABLE.delete().where(TABLE.c.seq > self.anywhere(0, ENTRIES - 1)))

    def rewrite(self):
        self._rewrite(self.own)

    def rewrite_with_stolen_seals(self):
        self._rewrite(self.stolen)

    def _rewrite(self, keys):
        rows, place = self.rows(), self.anywhere()
        start = Link(place - 1, rows[place - 2]["digest"]) if place > 1 else GENESIS
        rows[place - 1]["object"] = "thing:invented"
        self.replace_from(place, self.chained(rows[place - 1 :], start, keys))


KINDS = {
    Tamperer.edit: {"ENTRY_EDITED"},
    Tamperer.edit_with_digest: {"ENTRY_FORGED"},
    Tamperer.delete: {"ENTRY_MISSING", "CHAIN_BROKEN"},
    Tamperer.delete_and_renumber: {"ENTRY_FORGED", "CHAIN_REWRITTEN"},
    Tamperer.insert: {"CHAIN_BROKEN", "ENTRY_EDITED"},
    Tamperer.forge_at_the_end: {"ENTRY_FORGED"},
    Tamperer.swap: {"ENTRY_EDITED", "CHAIN_BROKEN"},
    Tamperer.cut_off_the_tail: {"TAIL_CUT_OFF"},
    Tamperer.rewrite: {"ENTRY_FORGED", "CHAIN_REWRITTEN"},
    Tamperer.rewrite_with_stolen_seals: {"CHAIN_REWRITTEN"},
}
"""Each kind with the faults that it must be called."""


def test_a_thousand_tamperings_of_ten_kinds_are_all_found(written):
    keys = audit_keys()
    checkpoints = list(Journal.of(keys).read())
    found: Counter[str] = Counter()
    chance = random.Random(20261122)
    with Session(engine(written)) as session, session.begin():
        session.execute(text("SET LOCAL session_replication_role = replica"))
        assert verify(session, keys, checkpoints).is_sound
        for kind, expected in KINDS.items():
            for _ in range(EACH):
                savepoint = session.begin_nested()
                kind(Tamperer(session, chance, keys))
                result = verify(session, keys, checkpoints)
                savepoint.rollback()
                faults = {finding.fault for finding in result.findings}
                assert faults >= expected, (kind.__name__, faults)
                found[kind.__name__] += 1
        after = verify(session, keys, checkpoints)
    assert after.is_sound and after.entries == ENTRIES
    assert found == {kind.__name__: EACH for kind in KINDS} and found.total() == 1000


def test_an_emptied_table_and_a_removed_trigger_are_found(written):
    keys = audit_keys()
    checkpoints = list(Journal.of(keys).read())
    with Session(engine(written)) as session, session.begin() as transaction:
        session.execute(text("ALTER TABLE audit_entry DISABLE TRIGGER audit_append_only"))
        session.execute(text("TRUNCATE audit_entry"))
        faults = [(one.fault, one.place) for one in verify(session, keys, checkpoints).findings]
        transaction.rollback()
    assert faults == [("PROTECTION_REMOVED", "table audit_entry"), ("TAIL_CUT_OFF", f"1–{ENTRIES}")]


def test_changed_and_missing_checkpoints_are_found(written, audit_home):
    keys = audit_keys()
    (file,) = (audit_home / "audit").glob("checkpoints-*.jsonl")
    lines = file.read_text().splitlines()
    assert len(lines) == ENTRIES

    def faults(content):
        file.write_text("".join(f"{line}\n" for line in content))
        with session_scope(written) as session:
            return [(one.fault, one.place) for one in verify(session, keys, Journal.of(keys).read()).findings]

    assert faults([*lines[:6], lines[6].replace('"seq": 7', '"seq": 8'), *lines[7:]]) == [
        ("CHECKPOINT_INVALID", f"{file.name}:7")
    ]
    assert faults([*lines, "not json"]) == [("CHECKPOINT_INVALID", f"{file.name}:{ENTRIES + 1}")]
    assert faults([]) == [("CHECKPOINTS_MISSING", "audit/")]
    assert faults(lines[:-2]) == [], "a service that was killed between its two writes is no tampering"
    stranger = replace(keys, signing_key=AuditKeys.from_secret("0" * 32, keys.folder).signing_key)
    with session_scope(written) as session:
        result = verify(session, keys, Journal.of(stranger).read())
    assert {one.fault for one in result.findings} == {"CHECKPOINT_INVALID"}
