"""The recipient's client runs apart from us: with libraries of its own, and with nothing that is secret."""

import re
import sys
from pathlib import Path

import pytest

from infra.recipient.boundary import INTERPRETER, RecipientError, ask, recipient_python
from infra.stack.errors import StackError
from infra.stack.home import CHECKOUT

OWN = {"delta-sharing", "aiohttp", "yarl", "jwcrypto", "delta-kernel-rust-sharing-wrapper"}


def names(path: str) -> set[str]:
    return set(re.findall(r"(?m)^([a-z0-9_.-]+)==", (CHECKOUT / path).read_text()))


def test_the_client_and_what_it_needs_are_in_its_own_requirements_only() -> None:
    own, main = names("infra/recipient/requirements.txt"), names("requirements.txt")
    assert own >= OWN and len(main) > 150
    assert not main & OWN


def test_the_client_gets_no_setting_and_nothing_on_its_command_line(tmp_path: Path, monkeypatch) -> None:
    spy = tmp_path / "python"
    script = f'env > {tmp_path}/env; echo "$@" > {tmp_path}/line; cat > {tmp_path}/in'
    spy.write_text(f"#!/bin/sh\n{script}; echo '{{\"answer\": 7}}'\n")
    spy.chmod(0o700)
    for name in ("AUDIT_KEY", "CONTROL_URL", "SOURCE_X", "IDENTITY_KEY", "GUANTONG_HOME"):
        monkeypatch.setenv(name, "GeheimesZeichen")
    monkeypatch.setenv(INTERPRETER, str(spy))
    assert ask("load", tmp_path / "a.share", table="a.b.c") == 7
    assert "PATH=" in (tmp_path / "env").read_text() and '"table": "a.b.c"' in (tmp_path / "in").read_text()
    assert "GeheimesZeichen" not in (tmp_path / "env").read_text()
    assert (tmp_path / "line").read_text().split()[0] == "-I" and "a.share" not in (tmp_path / "line").read_text()


def test_what_the_client_raises_is_told_in_its_words(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv(INTERPRETER, sys.executable)
    with pytest.raises(RecipientError, match="KeyError: 'no such act'"):
        ask("no such act", tmp_path / "a.share")


def test_one_that_ends_without_an_answer_is_told_too(monkeypatch) -> None:
    monkeypatch.setenv(INTERPRETER, "/bin/false")
    with pytest.raises(RecipientError, match="the client ended with 1"):
        ask("tables", "a.share")


def test_an_environment_that_was_not_set_up_is_named_with_its_remedy(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv(INTERPRETER, str(tmp_path / "none"))
    with pytest.raises(StackError, match="make install"):
        recipient_python()
