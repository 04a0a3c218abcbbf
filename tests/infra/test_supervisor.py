"""The supervisor on small process tables: order, restart, take-over, end."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

from infra.stack import StackError, down, ensure_supervisor, is_running, read_status, up
from infra.stack.home import CHECKOUT, Home, read_json
from infra.stack.ports import choose_ports, is_free
from infra.stack.reaper import MARK, find_marked, mark
from infra.stack.state import ProcessStatus, StackState
from infra.stack.supervisor import build_table
from infra.stack.table import FULL

FAMILY = "tests.infra.dummies:family"


@pytest.fixture
def home(make_home: Callable[[str], Home], request: pytest.FixtureRequest) -> Iterator[Home]:
    home = make_home(request.node.name)
    yield home
    down(home=home)


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> float:
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, "waited in vain"
        time.sleep(0.05)
    return time.monotonic() - began


def pids(home: Home) -> dict[str, int]:
    return {entry.name: entry.pid for entry in read_status(home) if entry.pid}


def members(home: Home) -> list[psutil.Process]:
    return find_marked(home)


def test_starts_in_order_and_runs_a_step_once(home: Home) -> None:
    stack = up(home=home, table=FAMILY)
    assert [entry.state for entry in stack.state.processes.values()] == ["healthy", "done", "healthy"]
    assert (home.root / "lake" / "steps").read_text() == "x\n"
    started = {entry.name: entry.started for entry in read_status(home)}
    assert started["server"] < started["step"] < started["leader"]
    assert len(members(home)) >= 4
    assert up(home=home, table=FAMILY).seconds == 0.0
    assert (home.root / "lake" / "steps").read_text() == "x\n"


def test_restarts_what_dies_without_its_old_children(home: Home) -> None:
    up(home=home, table=FAMILY)
    before = pids(home)["leader"]
    wait_until(lambda: len(psutil.Process(before).children()) == 2)
    old = psutil.Process(before).children(recursive=True)
    os.kill(before, signal.SIGKILL)
    took = wait_until(lambda: pids(home).get("leader", before) != before and is_running(home))
    assert took < 3
    assert {entry.name: entry.restarts for entry in read_status(home)}["leader"] == 1
    assert old
    assert not [process for process in old if process.is_running() and process.status() != "zombie"]


def test_a_new_supervisor_takes_the_processes_over(home: Home) -> None:
    up(home=home, table=FAMILY)
    before, first = pids(home), StackState.load(home).supervisor_pid
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: not StackState.load(home).is_supervised)
    assert {entry.state for entry in read_status(home)} == {"unwatched", "done"}
    assert ensure_supervisor(home)
    wait_until(lambda: is_running(home))
    assert StackState.load(home).supervisor_pid != first
    assert pids(home) == before
    assert (home.root / "lake" / "steps").read_text() == "x\n"
    os.kill(before["leader"], signal.SIGKILL)
    wait_until(lambda: pids(home).get("leader") not in (None, before["leader"]) and is_running(home))


def test_ends_what_a_killed_supervisor_left(home: Home) -> None:
    up(home=home, table=FAMILY)
    os.kill(StackState.load(home).supervisor_pid, signal.SIGKILL)
    assert members(home)
    down(home=home)
    assert not members(home)


def test_a_stopped_stack_stays_stopped(home: Home) -> None:
    up(home=home, table=FAMILY)
    running = members(home)
    assert len(running) >= 4
    assert down(home=home) == 0
    assert not members(home)
    assert not [process for process in running if process.is_running() and process.status() != "zombie"]
    assert not ensure_supervisor(home)
    assert not is_running(home)
    assert {entry.state for entry in read_status(home)} == {"stopped"}


def test_ends_a_process_that_does_not_listen(home: Home) -> None:
    up(home=home, table="tests.infra.dummies:deaf")
    assert members(home)
    down(home=home)
    assert not members(home)


def test_names_the_process_that_does_not_start_and_its_log(home: Home) -> None:
    with pytest.raises(StackError) as caught:
        up(home=home, table="tests.infra.dummies:broken", seconds=30)
    told = str(caught.value)
    assert "broken does not start" in told
    assert "exit code 7" in told
    assert "the reason is 42" in told
    assert str(home.log("broken")) in told


def test_names_the_true_cause_and_its_remedy(home: Home) -> None:
    with pytest.raises(StackError) as caught:
        up(home=home, table="tests.infra.dummies:full_disk", seconds=30)
    told = str(caught.value)
    assert "the disk is full: FATAL: could not write: No space left on device" in told.splitlines()[0]
    assert "make room on the disk" in told


def test_a_port_that_is_taken_between_two_starts_is_named(home: Home) -> None:
    home.create()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        (home.root / "taken").write_text(str(port))
        with pytest.raises(StackError) as caught:
            up(home=home, table="tests.infra.dummies:taken", seconds=30)
    assert f"port {port} is taken by process {os.getpid()}" in str(caught.value)
    assert "end that process" in str(caught.value)


def test_says_who_took_its_port(home: Home) -> None:
    up(home=home, table=FAMILY)
    down(home=home)
    port = read_json(home.ports_file)["server"]
    with socket.create_server(("127.0.0.1", port)), pytest.raises(StackError) as caught:
        up(home=home, table=FAMILY, seconds=30)
    assert f"port {port} of server is taken by process {os.getpid()}" in str(caught.value)
    assert "Traceback" not in str(caught.value)
    assert read_json(home.ports_file)["server"] == port


def test_what_a_dead_process_left_on_its_port_is_ended(home: Home) -> None:
    home.create()
    port = choose_ports(home, ["service"])["service"]
    command = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]
    left = subprocess.Popen(command, env={**os.environ, MARK: mark(home, "service")}, stderr=subprocess.DEVNULL)
    wait_until(lambda: not is_free(port))
    status = ProcessStatus("service", state="healthy", pid=None, port=port)
    StackState(table=FULL, phase="running", processes={"service": status}).save(home)
    ports = [spec.port for spec in build_table(FULL, home) if spec.name == "service"]
    assert ports == [port]
    assert left.wait(5) == -signal.SIGKILL


def test_a_second_supervisor_gives_way(home: Home) -> None:
    up(home=home, table=FAMILY)
    before = pids(home)
    command = [sys.executable, "-m", "infra", "supervise", "--table", FAMILY]
    environment = {**os.environ, "GUANTONG_HOME": str(home.root)}
    assert subprocess.run(command, cwd=CHECKOUT, env=environment, check=False).returncode == 3
    assert pids(home) == before


def test_two_homes_do_not_meet(home: Home, make_home: Callable[[str], Home]) -> None:
    other = make_home("other")
    up(home=home, table=FAMILY)
    up(home=other, table=FAMILY)
    ports = {entry.port for one in (home, other) for entry in read_status(one) if entry.port}
    assert len(ports) == 2
    before = pids(other)
    down(home=home)
    assert is_running(other)
    assert pids(other) == before
    assert not members(home)


def test_a_removed_home_ends_its_stack(home: Home) -> None:
    up(home=home, table=FAMILY)
    running = members(home)
    assert running
    shutil.rmtree(home.root)
    wait_until(lambda: not members(home))
