"""Every version that the project pins (锁定版本): of Python packages and of JARs, each with the file that says so."""

from __future__ import annotations

import re
import tomllib
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from catalog.model.errors import GuantongError
from infra.stack.home import CHECKOUT

POM = {"m": "http://maven.apache.org/POM/4.0.0"}
SKIPPED = {".venv", ".guantong", ".git", "node_modules"}


class PinError(GuantongError):
    """A file of versions has one that cannot be told."""

    code = "PIN_INVALID"


@dataclass(frozen=True)
class Pin:
    """One package at one version."""

    ecosystem: str
    """python or maven."""
    package: str
    version: Version
    file: str


def pinned_files(folder: Path = CHECKOUT) -> list[Path]:
    """Return the files of a checkout that pin versions: requirements, the project file and POMs."""
    patterns = ("requirements*.txt", "*/**/requirements*.txt", "pyproject.toml", "*/**/pom.xml")
    found = {path for pattern in patterns for path in folder.glob(pattern)}
    return sorted(path for path in found if not SKIPPED & set(path.relative_to(folder).parts))


def read_pins(path: Path, folder: Path = CHECKOUT) -> list[Pin]:
    """Return what one file pins.

    Raises:
        PinError: when it pins nothing, or a line is no exact version; then it cannot be said to be sound.
    """
    name = str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)
    text = path.read_text(encoding="utf-8")
    if path.name == "pom.xml":
        found = [_pin(name, "maven", package, version) for package, version in _maven(name, text)]
    else:
        lines = _project(text) if path.name == "pyproject.toml" else _lines(text)
        found = [_pin(name, "python", *_exact(name, line)) for line in lines]
    if not found:
        raise PinError("the file pins nothing", place=name, remedy="name each package with its version")
    return found


def _pin(file: str, ecosystem: str, package: str, version: str) -> Pin:
    try:
        return Pin(ecosystem, package, Version(version), file)
    except InvalidVersion as error:
        raise PinError(f"{package} has a version that cannot be compared: {version}", place=file) from error


def _lines(text: str) -> Iterator[str]:
    """Return the requirements of a file, without comments and hashes."""
    for line in text.replace("\\\n", " ").splitlines():
        wanted = re.sub(r"(?:^|\s)#.*|\s--hash=\S+", "", line).strip()
        if wanted:
            yield wanted


def _project(text: str) -> Iterable[str]:
    project = tomllib.loads(text)["project"]
    optional = project.get("optional-dependencies", {}).values()
    return [*project.get("dependencies", []), *(line for group in optional for line in group)]


def _exact(file: str, line: str) -> tuple[str, str]:
    try:
        requirement = Requirement(line)
        [specifier] = requirement.specifier
    except (InvalidRequirement, ValueError):
        specifier = None
    if specifier is None or specifier.operator != "==" or specifier.version.endswith("*"):
        raise PinError(f"the line names no exact version: {line}", place=file, remedy="write package==version")
    return canonicalize_name(requirement.name), specifier.version


def _maven(file: str, text: str) -> Iterator[tuple[str, str]]:
    root = ElementTree.fromstring(text)  # noqa: S314 - our own file
    values = {node.tag.split("}")[1]: node.text or "" for node in root.iterfind("m:properties/*", POM)}
    for node in (*root.iterfind(".//m:dependency", POM), *root.iterfind(".//m:plugin", POM)):
        group, artifact, version = (
            node.findtext(f"m:{name}", "", POM).strip() for name in ("groupId", "artifactId", "version")
        )
        told = re.sub(r"\$\{([^}]+)\}", lambda found: values.get(found[1], ""), version)
        if not told:
            raise PinError(f"{group}:{artifact} has no version", place=file, remedy="name one")
        yield f"{group}:{artifact}", told
