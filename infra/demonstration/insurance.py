"""人社 (human resources): insured persons and employers, the second source of both base libraries.

Most values agree with 公安 and 市场监管. A few persons and employers only this department knows.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from infra.demonstration import corruptions as corrupt
from infra.demonstration.answer_key import Planter
from infra.demonstration.business_day import DAY_US, BusinessDay, iso_dates, iso_instants
from infra.demonstration.entities import scatter
from infra.demonstration.identifiers import IntArray, TextArray, unified_codes
from infra.demonstration.persons import draw_people, usable
from infra.demonstration.places import load_places
from infra.demonstration.sizes import CHANGED, ENTERPRISES, NEW, PEOPLE, Sizes

PERSON_COLUMNS = [
    "record_no", "citizen_id", "name", "sex_code", "employer_uscc", "insurance_status", "insured_since", "changed_at",
]  # fmt: skip
EMPLOYER_COLUMNS = ["record_no", "uscc", "name", "insured_count", "status", "division_code", "changed_at"]
_PERSON_FAULTS = {
    "name_conflict": corrupt.other_name("name"),
    "citizen_id_check_digit": corrupt.wrong_citizen_check("citizen_id"),
    "sex_contradicts_number": corrupt.contradicting_sex("sex_code"),
}
_EMPLOYER_FAULTS = {"uscc_check_digit": corrupt.wrong_uscc_check("uscc")}
_INSURED, _EMPLOYING = 0.55, 0.6


@dataclass(frozen=True)
class InsuranceChange:
    """How many records one day brings or changes; the interface always answers from the whole lists."""

    inserted: dict[str, int]
    updated: dict[str, int]


@dataclass
class Insurance:
    """Everybody insured and every employer, as of the last day made."""

    persons: pd.DataFrame = field(default_factory=pd.DataFrame)
    employers: pd.DataFrame = field(default_factory=pd.DataFrame)
    next_institution: int = 1

    def start(
        self,
        rng: np.random.Generator,
        sizes: Sizes,
        day: BusinessDay,
        planter: Planter,
        people: pd.DataFrame,
        enterprises: pd.DataFrame,
        taken: set[str],
    ) -> InsuranceChange:
        """Insure more than half of the grown-ups with employers, and some whom no other department knows."""
        firms = _free_firms(enterprises)
        self._employ(rng, planter, day, enterprises, rng.choice(firms, round(len(firms) * _EMPLOYING), replace=False))
        strangers = draw_people(rng, sizes.rows(PEOPLE, 0.005, 2), 1, taken, day.date)
        grown = strangers[strangers["is_adult"]]
        chosen = rng.choice(np.flatnonzero(usable(people)), sizes.rows(PEOPLE, _INSURED), replace=False)
        persons = pd.concat([people.iloc[chosen], grown])
        people.loc[people.index[chosen], "used"] = True
        known = np.arange(len(persons)) < len(chosen)
        self._insure(rng, planter, day, persons, known, self.employers)
        ages = (rng.random(len(self.persons)) * 600).astype(np.int64) * DAY_US
        self.persons["changed_us"] -= ages
        self._count(day)
        self.employers["changed_us"] = day.instants(rng, len(self.employers))
        counts = {"insured_person": len(self.persons), "insured_employer": len(self.employers)}
        return InsuranceChange(counts, dict.fromkeys(counts, 0))

    def advance(
        self,
        rng: np.random.Generator,
        sizes: Sizes,
        day: BusinessDay,
        planter: Planter,
        people: pd.DataFrame,
        enterprises: pd.DataFrame,
    ) -> InsuranceChange:
        """Insure a few more, change the status of some, and let the affected employers' counts follow."""
        old_employers = len(self.employers)
        changed = rng.choice(
            np.flatnonzero(self.persons["fault"] == ""), sizes.rows(PEOPLE, CHANGED * _INSURED), replace=False
        )
        status = self.persons["insurance_status"].to_numpy()[changed]
        self.persons.loc[changed, "insurance_status"] = np.where(status == "1", "2", "1")
        self.persons.loc[changed, "changed_us"] = day.instants(rng, len(changed))
        firms = np.setdiff1d(_free_firms(enterprises), np.flatnonzero(enterprises["uscc"].isin(self.employers["uscc"])))
        count = (
            sizes.rows(ENTERPRISES, NEW * _EMPLOYING)
            + sizes.faults("legal_entity.insured_employer")["uscc_check_digit"]
        )
        self._employ(rng, planter, day, enterprises, rng.choice(firms, count, replace=False))
        uninsured = usable(people) & ~people["citizen_id"].isin(self.persons["citizen_id"]).to_numpy()
        uninsured &= ~people["citizen_id"].str[:17].isin(self.persons["citizen_id"].str[:17]).to_numpy()
        count = sizes.rows(PEOPLE, NEW * _INSURED) + sum(sizes.faults("population.insured_person").values())
        chosen = rng.choice(np.flatnonzero(uninsured), count, replace=False)
        people.loc[people.index[chosen], "used"] = True
        hiring = self.employers.iloc[-max(5, sizes.rows(40)) :]
        self._insure(rng, planter, day, people.iloc[chosen], np.ones(count, dtype=bool), hiring)
        followed = self._count(day)
        return InsuranceChange(
            {"insured_person": count, "insured_employer": len(self.employers) - old_employers},
            {"insured_person": len(changed), "insured_employer": int((followed < old_employers).sum())},
        )

    def _employ(
        self, rng: np.random.Generator, planter: Planter, day: BusinessDay, enterprises: pd.DataFrame, chosen: IntArray
    ) -> None:
        """Add the chosen enterprises, and a few institutions, as employers."""
        enterprises.loc[enterprises.index[chosen], "used"] = True
        rows = enterprises.iloc[chosen][["uscc", "name", "division_code"]]
        rows = pd.concat([rows, self._institutions(rng, max(1, len(rows) // 100))], ignore_index=True)
        first = len(self.employers) + 1
        employers = rows.assign(
            record_no=np.arange(first, first + len(rows)),
            insured_count=0,
            status="1",
            changed_us=day.instants(rng, len(rows)),
            fault="",
        )
        planter.plant(
            employers,
            _EMPLOYER_FAULTS,
            resource="legal_entity.insured_employer",
            dataset="insured_employer",
            key="record_no",
            among={"": np.ones(len(employers), dtype=bool)},
        )
        self.employers = pd.concat([self.employers, employers], ignore_index=True)

    def _institutions(self, rng: np.random.Generator, count: int) -> pd.DataFrame:
        """Return public institutions (事业单位), which 市场监管 does not register."""
        numbers = np.arange(self.next_institution, self.next_institution + count)
        self.next_institution += count
        divisions = load_places().draw_current(rng, count)
        codes = unified_codes("12", divisions.astype(int), scatter(int(numbers[0]), count), lead="MC")
        names = np.array([f"示范第{number}实验学校" for number in numbers], dtype=object)
        return pd.DataFrame({"uscc": codes, "name": names, "division_code": divisions})

    def _insure(
        self,
        rng: np.random.Generator,
        planter: Planter,
        day: BusinessDay,
        people: pd.DataFrame,
        known: TextArray,
        employers: pd.DataFrame,
    ) -> None:
        """Add insured persons; faults go to those that 公安 knows too."""
        count, first = len(people), len(self.persons) + 1
        sound = employers[employers["fault"] == ""]["uscc"].to_numpy()
        since = np.datetime64(day.date, "D") - rng.integers(30, 15 * 365, count)
        persons = pd.DataFrame(
            {
                "record_no": np.arange(first, first + count),
                "citizen_id": people["citizen_id"].to_numpy(),
                "name": people["name"].to_numpy(),
                "sex_code": people["sex_code"].to_numpy(),
                "employer_uscc": rng.choice(sound, count),
                "insurance_status": rng.choice(np.array(["1", "2"], dtype=object), count, p=[0.93, 0.07]),
                "insured_since": iso_dates(since),
                "changed_us": day.instants(rng, count),
                "fault": "",
            }
        )
        planter.plant(
            persons,
            _PERSON_FAULTS,
            resource="population.insured_person",
            dataset="insured_person",
            key="record_no",
            among={"": known},
        )
        self.persons = pd.concat([self.persons, persons], ignore_index=True)

    def _count(self, day: BusinessDay) -> IntArray:
        """Bring the employers' head counts up to date; return the positions of those that changed."""
        counts = self.employers["uscc"].map(self.persons["employer_uscc"].value_counts()).fillna(0).astype(int)
        changed = np.flatnonzero(counts != self.employers["insured_count"])
        self.employers["insured_count"] = counts
        self.employers.loc[changed, "changed_us"] = day.opening
        return changed


def listed(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Return ``table`` as the interface lists it."""
    return table.assign(changed_at=iso_instants(table["changed_us"].to_numpy()))[columns]


def _free_firms(enterprises: pd.DataFrame) -> IntArray:
    """Return positions of enterprises that may employ: nothing planted, and never to be deleted."""
    return np.flatnonzero(enterprises["licensable"] & (enterprises["fault"] == ""))
