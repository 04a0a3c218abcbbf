"""What installing puts in place, and what it says where it cannot."""

import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from infra.stack.home import CHECKOUT
from infra.stack.spark_server import JARS, pyspark_folder, server_jars

POM = {"m": "http://maven.apache.org/POM/4.0.0"}


def artifact(path: Path) -> str:
    return re.sub(r"-\d[\w.]*\.jar$", "", path.name)


def pinned(package: str) -> str:
    found = re.search(rf"^{package}==(\S+)$", (CHECKOUT / "requirements.txt").read_text(), re.M)
    assert found
    return found.group(1)


def test_every_jar_of_the_pom_is_there_and_none_doubles_pyspark() -> None:
    pom = ElementTree.parse(CHECKOUT / "infra" / "pom.xml")  # noqa: S314 - our own file
    named = {node.text for node in pom.iterfind(".//m:dependency/m:artifactId", POM)}
    assert len(named) >= 8
    assert {artifact(path) for path in JARS.glob("*.jar")} == named
    shipped = {artifact(path) for path in (pyspark_folder() / "jars").glob("*.jar")}
    assert len(shipped) > 100
    assert not named & shipped


def test_delta_of_the_pom_is_delta_of_the_requirements() -> None:
    pom = ElementTree.parse(CHECKOUT / "infra" / "pom.xml")  # noqa: S314 - our own file
    assert pom.findtext(".//m:delta.version", namespaces=POM) == pinned("delta-spark")
    assert f"delta-spark_4.1_2.13-{pinned('delta-spark')}.jar" in {path.name for path in server_jars()}


def test_the_server_gets_delta_the_driver_and_splink() -> None:
    names = " ".join(path.name for path in server_jars())
    for part in ("delta-spark", "delta-storage", "postgresql", "scala-udf-similarity"):
        assert part in names


def test_requirements_are_pinned_and_name_no_registry() -> None:
    lines = [line for line in (CHECKOUT / "requirements.txt").read_text().splitlines() if line[:1].isalnum()]
    assert len(lines) > 100
    assert all("==" in line for line in lines)
    assert "://" not in (CHECKOUT / "requirements.txt").read_text()


def is_current() -> bool:
    return subprocess.run(["make", "-q", ".venv/.installed"], cwd=CHECKOUT, check=False).returncode == 0


@pytest.mark.skipif(not is_current(), reason="something to install since; `make install` first")
def test_installing_again_ends_at_once() -> None:
    result = subprocess.run([CHECKOUT / "infra" / "install.sh"], capture_output=True, text=True, check=True, timeout=10)
    assert result.stdout == ""


@pytest.fixture
def bare(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A fresh checkout on a machine with nothing but the shell's own programs."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("bash", "dirname", "id", "uname", "sed", "head", "mktemp", "rm", "grep", "env"):
        found = shutil.which(name)
        assert found
        (programs / name).symlink_to(found)
    checkout = tmp_path / "checkout"
    (checkout / "infra").mkdir(parents=True)
    for name in ("requirements.txt", "infra/pom.xml", "infra/install.sh"):
        shutil.copy(CHECKOUT / name, checkout / name)
    return checkout, {"PATH": str(programs)}


def test_without_java_it_says_the_command(bare: tuple[Path, dict[str, str]]) -> None:
    checkout, environment = bare
    script = [shutil.which("bash") or "bash", str(checkout / "infra" / "install.sh")]
    result = subprocess.run(script, env=environment, capture_output=True, text=True, check=False, timeout=30)
    assert result.returncode == 1
    assert "Java 17 or newer and Maven are needed" in result.stderr
    assert "Install them with: install java-17-openjdk-headless maven" in result.stderr
    assert not (checkout / ".venv").exists()


def test_help_lists_every_target() -> None:
    text = (CHECKOUT / "Makefile").read_text()
    targets = re.search(r"^\.PHONY: (.*)$", text, re.M)
    assert targets
    told = subprocess.run(["make", "help"], cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
    for target in targets.group(1).split():
        assert target == "help" or f"make {target}" in told
