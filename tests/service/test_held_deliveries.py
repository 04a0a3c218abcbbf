"""Held deliveries over HTTP: who sees them, who decides, what is on record, and what a repetition changes."""

from __future__ import annotations

import secrets

import pytest

from catalog.control.audit_tables import AuditEntry
from catalog.control.batches import register_batch
from catalog.control.held_deliveries import released
from catalog.control.session import session_scope
from catalog.model.roles import Role
from tests.service.world import HOST, OTHER, World

RESOURCE = "licence.water_qualification"


@pytest.fixture(scope="module")
def world(exchange) -> World:
    return World(exchange)


@pytest.fixture
def batch(world) -> str:
    return hold(world, "SHORT_DELIVERY")


def hold(world: World, code: str) -> str:
    batch_id = f"water-{secrets.token_hex(6)}"
    with session_scope(world.exchange.control_url) as session:
        register_batch(
            session, batch_id=batch_id, resource=RESOURCE, source="s", dataset="d", kind="file", status="held",
            reason_code=code, received_rows=1800, declared_rows=2000,
        )  # fmt: skip
    return batch_id


def decide(world: World, token: str, batch: str, act: str, **more):
    body = {"act": act, "reason": "已核对书面说明"}
    return world.call("POST", f"/held-deliveries/{batch}/decisions", token, json=body, **more)


def acts(world: World, batch: str) -> list[str]:
    with session_scope(world.exchange.control_url) as session:
        found = session.query(AuditEntry).filter(AuditEntry.object == f"batch:{batch}", AuditEntry.outcome == "done")
        return [entry.act for entry in found.order_by(AuditEntry.seq)]


def test_two_persons_release_a_delivery_and_extract_finds_it(world, batch):
    officer, host = world.token(Role.PROVIDER_OFFICER), world.token(Role.HOST_AUTHORITY, department=HOST)
    shown = world.call("GET", f"/held-deliveries/{batch}", officer).json()
    assert (shown["awaits"], shown["release"], shown["received_rows"]) == ("department", "two_persons", 1800)
    assert shown["problem"] and shown["problem_en"] and shown["release_because"]
    early = decide(world, host, batch, "release")
    assert (early.status_code, early.json()["code"]) == (409, "CONFLICT")
    assert decide(world, officer, batch, "release").status_code == 409
    assert decide(world, host, batch, "confirm").status_code == 409
    assert decide(world, officer, batch, "confirm").json()["awaits"] == "host"
    for _ in range(2):
        done = decide(world, host, batch, "release", headers={"Idempotency-Key": f"once-{batch}"})
        assert done.status_code == 200 and done.json()["awaits"] == "extract"
        assert [one["act"] for one in done.json()["decisions"]] == ["confirm", "release"]
    assert decide(world, officer, batch, "reject").status_code == 409
    assert acts(world, batch) == ["held.confirm", "held.release"]
    with session_scope(world.exchange.control_url) as session:
        assert batch in [one.batch_id for one, _ in released(session, RESOURCE)]


def test_only_the_department_and_the_host_see_and_decide(world, batch):
    stranger = world.token(Role.PROVIDER_OFFICER, department=OTHER)
    assert world.call("GET", f"/held-deliveries/{batch}", stranger).status_code == 404
    assert decide(world, stranger, batch, "reject").status_code == 404
    listed = world.call("GET", "/held-deliveries", stranger).json()["items"]
    assert batch not in [one["batch_id"] for one in listed]
    steward = world.token(Role.STEWARD)
    assert decide(world, steward, batch, "reject").json()["code"] == "ROLE_MISSING"
    assert batch in [one["batch_id"] for one in world.call("GET", "/held-deliveries", steward).json()["items"]]
    assert acts(world, batch) == []


def test_a_damaged_delivery_is_never_released_and_the_department_takes_it_back(world):
    batch, officer = hold(world, "HASH_MISMATCH"), world.token(Role.PROVIDER_OFFICER)
    refused = decide(world, officer, batch, "confirm")
    assert (refused.status_code, refused.json()["rule"]) == (422, "DELIVERY_NOT_RELEASABLE")
    assert decide(world, officer, batch, "reject").json()["awaits"] == "extract"
    assert acts(world, batch) == ["held.reject"]
    blank = world.call("POST", f"/held-deliveries/{batch}/decisions", officer, json={"act": "reject", "reason": "  "})
    assert blank.status_code == 422
