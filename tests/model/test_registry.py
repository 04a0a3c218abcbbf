"""The registry: one bad contract stops one contract, whoever is built from it, and nobody else."""

import os
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from catalog.__main__ import app
from catalog.model.authority import Authority, AuthorityError, get_authority
from catalog.model.contract_check import check_files, contract_paths
from catalog.model.contract_problem import InvalidContractError
from catalog.model.errors import ContractError
from catalog.model.registry import RESOURCES, Registry, get_registry
from catalog.model.settings import CHECKOUT, get_settings

BAD, GOOD = "population.resident", "legal_entity.enterprise"
LIBRARY, SHARED = "population.person", "population.resident_basic"


def spoil(path: Path, before: str = "layer: silver", after: str = "layer: sliver") -> int:
    """Misspell something in a contract, and return its line."""
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    return text[: text.index(before)].count("\n") + 1


@pytest.fixture
def folder(tmp_path):
    """A copy of the catalogue's contracts, which may be spoilt."""
    return Path(shutil.copytree(RESOURCES, tmp_path / "resources"))


def test_a_bad_contract_is_refused_with_file_line_and_remedy_and_all_others_are_read(folder):
    line = spoil(folder / "population" / "resident.yml")
    registry = Registry(folder)
    with pytest.raises(InvalidContractError) as refused:
        registry.get(BAD)
    told = str(refused.value)
    assert f"{folder}/population/resident.yml:{line}: government.layer" in told and "did you mean silver?" in told
    assert registry.get(GOOD).id == GOOD
    everything = {contract.id for contract in Registry(RESOURCES).all()}
    assert {contract.id for contract in registry.all()} == everything - {BAD}
    assert list(registry.invalid()) == [BAD] and set(registry.ids()) == everything


def test_what_is_built_from_a_bad_contract_is_refused_naming_it_and_other_libraries_are_not(folder):
    spoil(folder / "population" / "resident.yml")
    registry = Registry(folder)
    library = registry.get(LIBRARY)
    for ask in (registry.inputs_of, registry.sources_of, Authority(get_authority().libraries, registry).of):
        with pytest.raises(InvalidContractError, match=r"population/resident\.yml"):
            ask(library)
    other = registry.get("legal_entity.entity")
    assert registry.inputs_of(other)
    assert Authority(get_authority().libraries, registry).of(other).rules
    assert registry.get(SHARED).government.curate.input == LIBRARY


def test_a_library_is_held_against_its_own_contracts_when_it_asks_for_its_rules(folder):
    rules = get_authority().libraries[LIBRARY]
    thin = rules.model_copy(update={"rules": rules.rules[:1]})
    with pytest.raises(AuthorityError, match="it has no source"):
        Authority({LIBRARY: thin}, Registry(folder)).of(Registry(folder).get(LIBRARY))


def test_a_resource_that_is_not_there_is_told_with_the_nearest():
    with pytest.raises(ContractError, match=r"no resource 'population\.residnt'") as refused:
        get_registry().get("population.residnt")
    assert "did you mean population.resident?" in refused.value.remedy


@pytest.mark.parametrize(
    "name", ["../population/resident", "population.resident.yml", "population/..", "elements.person", ""]
)
def test_only_an_id_leads_to_a_file(name):
    assert not get_registry().has(name)
    with pytest.raises(ContractError, match="no resource"):
        get_registry().get(name)


def test_a_folder_that_may_not_be_read_is_told_and_not_taken_for_empty(folder, monkeypatch):
    shut, scandir = str(folder / "population"), os.scandir

    def guarded(place):
        if str(place) == shut:
            raise PermissionError(13, "Permission denied", shut)
        return scandir(place)

    monkeypatch.setattr(os, "scandir", guarded)
    with pytest.raises(ContractError, match="the folder cannot be read"):
        Registry(folder).all()


