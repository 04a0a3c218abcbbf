"""Reports at the end of a run: written where the run says, and never the reason why a day fails."""

from pathlib import Path

from rich.console import Console

from catalog.model.settings import load_settings
from infra.run.quality_reports import leave_reports
from tests.control.postgres_server import control_database, database_server

__all__ = ["control_database", "database_server"]


def test_reports_of_an_empty_platform_are_written(control_database, tmp_path: Path) -> None:
    settings = load_settings({"GUANTONG_HOME": str(tmp_path), "CONTROL_URL": control_database})
    phases: dict[str, float] = {}
    index = leave_reports(settings, Console(quiet=True), phases)
    assert index == tmp_path / "reports" / "quality" / "index.html"
    assert "没有待更正的问题" in index.read_text(encoding="utf-8")
    assert 0 < phases["reports"] < 10


def test_reports_that_cannot_be_written_are_told(control_database, tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("a file where the folder should be", encoding="utf-8")
    settings = load_settings({"GUANTONG_HOME": str(tmp_path), "CONTROL_URL": control_database})
    console, phases = Console(record=True, quiet=False, file=(tmp_path / "out").open("w")), {}
    assert leave_reports(settings, console, phases) is None
    assert "质量报告未生成" in console.export_text() and "reports" in phases
