"""What we pin is held against published advisories: exactly by version, and never silently."""

import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml
from packaging.version import Version

from infra.advisories.audit import LIST, AdvisoryListError, find_hits, mended_in, read_list
from infra.advisories.pins import PinError, pinned_files, read_pins
from infra.stack.home import CHECKOUT

EARLIER = "9c7d751"
"""A commit whose requirements hold packages with published holes."""
DAY = date(2026, 11, 28)


def audit(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "infra", "audit", *map(str, arguments)]
    return subprocess.run(line, cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def pins(tmp_path: Path):
    def write(text: str, name: str = "requirements.txt") -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


@pytest.fixture
def listed(tmp_path: Path):
    """Return a function that writes the list with some entries changed."""

    def write(**changed: object) -> Path:
        path = tmp_path / "advisories.yml"
        path.write_text(yaml.safe_dump({**yaml.safe_load(LIST.read_text()), **changed}))
        return path

    return write


def test_the_requirements_of_an_earlier_commit_fail(pins) -> None:
    shown = subprocess.run(
        ["git", "show", f"{EARLIER}:requirements.txt"], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    if shown.returncode:
        pytest.skip("the history does not go back so far")
    told = audit(pins(shown.stdout))
    assert told.returncode == 1
    assert "aiohttp 3.13.4" in told.stdout and "CVE-2026-69244 high" in told.stdout
    assert "raise aiohttp to 3.14.3 or later" in told.stdout and "219 pins" in told.stdout


def test_versions_are_compared_as_versions(pins) -> None:
    known = read_list()
    for version, count in {"3.9.0": 22, "3.13.4": 13, "3.14.2": 1, "3.14.3rc1": 1, "3.14.3": 0, "3.14.10": 0}.items():
        hits = find_hits(read_pins(pins(f"AioHTTP=={version}\n")), known, DAY)
        assert len(hits) == count, version
    assert mended_in(find_hits(read_pins(pins("aiohttp==3.9\nsqlparse==0.5.5\n")), known, DAY)) == {
        "aiohttp": Version("3.14.3"),
        "sqlparse": Version("0.6.0"),
    }


def test_a_jar_is_judged_like_a_package(pins) -> None:
    text = (CHECKOUT / "infra" / "pom.xml").read_text()
    assert find_hits(read_pins(pins(text, "pom.xml")), read_list(), DAY) == []
    old = text.replace("<postgresql.version>42.7.13<", "<postgresql.version>42.7.5<")
    assert old != text
    told = audit(pins(old, "pom.xml"))
    assert told.returncode == 1 and "org.postgresql:postgresql 42.7.5" in told.stdout
    assert "CVE-2025-49146 high" in told.stdout and "CVE-2024-1597" not in told.stdout


def test_every_file_of_the_checkout_is_looked_at_and_what_is_found_is_told() -> None:
    names = {str(path.relative_to(CHECKOUT)) for path in pinned_files()}
    assert {"requirements.txt", "pyproject.toml", "infra/pom.xml"} <= names
    everything = [pin for path in pinned_files() for pin in read_pins(path)]
    assert len(everything) > 250 and {pin.ecosystem for pin in everything} == {"python", "maven"}
    hits = [hit for hit in find_hits(everything, read_list(), date.today()) if not hit.is_accepted]
    told = audit()
    assert told.returncode == (1 if hits else 0), told.stderr
    assert all(hit.advisory.id in told.stdout for hit in hits) and f"{len(everything)} pins" in told.stdout


def test_what_is_sound_passes(pins, listed) -> None:
    told = audit(pins("aiohttp==3.14.3\nrequests==2.33.0 ; python_version > '3'\nrich[x]==15.0.0 --hash=sha256:ab\n"))
    assert (told.returncode, told.stderr) == (0, "") and "3 pins" in told.stdout and "0 found" in told.stdout


@pytest.mark.parametrize(
    "line", ["aiohttp", "aiohttp>=3", "aiohttp==3.*", "-r other.txt", "aiohttp==3.1,>2", "", "x==_"]
)
def test_a_line_that_names_no_version_is_refused_and_not_passed_over(pins, line) -> None:
    with pytest.raises(PinError):
        read_pins(pins(f"# nothing else\n{line}\n"))
    assert audit(pins(line)).returncode == 2


def test_an_old_list_warns_and_one_of_the_future_is_refused(pins, listed) -> None:
    sound = pins("aiohttp==3.14.3\n")
    old = audit(sound, "--advisories", listed(checked_on=date.today() - timedelta(days=40)))
    assert old.returncode == 0 and "warning: the advisories were looked through 4" in old.stderr
    ahead = audit(sound, "--advisories", listed(checked_on=date.today() + timedelta(days=9)))
    assert ahead.returncode == 2 and "has not come yet" in ahead.stderr


@pytest.mark.parametrize(
    "wrong",
    [{"id": "CVE-26-1"}, {"affected": "every"}, {"affected": ""}, {"severity": "bad"}, {"fixed": "3.14"}, {"what": ""}],
)
def test_an_entry_that_is_not_whole_stops_the_audit(listed, pins, wrong) -> None:
    entry = {"id": "CVE-2026-1000", "affected": "<3.15", "severity": "low", "fixed": "3.15", "what": "some hole"}
    assert read_list(listed(python={"aiohttp": [entry]})).python["aiohttp"][0].fixed == "3.15"
    path = listed(python={"aiohttp": [{**entry, **wrong}]})
    with pytest.raises(AdvisoryListError):
        read_list(path)
    assert audit(pins("aiohttp==3.15\n"), "--advisories", path).returncode == 2


def test_what_is_accepted_holds_for_one_file_and_until_its_day(listed, pins) -> None:
    path, other = pins("aiohttp==3.13.4\n"), pins("aiohttp==3.13.4\n", "requirements-2.txt")
    entry = {"file": str(path), "package": "aiohttp", "until": DAY, "why": "the client allows no later version yet"}
    known = read_list(listed(accepted=[entry]))
    for file, day, is_accepted in ((path, DAY, True), (path, DAY + timedelta(days=1), False), (other, DAY, False)):
        hits = find_hits(read_pins(file), known, day)
        assert len(hits) == 13 and {hit.is_accepted for hit in hits} == {is_accepted}


def test_make_audit_runs_the_command() -> None:
    text = (CHECKOUT / "Makefile").read_text()
    assert "\naudit: " in text and "$(PYTHON) -m infra audit" in text
