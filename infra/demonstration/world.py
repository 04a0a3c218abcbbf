"""The whole demonstration as of one day (示范世界): a pure function of seed, scale, first date and day number."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import pandas as pd

from infra.demonstration.answer_key import Planted, Planter
from infra.demonstration.business_day import BusinessDay
from infra.demonstration.insurance import Insurance, InsuranceChange
from infra.demonstration.licences import FileDelivery, Licences
from infra.demonstration.market import Market, TableChange
from infra.demonstration.population import Population, PopulationFeeds
from infra.demonstration.sizes import Sizes


@dataclass(frozen=True)
class Deliveries:
    """What the departments bring on one day, and the key to what is wrong with it."""

    day: BusinessDay
    population: PopulationFeeds
    market: dict[str, TableChange]
    files: list[FileDelivery]
    insurance: InsuranceChange
    insured_persons: pd.DataFrame
    insured_employers: pd.DataFrame
    planted: list[Planted]

    @property
    def planted_counts(self) -> dict[str, int]:
        """Kind of fault → how many were planted."""
        return dict(sorted(Counter(entry.kind for entry in self.planted).items()))


@dataclass
class World:
    """Every department's knowledge; ``step`` moves it by one day."""

    seed: int
    scale: float
    first_date: date
    day: int = 0
    population: Population = field(default_factory=Population)
    market: Market = field(default_factory=Market)
    licences: Licences = field(default_factory=Licences)
    insurance: Insurance = field(default_factory=Insurance)

    def step(self) -> Deliveries:
        """Make the next day and return its deliveries."""
        self.day += 1
        day = BusinessDay(self.day, self.first_date + timedelta(days=self.day - 1))
        sizes, first = Sizes(self.scale, self.day), self.day == 1
        planter = Planter(self._chance("faults"), sizes)
        move = self.population.start if first else self.population.advance
        feeds = move(self._chance("population"), sizes, day, planter)
        people = self.population.people
        trade = self.market.start if first else self.market.advance
        tables = trade(self._chance("market"), sizes, day, planter, people)
        firms = self.market.tables
        files = self.licences.deliver(self._chance("licences"), sizes, day, planter, people, firms)
        chance = self._chance("insurance")
        if first:
            taken = self.population.taken
            insured = self.insurance.start(chance, sizes, day, planter, people, firms["enterprise"], taken)
        else:
            insured = self.insurance.advance(chance, sizes, day, planter, people, firms["enterprise"])
        persons, employers = self.insurance.persons, self.insurance.employers
        return Deliveries(day, feeds, tables, files, insured, persons, employers, planter.planted)

    def _chance(self, name: str) -> np.random.Generator:
        """Return a source of chance for one department and day, independent of the others."""
        return np.random.default_rng([self.seed, self.day, zlib.crc32(name.encode())])


def make_day(
    seed: int, scale: float, first_date: date, day: int, note: Callable[[int], None] | None = None
) -> tuple[World, Deliveries]:
    """Return the world as of ``day`` and that day's deliveries, built from the first day on."""
    world = World(seed, scale, first_date)
    while True:
        deliveries = world.step()
        if note:
            note(world.day)
        if world.day == day:
            return world, deliveries
