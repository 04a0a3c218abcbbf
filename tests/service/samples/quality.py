"""A department's quality report and resource: what the matrix tries to read as somebody else."""

import json
import secrets

from catalog.control.batches import register_batch
from catalog.control.session import session_scope
from tests.service.samples import Sample
from tests.service.world import OTHER, OWN, World

RESOURCES = {OWN: "licence.water_qualification", OTHER: "licence.road_transport"}
TOTALS = ("received", "set_aside", "rejected", "held_deliveries", "held_rows", "open_faults", "closed_faults")


def _resource(department: str) -> str:
    return RESOURCES.get(department, "licence.valid_licence")


def _report(world: World, department: str, more: dict | None = None) -> Sample:
    """Lay down what the pipeline writes, with figures of nothing: who may read it does not hang on what it says."""
    folder = world.exchange.home / "reports" / "quality"
    totals = dict.fromkeys(TOTALS, 0)
    figures = {
        "business_date": "2026-03-20", "written_at": "2026-11-20T08:00:00+00:00", "department": department,
        "name": department, "score": None, "grade": None, "grade_en": None, "bad_share": None, "totals": totals,
        "resources": [{"resource": _resource(department)}],
    }  # fmt: skip
    for place, text in {
        f"departments/{department}.json": json.dumps(figures),
        f"departments/{department}.html": f"<p>{department}</p>",
        f"resources/{_resource(department)}.html": "<p></p>",
        f"months/2026-03-{department}.xlsx": "",
    }.items():
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Sample({"department": department, **(more or {})})


def _waiting(world: World, department: str) -> Sample:
    return Sample({"resource": RESOURCES.get(department, RESOURCES[OWN])})


def _held(world: World, department: str) -> str:
    resource = RESOURCES.get(department, RESOURCES[OWN])
    batch_id = f"held-{secrets.token_hex(6)}"
    with session_scope(world.exchange.control_url) as session:
        register_batch(
            session, batch_id=batch_id, resource=resource, source="s", dataset="d", kind="file", status="held",
            reason_code="SHORT_DELIVERY", received_rows=18, declared_rows=20,
        )  # fmt: skip
    return batch_id


PREFIX = "/api/v1/quality-reports/{department}"
SAMPLES = {
    PREFIX: _report,
    f"{PREFIX}/page": _report,
    f"{PREFIX}/months/{{month}}": lambda world, department: _report(world, department, {"month": "2026-03"}),
    f"{PREFIX}/resources/{{resource}}/page": lambda world, department: _report(
        world, department, {"resource": _resource(department)}
    ),
    "/api/v1/worklist/{resource}/rows": _waiting,
    "/api/v1/held-deliveries/{batch_id}": lambda world, department: Sample({"batch_id": _held(world, department)}),
    "/api/v1/held-deliveries/{batch_id}/decisions": lambda world, department: Sample(
        {"batch_id": _held(world, department)}, {"act": "reject", "reason": "重新报送"}
    ),
}