@pytest.mark.parametrize("target", ["resident_2.yml", "nowhere.yml"])
def test_a_link_that_leads_nowhere_stops_its_own_resource_alone(folder, target):
    (folder / "population" / "resident_2.yml").symlink_to(target)
    (folder / "population" / ".#resident.yml").symlink_to("somebody@somewhere.1")
    (folder / "round").symlink_to("round")
    os.mkfifo(folder / "population" / "pipe.yml")
    for registry in (Registry(folder), Registry(folder).follow()):
        assert {each.id for each in registry.all()} == {each.id for each in Registry(RESOURCES).all()}
        assert list(registry.invalid()) == ["population.resident_2"]
        with pytest.raises(InvalidContractError, match="cannot be read"):
            registry.get("population.resident_2")
    with pytest.raises(InvalidContractError, match="cannot be read"):
        Registry(folder).get("population.resident_2")
    bad = [each.path.name for each in check_files(Registry(folder), contract_paths([folder])) if each.problems]
    assert bad == ["resident_2.yml"]


def test_an_id_of_the_catalogue_in_another_folder_stops_the_resource_and_no_other(tmp_path):
    site = tmp_path / "site" / "population"
    site.mkdir(parents=True)
    shutil.copy(RESOURCES / "population" / "resident.yml", site)
    registry = Registry(RESOURCES, tmp_path / "site")
    with pytest.raises(InvalidContractError, match="has two contracts") as refused:
        registry.get(BAD)
    assert refused.value.path == site / "resident.yml" and str(RESOURCES) in str(refused.value)
    assert registry.get(GOOD) and list(registry.invalid()) == [BAD]


@pytest.fixture
def at_a_site(tmp_path, monkeypatch):
    """A site's folder with one contract that cannot be used, in force for this process."""
    path = tmp_path / "site" / "licence" / "spoilt.yml"
    path.parent.mkdir(parents=True)
    text = (RESOURCES / "licence" / "road_transport.yml").read_text(encoding="utf-8")
    path.write_text(
        text.replace("road_transport\n", "spoilt\n").replace("layer: silver", "layer: sliver"), encoding="utf-8"
    )
    monkeypatch.setenv("RESOURCE_PATH", str(tmp_path / "site"))
    get_settings.cache_clear()
    get_registry.cache_clear()
    yield path
    monkeypatch.undo()
    get_settings.cache_clear()
    get_registry.cache_clear()


@pytest.mark.parametrize("command", [("resources", "list"), ("codes", "list"), ("elements", "duplicates")])
def test_who_asks_for_all_sees_the_good_ones_and_hears_of_the_bad_one(at_a_site, command):
    told = CliRunner().invoke(app, list(command))
    assert told.exit_code == 1
    assert f"{at_a_site}:" in told.stderr and "licence.spoilt" in told.stderr
    assert "Traceback" not in told.output
    if command == ("resources", "list"):
        assert "population.resident" in told.stdout


def test_who_asks_for_one_is_not_troubled_by_another(at_a_site):
    assert CliRunner().invoke(app, ["resources", "show", GOOD]).exit_code == 0
    told = CliRunner().invoke(app, ["resources", "show", "licence.spoilt"])
    assert told.exit_code == 2 and "did you mean silver?" in told.stderr


def test_one_contract_is_found_without_reading_another(folder):
    for path in folder.glob("*/*.yml"):
        if path.stem != "enterprise":
            path.write_text("a: [", encoding="utf-8")
    registry = Registry(folder)
    assert registry.get(GOOD).columns
    assert list(registry._read_from) == [GOOD]


class Kept:
    """A folder and what is kept of its outlines, each time asked by a registry of its own."""

    def __init__(self, folder: Path, place: Path) -> None:
        self.folder, self.path = folder, place / "cache" / "outlines.json"
        self.read: set[str] = set()

    def outlines(self) -> dict[str, str]:
        """Return id → Chinese name, and note which contracts were read for it."""
        registry = Registry(self.folder)
        found = {outline.id: outline.business_name for outline in registry.outlines(self.path)}
        self.read = set(registry._read_from)
        return found


@pytest.fixture
def kept(folder, tmp_path):
    past = time.time() - 60
    for path in folder.glob("*/*.yml"):
        os.utime(path, (past, past))
    return Kept(folder, tmp_path)


