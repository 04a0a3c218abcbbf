"""The gate from table to record: pinned versions, no-ops, and a store or a rule that fails."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from catalog.control.checks import latest_check
from catalog.control.session import session_scope
from catalog.model.errors import ContractError, GateStoppedError
from catalog.model.registry import get_registry
from expectations.gate import check
from tests.expectations.trial import RESOURCE, citizen, document, row, rows, write_contract


def recorded(site: Any, version: int) -> tuple[Any, int]:
    """Return the newest record of a version, and how many records the trial resource has."""
    with session_scope() as session:
        found = latest_check(session, site.table.name, version)
        count = text("SELECT count(*) FROM check_result WHERE resource = :resource")
        return found, session.execute(count, {"resource": RESOURCE}).scalar_one()


def test_a_pass_is_recorded_once_and_not_scanned_again(site: Any) -> None:
    version = site.fill()
    check(RESOURCE, "b1")
    result, times = recorded(site, version)
    assert (result.outcome, result.batch_ids, times) == ("pass", ["b1"], 1)
    assert result.planned == result.evaluated >= 20
    kept = json.loads(site.report(version).read_text(encoding="utf-8"))
    assert kept["meta"]["gate"]["outcome"] == "pass"
    assert len(kept["results"]) == result.planned
    assert all(r["expectation_config"]["meta"]["rule_id"] for r in kept["results"])
    assert site.report(version).stat().st_mode & 0o077 == 0
    check(RESOURCE)
    assert recorded(site, version)[1] == 1
    assert site.require(version).check_id == result.check_id

    changed = site.fill([*rows(), row(11)])
    with pytest.raises(GateStoppedError, match="never checked"):
        site.require(changed)
    site.fill([row(1, sex_code="x")])
    check(RESOURCE, version=changed)
    assert site.require(changed).outcome == "pass"
    with pytest.raises(GateStoppedError, match="never checked"):
        site.require(changed + 1)

    site.declare(bounds={"floor": 500})
    with pytest.raises(GateStoppedError, match="other rules"):
        site.require(changed)
    with pytest.raises(GateStoppedError, match="row_floor"):
        check(RESOURCE, version=changed)


def test_a_stop_says_what_where_how_and_whom(site: Any, capfd: pytest.CaptureFixture[str]) -> None:
    version = site.fill([*rows(), row(11, citizen_id=citizen(11) + "\n")])
    with pytest.raises(GateStoppedError) as caught:
        check(RESOURCE)
    said = str(caught.value)
    for word in ("trial.resident.citizen_id.pattern", "silver.trial__resident", f"version {version}",
                 f"python -m expectations rows {RESOURCE}", "public_security", "公民身份号码"):  # fmt: skip
        assert word in said
    result, _ = recorded(site, version)
    assert (result.outcome, result.failed) == ("stop", 2)
    shown = capfd.readouterr().err
    assert "阻断 stop" in shown
    assert citizen(11) not in said + shown + site.report(version).read_text(encoding="utf-8")
    with pytest.raises(GateStoppedError, match="stop"):
        site.require(version)
    with pytest.raises(GateStoppedError):
        check(RESOURCE)


def test_table_made_again_under_an_old_version_number(site: Any) -> None:
    version = site.fill()
    check(RESOURCE)
    assert site.require(version).outcome == "pass"
    shutil.rmtree(site.table.local_path)
    assert site.fill([*rows(), row(11, sex_code="x")]) == version
    with pytest.raises(GateStoppedError, match="another table"):
        site.require(version)
    with pytest.raises(GateStoppedError, match="in_code_list"):
        check(RESOURCE)


def test_table_that_does_not_exist(site: Any) -> None:
    with pytest.raises(GateStoppedError, match="does not exist"):
        check(RESOURCE)


def test_version_that_does_not_exist(site: Any) -> None:
    site.fill()
    with pytest.raises(GateStoppedError):
        check(RESOURCE, version=99)
    assert recorded(site, 99)[0].outcome == "stop"


def test_code_list_that_is_gone(site: Any) -> None:
    made = document()
    made["government"]["items"]["sex_code"]["code_list"] = "none_such"
    write_contract(site.contracts, made)
    get_registry.cache_clear()
    site.fill()
    with pytest.raises(ContractError, match="none_such"):
        check(RESOURCE)


def test_rule_that_raises_is_a_recorded_stop(site: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import expectations.rules as package

    (tmp_path / "trial").mkdir()
    (tmp_path / "trial" / "__init__.py").write_text("")
    (tmp_path / "trial" / "resident.py").write_text("def expectations(on):\n    raise ZeroDivisionError('by a rule')\n")
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    version = site.fill()
    try:
        with pytest.raises(GateStoppedError, match="by a rule"):
            check(RESOURCE)
    finally:
        for module in ("expectations.rules.trial", "expectations.rules.trial.resident"):
            sys.modules.pop(module, None)
    result, _ = recorded(site, version)
    assert (result.outcome, result.evaluated) == ("stop", 0)


@pytest.fixture
def closed_store(stack: Any) -> Iterator[None]:
    """Make the control plane refuse new check results, as a full disk would."""
    with session_scope() as session:
        session.execute(
            text(
                "CREATE FUNCTION refuse_result() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE EXCEPTION 'disk full'; END $$"
            )
        )
        session.execute(text("CREATE TRIGGER closed BEFORE INSERT ON check_result EXECUTE FUNCTION refuse_result()"))
    try:
        yield
    finally:
        with session_scope(stack.control_url) as session:
            session.execute(text("DROP TRIGGER closed ON check_result"))
            session.execute(text("DROP FUNCTION refuse_result()"))


def test_result_that_cannot_be_recorded_is_no_pass(closed_store: None, site: Any) -> None:
    version = site.fill()
    with pytest.raises(Exception, match="disk full"):
        check(RESOURCE)
    with pytest.raises(GateStoppedError, match="never checked"):
        site.require(version)


def test_store_that_cannot_be_reached(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from catalog.model.settings import get_settings

    site.fill()
    address = get_settings().control_url
    monkeypatch.setenv("CONTROL_URL", address.rsplit("/", 1)[0] + "/no_such_database")
    get_settings.cache_clear()
    with pytest.raises(Exception, match="does not exist"):
        check(RESOURCE)
    assert not (site.home / "reports").exists()


def test_commands(site: Any) -> None:
    from typer.testing import CliRunner

    from expectations.__main__ import app

    version = site.fill([*rows(), row(11, full_name=None)])
    runner = CliRunner()
    plan = runner.invoke(app, ["suite", RESOURCE])
    assert plan.exit_code == 0 and "trial.resident" in plan.output
    with pytest.raises(GateStoppedError):
        check(RESOURCE)
    shown = runner.invoke(app, ["report", RESOURCE], env={"COLUMNS": "200"})
    assert shown.exit_code == 0 and "stop" in shown.output
    asked = ["rows", RESOURCE, "trial.resident.full_name.not_null", "--version", str(version)]
    kept = site.report(version).with_name(f"{version}.trial.resident.full_name.not_null.csv")
    assert runner.invoke(app, asked).exit_code and not kept.exists(), "keys in clear are for a purpose"
    listed = runner.invoke(app, [*asked, "--purpose", "请部门更正"])
    assert listed.exit_code == 0, listed.output
    assert citizen(11) not in listed.output
    assert citizen(11) in kept.read_text(encoding="utf-8")
    assert kept.stat().st_mode & 0o077 == 0
