"""The same content is the same batch until people end it; what comes again after that is decided anew."""

from datetime import date

from catalog.control.batches import register_batch
from catalog.control.held_deliveries import apply_rejections, decide, find_held
from catalog.control.session import session_scope
from catalog.model.registry import get_registry
from catalog.model.settings import get_settings
from catalog.model.state_machine import Actor
from jobs.extract.register import Register
from jobs.runtime.stage import stage_run
from tests.control.postgres_server import control_database, database_server

__all__ = ["control_database", "database_server"]

RESOURCE, CONTENT, DAY = "licence.water_qualification", "ab" * 32, date(2026, 3, 2)
OFFICER = Actor("person:示范经办", "water", frozenset({"provider_officer"}))


def hold(batch_id: str) -> None:
    with session_scope() as session:
        register_batch(
            session, batch_id=batch_id, resource=RESOURCE, source="s", dataset="d", kind="file", status="held",
            reason_code="RECEIPT_MISSING", received_rows=5, content_sha256=CONTENT,
        )  # fmt: skip


def test_content_that_was_taken_back_is_another_batch_when_it_comes_again(control_database, monkeypatch):
    monkeypatch.setattr(get_settings(), "control_url", control_database)
    seen = []
    with stage_run("extract", RESOURCE) as run:
        register = Register(get_registry().get(RESOURCE), run)
        for _ in range(3):
            batch = register.id_for(CONTENT, DAY)
            seen.append(batch)
            hold(batch)
            assert register.id_for(CONTENT, DAY) == batch, "as long as it waits it is the same"
            with session_scope() as session:
                assert find_held(session, batch).awaits == "department"
                decide(session, batch, "reject", OFFICER, "重新报送")
            with session_scope() as session:
                assert apply_rejections(session, RESOURCE) == [batch]
    assert len(set(seen)) == 3
