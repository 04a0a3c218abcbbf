"""Objects of a department in the exchange catalogue: the department stands on both sides of them."""

import itertools
from datetime import date

from catalog.control.base import utc_now
from catalog.control.clocks import start_clock
from catalog.control.correction_tables import CorrectionCase
from catalog.control.entries import draft_entry
from catalog.control.entry_tables import CatalogueEntry
from catalog.control.grant_tables import AccessGrant, Application, Dispute
from catalog.control.life import next_number
from catalog.control.list_tables import Demand
from catalog.control.session import session_scope
from catalog.control.withdrawal_tables import WithdrawalRecord
from catalog.model.state_machine import Actor
from tests.exchange.people import an_entry
from tests.service.samples import Sample
from tests.service.world import World

_serials = itertools.count(1)
TERM = {"term_from": date(2026, 3, 1), "term_to": date(2099, 3, 1)}


def _content(department: str):
    serial = next(_serials)
    return an_entry(f"399999/{serial}", f"示例{serial}", provider=department)


def _draft(session, department: str) -> CatalogueEntry:
    drafter = Actor("person:示范经办", department, frozenset({"provider_officer"}))
    return draft_entry(session, _content(department), drafter)


def _application(session, department: str) -> Application:
    entry = _draft(session, department)
    made = Application(
        number=next_number(session, "application", 2026), entry=entry.number, code=entry.code, provider=department,
        department=department, items=["name"], purpose="核验", service_item="事项", legal_basis="依据", mode="table",
        volume_per_day=1, responsible_officer="示范经办", share_type="conditional", needs_host=False,
        submitted_by="person:示范经办", **TERM,
    )  # fmt: skip
    session.add(made)
    session.flush()
    start_clock(session, "application", made.number, "reply_conditional", department, utc_now().date())
    return made


def _with(make, step: dict | None = None):
    def maker(world: World, department: str) -> Sample:
        with session_scope(world.exchange.control_url) as session:
            number = make(session, department).number
        return Sample({"number": number}, step)

    return maker


def _grant(session, department: str) -> AccessGrant:
    application = _application(session, department)
    made = AccessGrant(
        number=next_number(session, "grant", 2026), application=application.number, code=application.code,
        provider=department, department=department, items=["name"], is_narrower=True, purpose="核验", mode="table",
        quota_per_day=1, valid_from=TERM["term_from"], valid_to=TERM["term_to"],
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def _case(session, department: str) -> CorrectionCase:
    made = CorrectionCase(
        number=next_number(session, "correction_case", 2026), resource="population.person",
        row_key=f"sample{next(_serials)}", column_name="name", doubted_department=department, raised_kind="department",
        raised_by="person:示范经办", raising_department=department,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def _demand(session, department: str) -> Demand:
    made = Demand(
        number=next_number(session, "demand", 2026), title="示例", elements=["x"], description="", purpose="核验",
        service_item="事项", department=department, asked_department=department, raised_by="person:示范经办",
        state="asked",
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def _dispute(session, department: str) -> Dispute:
    made = Dispute(
        number=next_number(session, "dispute", 2026), subject_kind="application", subject=f"APP-{next(_serials)}",
        requester=department, provider=department, statement="不服", raised_by="person:示范经办",
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def _withdrawal(session, department: str) -> WithdrawalRecord:
    made = WithdrawalRecord(
        number=next_number(session, "withdrawal", 2026), kind="version", share="s", schema_name="n", table_name="t",
        resource="population.person", provider=department, reason="口径有误", withdrawn_by="示范管理员",
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def entry(world: World, department: str) -> Sample:
    with session_scope(world.exchange.control_url) as session:
        made = _draft(session, department)
    return Sample(
        {"number": made.number},
        {"entry": made.content},
        {"If-Match": f'"{made.number}-{made.revision}-{made.state}"'},
    )


def clock(world: World, department: str) -> Sample:
    with session_scope(world.exchange.control_url) as session:
        made = _application(session, department)
    return Sample({"kind": "application", "number": made.number}, {"reason": "数据量大"})


BASE = "/api/v1"
SAMPLES = {
    f"{BASE}/entries/{{number}}": entry,
    f"{BASE}/entries/{{number}}/steps": _with(_draft, {"act": "submit"}),
    f"{BASE}/applications/{{number}}": _with(_application),
    f"{BASE}/applications/{{number}}/steps": _with(_application, {"act": "withdraw", "reason": "理由"}),
    f"{BASE}/grants/{{number}}": _with(_grant),
    f"{BASE}/grants/{{number}}/steps": _with(_grant, {"act": "suspend", "reason": "理由"}),
    f"{BASE}/corrections/{{number}}": _with(_case),
    f"{BASE}/corrections/{{number}}/steps": _with(_case, {"act": "accept"}),
    f"{BASE}/corrections/{{number}}/record": _with(_case),
    f"{BASE}/corrections/{{number}}/record/clear": _with(_case, {"purpose": "核实"}),
    f"{BASE}/demands/{{number}}": _with(_demand),
    f"{BASE}/demands/{{number}}/steps": _with(_demand, {"act": "pass_on", "reason": "理由"}),
    f"{BASE}/disputes/{{number}}": _with(_dispute),
    f"{BASE}/disputes/{{number}}/steps": _with(_dispute, {"act": "bring_to_host", "reason": "理由"}),
    f"{BASE}/withdrawals/{{number}}": _with(_withdrawal),
    f"{BASE}/clocks/{{kind}}/{{number}}/extension": clock,
}
