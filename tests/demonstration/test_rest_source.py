"""人社's interface: pages are complete, nothing without the token, new data without a restart."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from catalog.model.errors import SettingMissingError
from catalog.model.settings import CHECKOUT
from infra.demonstration.insurance import PERSON_COLUMNS
from infra.demonstration.lists import list_path, write_list
from infra.demonstration.rest_source import make_app
from infra.demonstration.world import Deliveries, World
from tests.demonstration.conftest import FIRST_DATE, SEED, SMALL

TOKEN = "a-token-of-the-tests"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Run the interface as its own process, over a home that has no data yet."""
    home = tmp_path_factory.mktemp("interface")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{probe.getsockname()[1]}"
    environment = os.environ | {
        "GUANTONG_HOME": str(home),
        "SOURCE_HUMAN_RESOURCES": address,
        "SOURCE_HUMAN_RESOURCES_TOKEN": TOKEN,
    }
    command = [sys.executable, "-m", "infra.demonstration.rest_source"]
    process = subprocess.Popen(command, cwd=CHECKOUT, env=environment)
    try:
        await_health(address)
        yield address, home
    finally:
        process.terminate()
        process.wait(20)


def await_health(address: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            assert httpx.get(f"{address}/health").json()["status"] == "ok"
            return
        except httpx.TransportError:
            assert time.monotonic() < deadline, "the interface did not start"
            time.sleep(0.1)


@pytest.fixture(scope="module")
def filled(server: tuple[str, Path]) -> tuple[str, World, Deliveries]:
    """Deliver two days to a server that runs already, and check that it was empty before."""
    address, home = server
    empty = httpx.get(f"{address}/v1/insured-persons", headers=BEARER).json()
    assert empty == {"total": 0, "page": 1, "page_size": 1000, "items": []}
    world = World(SEED, SMALL, FIRST_DATE)
    world.step()
    write_list(home, "insured-persons", world.insurance.persons)
    assert httpx.get(f"{address}/health").json()["insured-persons"] == len(world.insurance.persons)
    second = world.step()
    write_list(home, "insured-persons", world.insurance.persons)
    write_list(home, "insured-employers", world.insurance.employers)
    return address, world, second


def read_all(address: str, name: str, size: int, **parameters: str) -> list[dict[str, object]]:
    items: list[dict[str, object]] = []
    page = 1
    while True:
        answer = httpx.get(
            f"{address}/v1/{name}", params={"page": page, "page_size": size, **parameters}, headers=BEARER
        ).json()
        assert (answer["page"], answer["page_size"]) == (page, size)
        items += answer["items"]
        if len(items) >= answer["total"] or not answer["items"]:
            assert len(items) == answer["total"]
            return items
        page += 1


def test_pages_are_complete_and_in_order(filled: tuple[str, World, Deliveries]):
    address, world, _ = filled
    items = read_all(address, "insured-persons", 100)
    assert len(items) > 500
    assert [item["record_no"] for item in items] == sorted(world.insurance.persons["record_no"])
    assert list(items[0]) == PERSON_COLUMNS
    employers = read_all(address, "insured-employers", 1000)
    assert {item["uscc"] for item in employers} == set(world.insurance.employers["uscc"])


def test_changes_since_a_moment_include_the_moment(filled: tuple[str, World, Deliveries]):
    address, world, second = filled
    since = "2026-03-02T00:00:00+08:00"
    items = read_all(address, "insured-persons", 7, changed_since=since)
    assert len(items) == second.insurance.inserted["insured_person"] + second.insurance.updated["insured_person"]
    earliest = min(str(item["changed_at"]) for item in items)
    assert {str(item["record_no"]) for item in read_all(address, "insured-persons", 7, changed_since=earliest)} == {
        str(item["record_no"]) for item in items
    }
    assert 0 < len(items) < len(world.insurance.persons) / 10


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}, {"Authorization": f"Bearer {TOKEN}x"}]
)
def test_nothing_without_the_token(filled: tuple[str, World, Deliveries], headers: dict[str, str]):
    address, *_ = filled
    for name in ("insured-persons", "insured-employers", "nothing"):
        answer = httpx.get(f"{address}/v1/{name}", headers=headers)
        assert answer.status_code == 401
        assert "items" not in answer.json()


@pytest.mark.parametrize(
    "parameters", [{"page": 0}, {"page_size": 0}, {"page_size": 10_001}, {"changed_since": "2026-03-02T00:00:00"}]
)
def test_bad_parameters_are_refused(filled: tuple[str, World, Deliveries], parameters: dict[str, str]):
    address, *_ = filled
    assert httpx.get(f"{address}/v1/insured-persons", params=parameters, headers=BEARER).status_code == 422


def test_a_page_behind_the_end_is_empty(filled: tuple[str, World, Deliveries]):
    address, *_ = filled
    answer = httpx.get(f"{address}/v1/insured-persons", params={"page": 99}, headers=BEARER).json()
    assert answer["items"] == [] and answer["total"] > 500


def test_without_a_token_it_refuses_to_start(tmp_path: Path):
    with pytest.raises(SettingMissingError):
        make_app(tmp_path, "")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SOURCE_")}
    environment |= {"GUANTONG_HOME": str(tmp_path), "SOURCE_HUMAN_RESOURCES": "http://127.0.0.1:1"}
    command = [sys.executable, "-m", "infra.demonstration.rest_source"]
    result = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "SOURCE_HUMAN_RESOURCES_TOKEN" in result.stderr


def test_the_list_file_is_replaced_whole(tmp_path: Path, small_world: tuple[World, list[Deliveries]]):
    world, _ = small_world
    path = write_list(tmp_path, "insured-employers", world.insurance.employers)
    assert path == list_path(tmp_path, "insured-employers")
    assert [p.name for p in path.parent.iterdir()] == ["insured-employers.jsonl"]
