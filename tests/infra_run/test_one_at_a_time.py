"""Two runs never share a home: the second is told so, and the first's end lets the next one in."""

import subprocess
import sys
from pathlib import Path

import pytest

from catalog.model.settings import CHECKOUT
from infra.run.one_at_a_time import only_run
from infra.stack import StackError

HOLD = """
import sys
from pathlib import Path
from infra.run.one_at_a_time import only_run
with only_run(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_run_is_refused_while_the_first_lives_and_admitted_when_it_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    first = subprocess.Popen(command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        with pytest.raises(StackError, match="another run is under way"), only_run(tmp_path):
            pass
    finally:
        first.kill()
        first.communicate()
    with only_run(tmp_path):
        assert (tmp_path / "run.lock").exists()