def test_outlines_are_kept_for_their_owner_and_spare_reading_the_contracts(kept):
    first = kept.outlines()
    assert kept.read == set(first) and len(first) > 20
    assert stat.S_IMODE(kept.path.stat().st_mode) == 0o600
    assert kept.outlines() == first and kept.read == set()


def test_a_changed_new_or_lost_contract_is_seen_and_only_it_is_read(kept):
    first = kept.outlines()
    path = kept.folder / "population" / "resident.yml"
    spoil(path, "businessName: 常住人口登记", "businessName: 常住人口登册")
    changed = kept.outlines()
    assert changed[BAD] == "常住人口登册" and kept.read == {BAD}
    spoil(path)
    assert kept.outlines().keys() == first.keys() - {BAD}
    (kept.folder / "licence" / "valid_licence.yml").unlink()
    assert kept.outlines().keys() == first.keys() - {BAD, "licence.valid_licence"}


def test_a_change_of_the_same_size_at_the_same_time_is_seen(kept):
    path = kept.folder / "population" / "resident.yml"
    os.utime(path)
    kept.outlines()
    before = path.stat()
    text = path.read_text(encoding="utf-8").replace("businessName: 常住人口登记", "businessName: 常住人口登册", 1)
    with path.open("r+", encoding="utf-8") as file:
        file.write(text)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert kept.outlines()[BAD] == "常住人口登册"


@pytest.mark.parametrize("damage", [b"", b"{}", b"no digest\n{}", None])
def test_damaged_outlines_are_made_anew(kept, damage):
    first = kept.outlines()
    whole = kept.path.read_bytes()
    kept.path.write_bytes(whole[:-40] if damage is None else damage)
    assert kept.outlines() == first and kept.read == set(first)
    assert kept.path.read_bytes() == whole


def test_outlines_that_others_may_write_are_not_believed(kept):
    first = kept.outlines()
    kept.path.chmod(0o666)
    assert kept.outlines() == first and kept.read == set(first)


def test_what_has_an_outline_and_what_is_good_are_the_same(folder, tmp_path):
    spoil(folder / "population" / "resident.yml")
    spoil(folder / "population" / "resident_basic.yml", "input: population.person", "input: population.household")
    registry = Registry(folder)
    good = {contract.id for contract in registry.all()}
    assert {outline.id for outline in Registry(folder).outlines(tmp_path / "o.json")} == good
    assert {outline.id for outline in Registry(folder).outlines(tmp_path / "o.json")} == good
    assert set(registry.invalid()) == {BAD, SHARED} == set(Registry(folder).invalid(tmp_path / "o.json"))


def test_a_registry_that_follows_takes_what_has_come_to_rest(folder):
    path = folder / "population" / "resident.yml"
    registry = Registry(folder).follow(0)
    past = time.time() - 60
    os.utime(path, (past, past))
    edition, name = registry.edition, registry.get(BAD).table.business_name
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole[: whole.index("items:")], encoding="utf-8")
    assert registry.get(BAD).government.items, "half a file is not taken"
    path.write_text(whole.replace(name, f"{name}（新）"), encoding="utf-8")
    os.utime(path, (past + 1, past + 1))
    assert registry.get(BAD).table.business_name == f"{name}（新）"
    assert registry.edition > edition
    new = folder / "population" / "another.yml"
    new.write_text(whole.replace("resident\n", "another\n"), encoding="utf-8")
    os.utime(new, (past, past))
    assert registry.get("population.another").columns
    spoil(path)
    os.utime(path, (past + 2, past + 2))
    with pytest.raises(InvalidContractError):
        registry.get(BAD)
    assert registry.get(GOOD)


def test_a_registry_that_does_not_follow_stays_as_it_was(folder):
    registry = Registry(folder)
    before = registry.get(BAD), registry.sha256(BAD)
    spoil(folder / "population" / "resident.yml")
    assert (registry.get(BAD), registry.sha256(BAD)) == before


def test_a_task_of_another_resource_never_sees_a_bad_contract(at_a_site):
    script = "from jobs.stages import perform; perform('curate', 'population.resident')"
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert "WRONG_STAGE" in done.stderr and "spoilt" not in done.stderr
