"""Derives ``catalog/codes/division.csv`` (行政区划代码, GB/T 2260) from the facts in python-stdnum's ``cn/loc.dat``.

One row per code: its newest name, the unbroken run of years up to its newest use, and, for a code that ended, the code
that took over its name in the same province at that time, or else the one that the cross-walk ``division__division``
says it went into whole. Ten codes were given to another place after years of disuse. Run
``python -m infra.demonstration.division_list`` after stdnum's list or the cross-walk moved.
"""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from dataclasses import dataclass, replace
from importlib.resources import files

from catalog.model.crosswalks import read_lines
from catalog.model.settings import CHECKOUT

DIVISION_CSV = CHECKOUT / "catalog" / "codes" / "division.csv"
SUCCESSIONS_CSV = CHECKOUT / "catalog" / "codes" / "crosswalks" / "division__division.csv"
_LINE = re.compile(r'\A  (\d{4}) county="(.*)"\Z')
_SPAN = re.compile(r"\A(?:\[(\d*)-(\d*)\])?(.+)\Z")
_KIND_OF_PLACE = re.compile(r"(自治县|自治州|自治旗|特区|地区|林区|新区|县|市|区|旗)\Z")
_UNSPECIFIC = {"市辖区", "市区", "郊区", "县", "市", "区", "城区", "矿区", "省直辖县级行政区划"}


@dataclass(frozen=True)
class Division:
    """One code with its life span in whole years; 0 stands for an open end."""

    code: str
    name: str
    first_year: int
    last_year: int
    successor: str = ""

    @property
    def row(self) -> tuple[str, str, str, str, str, str]:
        """The division as a line of the code list."""
        start = f"{self.first_year}-01-01" if self.first_year else ""
        end = f"{self.last_year}-12-31" if self.last_year else ""
        return (self.code, self.name, start, end, "canonical", self.successor)


def read_divisions() -> list[Division]:
    """Return every division that stdnum knows, in order of code, successors filled in."""
    found: dict[str, Division] = {}
    province = ""
    for line in files("stdnum").joinpath("cn/loc.dat").read_text(encoding="utf-8").splitlines():
        match = _LINE.match(line)
        if match:
            code = province + match.group(1)
            found[code] = _division(code, match.group(2))
        elif re.match(r"\A\d\d ", line):
            province = line[:2]
            name = line.partition('"')[2].rstrip('"')
            found[f"{province}0000"] = Division(f"{province}0000", name, 0, 0)
    return _with_successors(sorted(found.values(), key=lambda division: division.code))


def _division(code: str, counties: str) -> Division:
    spans = []
    for county in counties.split(","):
        match = _SPAN.match(county)
        if match is None:
            raise ValueError(f"cn/loc.dat, code {code}: {county!r} is not a county")
        spans.append((int(match.group(1) or 0), int(match.group(2) or 0), match.group(3)))
    first, last, name = spans.pop()
    while spans and spans[-1][1] + 1 >= first:
        first = spans.pop()[0]
    return Division(code, name, first, last)


def _with_successors(divisions: list[Division]) -> list[Division]:
    """Give each ended code the one code that took its name over in the same province at that time."""
    heirs: dict[tuple[str, str], list[Division]] = defaultdict(list)
    for division in divisions:
        heirs[division.code[:2], _stem(division.name)].append(division)
    whole = {s.from_code: s.to_code for s in read_lines(SUCCESSIONS_CSV) if s.relation in ("equal", "merged")}
    named = [replace(division, successor=_successor(division, heirs)) for division in divisions]
    return [replace(d, successor=d.successor or (whole.get(d.code, "") if d.last_year else "")) for d in named]


def _successor(division: Division, heirs: dict[tuple[str, str], list[Division]]) -> str:
    if not division.last_year or division.name in _UNSPECIFIC:
        return ""
    candidates = [
        heir.code
        for heir in heirs[division.code[:2], _stem(division.name)]
        if heir.code != division.code
        and heir.code.endswith("00") == division.code.endswith("00")
        and heir.first_year
        and 0 <= heir.first_year - division.last_year <= 1
    ]
    return candidates[0] if len(candidates) == 1 else ""


def _stem(name: str) -> str:
    stem = _KIND_OF_PLACE.sub("", name)
    return stem if len(stem) > 1 else name


def render() -> str:
    """Return the canonical lines of the code list as CSV text, without what was mapped by hand."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("code", "name", "valid_from", "valid_to", "kind", "successor"))
    writer.writerows(division.row for division in read_divisions())
    return out.getvalue()


def mapped_by_hand() -> str:
    """Return the lines of the list as it lies there that no standard has: fixable and ignored values."""
    lines = DIVISION_CSV.read_text(encoding="utf-8").splitlines(keepends=True)
    return "".join(line for line in lines[1:] if ",canonical," not in line)


if __name__ == "__main__":
    DIVISION_CSV.write_text(render() + mapped_by_hand(), encoding="utf-8")
    print(f"{DIVISION_CSV}: {len(read_divisions())} divisions")
