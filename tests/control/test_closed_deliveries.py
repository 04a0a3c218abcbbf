"""What people decided about a held delivery holds for that delivery alone, whatever comes or fails afterwards."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
import yaml

from catalog.control.held_deliveries import decide, find_held
from catalog.control.ledger import ledger_entries
from catalog.control.migrations import migrate
from catalog.control.session import session_scope
from catalog.control.tables import Batch
from catalog.model.registry import get_registry
from catalog.model.settings import get_settings
from catalog.model.state_machine import Actor
from jobs.extract import landing
from jobs.extract.arrivals import new_arrivals
from jobs.extract.delivery import DeliveryHeldError
from jobs.extract.files import Intake
from jobs.extract.register import BatchRecord, Register
from jobs.extract.stage import BatchNotReplayableError, extract
from jobs.extract.vanished import MASS_DELETE, hold_deletions, kept_gone
from jobs.runtime.stage import stage_run
from tests.stages.extract.shop_contract import contract_document, file_source

RESOURCE = "licence.shop_again"
OFFICER = Actor("person:示范经办", "transport", frozenset({"provider_officer"}))
HOST = Actor("person:示范主管", "data_administration", frozenset({"host_authority"}))
SHOPS = ("统一社会信用代码,店铺名称,开业日期\n" + "".join(f"U{n},店{n},2026-01-01\n" for n in range(5))).encode()


@pytest.fixture
def outbox(control_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A department's folder, with a control plane and a landing of its own; no engine is needed to hold deliveries."""
    folder, resources = tmp_path / "outbox", tmp_path / "resources" / "licence"
    folder.mkdir()
    resources.mkdir(parents=True)
    declare(resources, receipt="required", pattern="*.csv")
    monkeypatch.setenv("GUANTONG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CONTROL_URL", control_database)
    monkeypatch.setenv("SOURCE_TRANSPORT", f"file:{folder}")
    monkeypatch.setenv("RESOURCE_PATH", str(resources.parent))
    forget()
    migrate(url=control_database)
    yield folder
    monkeypatch.undo()
    forget()


def forget() -> None:
    get_settings.cache_clear()
    get_registry.cache_clear()


def declare(resources: Path, **source: object) -> None:
    document = contract_document(file_source(**source), "shop_again")
    (resources / "shop_again.yml").write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")


def drop(path: Path, content: bytes, rows: int) -> None:
    path.write_bytes(content)
    path.with_name(f"{path.name}.receipt.json").write_text(json.dumps({"rows": rows}), encoding="utf-8")


def take() -> None:
    """Take in what lies in the folder as extract does, up to bronze."""
    contract = get_registry().get(RESOURCE)
    with stage_run("extract", RESOURCE) as run:
        register = Register(contract, run)
        register.close_rejected()
        for arrival in new_arrivals(contract, contract.source, register):
            Intake(contract, contract.source, register).take(arrival)
            register.set_positions([(arrival.name, arrival.fingerprint)])


def batches() -> list[Batch]:
    with session_scope() as session:
        return session.query(Batch).filter_by(resource=RESOURCE).order_by(Batch.arrival).all()


def say(batch_id: str, *acts: str) -> None:
    with session_scope() as session:
        for act in acts:
            decide(session, batch_id, act, HOST if act == "release" else OFFICER, "已核实")


def test_a_delivery_that_was_taken_back_and_comes_again_is_another_that_people_can_decide(outbox: Path) -> None:
    for number in range(1, 4):
        drop(outbox / f"{number}.csv", SHOPS, rows=7)
        take()
        found = batches()
        assert [one.status for one in found] == ["rejected"] * (number - 1) + ["held"]
        with session_scope() as session:
            assert find_held(session, found[-1].batch_id).awaits == "department"
        say(found[-1].batch_id, "reject")
    take()
    assert [one.status for one in batches()] == ["rejected"] * 3
    assert len({one.batch_id for one in batches()}) == 3


