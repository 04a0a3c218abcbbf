"""Commands say soon that the control database is away, whether its port is closed or only silent."""

import socket
import time

import pytest
from typer.testing import CliRunner

from catalog.__main__ import app
from catalog.model.settings import get_settings

ANN = "11010519491231002X"
SOON = 5.0
"""Seconds after which somebody at a terminal takes a command for hung."""


@pytest.mark.parametrize(
    ("port", "words"),
    [("closed", ("explain", "population.person", ANN)), ("silent", ("cases",))],
    ids=["explain", "cases"],
)
def test_a_database_that_is_away_is_told_within_seconds(tell, monkeypatch, port, words):
    tell("population.resident", ANN, 1, {"name": "示范甲", "division_code": "110101"})
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        if port == "silent":
            nobody.listen(8)
        place = f"127.0.0.1:{nobody.getsockname()[1]}"
        monkeypatch.setattr(get_settings(), "control_url", f"postgresql+psycopg://control:hidden@{place}/control")
        began = time.monotonic()
        found = CliRunner().invoke(app, list(words))
    assert time.monotonic() - began < SOON
    assert found.exit_code == 3
    assert place in found.output and "make status" in found.output
    assert "hidden" not in found.output
