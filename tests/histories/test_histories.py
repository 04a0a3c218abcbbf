"""A small share of ``make prove``: forty histories of two kinds of source side by side, and one death."""

from __future__ import annotations

import pytest

from tests.histories.alone import live_alone
from tests.histories.history import Draw, Event, smaller
from tests.histories.model import Silver, Version
from tests.histories.world import Ground, World

pytestmark = pytest.mark.long


@pytest.fixture
def ground(stack, spark, tmp_path, monkeypatch):
    for name in ("SOURCE_TRANSPORT", "SOURCE_HUMAN_RESOURCES", "RESOURCE_PATH"):
        monkeypatch.setenv(name, "")
    ground = Ground(tmp_path)
    yield ground
    monkeypatch.undo()
    ground.forget()


@pytest.mark.parametrize("kind", ["file", "feed"])
def test_histories_end_as_the_model_says(ground, kind, tmp_path):
    draw = Draw(kind, 2, "small share")
    histories = {number: draw.history(number) for number in range(1, 41)}
    world = World(ground, kind, f"{kind}_{tmp_path.name}", draw.timetable, histories)
    assert [str(difference) for difference in world.live()] == [], world.failure


def test_a_run_that_dies_loses_nothing(ground):
    said: list[str] = []
    assert live_alone(ground, "small share", 1, said.append, kinds=("file",)) == 0, said


def version(record: str, at: int, key: str | None, *, deleted: bool = False) -> Version:
    return Version(record, (at, at, at, at), f"b{at}", key, "名", deleted)


def lived(*runs: list[Version]) -> Silver:
    silver = Silver()
    for run in runs:
        batches: dict[str, list[Version]] = {}
        for row in run:
            batches.setdefault(row.batch, []).append(row)
        silver.conform(batches)
    return silver


def holders(silver: Silver) -> dict[str, str]:
    return {key: record for key, (record, _) in silver.living().items()}


def test_the_model_lets_keys_change_hands():
    first = [version("a", 1, "K1"), version("b", 2, "K2")]
    assert holders(lived(first, [version("a", 3, "K2"), version("b", 4, "K1")])) == {"K1": "b", "K2": "a"}
    assert holders(lived(first, [version("a", 3, None, deleted=True), version("c", 4, "K1")])) == {"K1": "c", "K2": "b"}
    assert holders(lived([version("c", 6, "K1"), version("a", 5, "K1")])) == {"K1": "a"}
    again = lived([version("c", 5, "K1"), version("a", 4, "K1"), version("a", 6, "K2"), version("a", 7, "K1")])
    assert holders(again) == {"K1": "c", "K2": "a"}
    refused = lived(first, [version("a", 3, "K2"), version("c", 4, "K1")])
    assert holders(refused) == {"K1": "a", "K2": "b"}
    assert refused.set_aside() == {("b3", "a", ("DUPLICATE_KEY",)): 1, ("b4", "c", ("DUPLICATE_KEY",)): 1}


def test_the_model_knows_what_came_late():
    late = lived([version("a", 5, "K1")], [version("a", 9, None, deleted=True)], [version("a", 7, "K2")])
    assert holders(late) == {}
    unsound = lived([version("a", 1, None)], [version("a", 2, "K1")])
    assert unsound.waiting() == {}
    assert unsound.ledger["b1"].set_aside == 1


def test_a_history_becomes_smaller():
    history = (Event(0, "put", 0, 1, 1), Event(1, "delete", 0, delay=2))
    found = list(smaller(history))
    assert (history[1],) in found
    assert all(len(h) < 2 or h != history for h in found)
