"""The worklist counts per batch, forgets nothing that was decided, and opens exactly the batches concerned."""

from sqlalchemy import select

from catalog.control.batches import finish_stage, pending_batches, register_batch
from catalog.control.session import session_scope
from catalog.control.tables import UnmappedCount
from catalog.control.unmapped import Sighting, decide, list_unmapped, replace_sightings, stored_form

SHOP, MARKET = "licence.shop", "licence.market"


def seen(batch_id, value, rows=1, *, column="status_code", reason="CODE_UNKNOWN"):
    return Sighting(batch_id, column, "entity_status", reason, value, rows, 2, 1 + rows)


def prepare(session):
    """Register two finished batches of one resource and one of another."""
    for batch_id, resource in (("b1", SHOP), ("b2", SHOP), ("m1", MARKET)):
        register_batch(
            session, batch_id=batch_id, resource=resource, source="s", dataset="d", kind="file", status="accepted",
            content_sha256=batch_id,
        )  # fmt: skip
        finish_stage(session, batch_id, "conform", resource)
    replace_sightings(session, SHOP, ["b1", "b2"], [seen("b1", "开业", 3), seen("b2", "开业"), seen("b2", "休眠", 2)])
    replace_sightings(session, MARKET, ["m1"], [seen("m1", "休眠", 5)])


def rows(session, **conditions):
    return {(e.resource, e.value): e.rows for e in list_unmapped(session, **conditions)}


def test_a_replay_replaces_the_batchs_own_counts(control_database):
    with session_scope(control_database) as session:
        prepare(session)
        expected = {(SHOP, "开业"): 4, (SHOP, "休眠"): 2, (MARKET, "休眠"): 5}
        assert rows(session) == expected
        replace_sightings(session, SHOP, ["b1"], [seen("b1", "开业", 3)])
        assert rows(session) == expected
        replace_sightings(session, SHOP, ["b1"], [])
        assert rows(session, resource=SHOP) == {(SHOP, "开业"): 1, (SHOP, "休眠"): 2}
        assert rows(session, code_list="sex") == {}
        entry = list_unmapped(session, resource=SHOP)[0]
        assert (entry.value, entry.examples) == ("休眠", ["b2:2", "b2:3"]), "the most frequent comes first"


def test_a_decision_opens_the_batches_of_every_resource_that_has_the_value(control_database):
    with session_scope(control_database) as session:
        prepare(session)
        assert decide(session, "sex", ["休眠"], state="mapped", by="示范管理员") == []
        opened = decide(session, "entity_status", ["休眠"], state="mapped", by="示范管理员", decision="9")
        assert opened == [(MARKET, "m1"), (SHOP, "b2")]
    with session_scope(control_database) as session:
        assert [b.batch_id for b in pending_batches(session, SHOP, "conform")] == ["b2"]
        assert [b.batch_id for b in pending_batches(session, MARKET, "conform")] == ["m1"]
        assert set(rows(session)) == {(SHOP, "开业")}
        closed = list_unmapped(session, state="mapped")
        assert {(e.decision, e.decided_by) for e in closed} == {("9", "示范管理员")}
        assert len(closed) == 2 and all(e.decided_at for e in closed)


def test_a_refusal_holds_and_a_mapping_that_did_not_help_is_open_again(control_database):
    with session_scope(control_database) as session:
        prepare(session)
        assert decide(session, "entity_status", ["休眠"], state="refused", by="示范管理员") == []
        decide(session, "entity_status", ["开业"], state="mapped", by="示范管理员", decision="1")
        again = [seen("b2", "开业"), seen("b2", "休眠"), seen("b2", "1", reason="CODE_RETIRED")]
        replace_sightings(session, SHOP, ["b2"], again)
        assert {e.value: e.state for e in list_unmapped(session, resource=SHOP, state=None)} == {
            "开业": "open", "休眠": "refused", "1": "open",
        }  # fmt: skip
        assert decide(session, "entity_status", ["1"], state="mapped", by="示范管理员", decision="2") == []
        assert len(session.scalars(select(UnmappedCount)).all()) == 5


def test_personal_values_are_kept_as_digests_that_the_same_value_meets():
    plain = stored_form("男性", "key", is_personal=False)
    kept = [stored_form(value, "key", is_personal=True) for value in ("男性", "男性", "女性")]
    assert plain == "男性" and kept[0] == kept[1] != kept[2]
    assert stored_form("男性", "another key", is_personal=True) != kept[0]
    for value in ("11010519491231002X", "13812345678", "长" * 201):
        assert stored_form(value, "key", is_personal=False).startswith("hmac-sha256:")