def test_a_delivery_that_was_taken_back_is_not_read_again_from_landing(outbox: Path) -> None:
    drop(outbox / "1.csv", SHOPS, rows=7)
    take()
    [held] = batches()
    say(held.batch_id, "reject")
    with pytest.raises(BatchNotReplayableError, match="taken back"):
        extract(RESOURCE, held.batch_id)
    assert [one.status for one in batches()] == ["rejected"]


def test_a_release_outlives_a_run_that_died_while_it_took_the_delivery_up(outbox: Path) -> None:
    drop(outbox / "1.csv", SHOPS, rows=7)
    take()
    [held] = batches()
    say(held.batch_id, "confirm", "release")
    contract = get_registry().get(RESOURCE)
    for _ in range(2):
        with stage_run("extract", RESOURCE) as run:
            register = Register(contract, run)
            [(batch, consent)] = register.released()
            assert (batch.batch_id, consent) == (held.batch_id, {"SHORT_DELIVERY"})
            file = landing.original(contract, batch.batch_id)
            assert file is not None
            taken = Intake(contract, contract.source, register).take_again(batch, file, consent)
            assert taken is not None and taken.reading.accepted == 5
        assert [one.status for one in batches()] == ["received"], "it died before bronze"


def test_a_member_of_an_archive_that_is_too_short_does_not_come_in_by_a_replay(outbox: Path) -> None:
    declare(outbox.parent / "resources" / "licence", receipt="required", pattern="*.tar", archive_member="*.csv")
    forget()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo("shops.csv")
        member.size = len(SHOPS)
        archive.addfile(member, io.BytesIO(SHOPS))
    drop(outbox / "1.tar", packed.getvalue(), rows=7)
    take()
    [held] = batches()
    assert (held.status, held.reason_code) == ("held", "SHORT_DELIVERY")
    with pytest.raises(BatchNotReplayableError, match="another number of records"):
        extract(RESOURCE, held.batch_id)
    assert [one.status for one in batches()] == ["held"]


def test_a_release_of_deletions_serves_no_later_ones_once_the_records_were_back(outbox: Path) -> None:
    contract, gone = get_registry().get(RESOURCE), pa.table({"_record_key": ["1", "2", "3"]})
    why = DeliveryHeldError(MASS_DELETE, "3 of 3 are gone", rows=3, detail={"gone": 3, "alive": 3})
    reading = BatchRecord("reading", "watermark", "x", date(2026, 3, 1))
    with stage_run("extract", RESOURCE) as run:
        register = Register(contract, run)
        first = hold_deletions(register, reading, why, gone)
        say(first, "confirm", "release")
        register.end_unneeded([first])
        assert register.released() == []
        again = hold_deletions(register, reading, why, gone)
    assert [(one.batch_id, one.status) for one in batches()] == [(first, "no_op"), (again, "held")]
    with session_scope() as session:
        assert find_held(session, again).awaits == "department"
        [line] = ledger_entries(session, batch_id=first)
    assert (line.read, line.accepted, line.rejected) == (0, 0, 0)


def test_people_release_the_deletions_they_saw_and_no_others_of_the_same_number(outbox: Path) -> None:
    contract = get_registry().get(RESOURCE)
    first, other = (pa.table({"_record_key": [str(n) for n in numbers]}) for numbers in (range(30), range(30, 60)))

    def hold(gone: pa.Table) -> str:
        why = DeliveryHeldError(MASS_DELETE, "30 of 100 are gone", rows=30, detail={"gone": 30, "alive": 100})
        with stage_run("extract", RESOURCE) as run:
            reading = BatchRecord("reading", "watermark", "x", date(2026, 3, 1))
            return hold_deletions(Register(contract, run), reading, why, gone)

    held = hold(first)
    say(held, "confirm", "release")
    assert hold(first) == held, "the same deletions are the same batch"
    assert hold(other) != held
    kept = kept_gone(contract, held)
    assert kept is not None and kept.equals(first)
    with stage_run("extract", RESOURCE) as run:
        assert [batch.batch_id for batch, _ in Register(contract, run).released()] == [held]
