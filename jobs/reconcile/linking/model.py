"""The linkage model (关联模型): comparisons, trained weights and bands, one JSON file per library and version."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from catalog.model.errors import ContractError, GuantongError
from catalog.model.settings import CHECKOUT
from jobs.reconcile.linking.conditions import condition_sql, is_null_level

LINKAGE = CHECKOUT / "catalog" / "linkage"
Band = Literal["link", "review", "no_link"]


class LinkageModelError(GuantongError):
    """A linkage model is missing or was made for something else."""

    code = "LINKAGE_MODEL"


class Part(BaseModel):
    """What every part of a model's file is: fixed once read, without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Level(Part):
    """One degree of agreement."""

    label: str
    """What people read, in Chinese."""
    when: str
    """A condition of :mod:`jobs.reconcile.linking.conditions`."""
    m: float | None = None
    """Its share among pairs of the same entity; none where there is nothing to compare."""
    u: float | None = None
    """Its share among pairs of different entities."""

    never_links: bool = False
    """Whether a pair at this level is never linked without a person, whatever else agrees: a twin, a firm next door."""

    @property
    def weight(self) -> float:
        """The evidence it gives, in bits; nothing where there is nothing to compare."""
        return math.log2(self.m / self.u) if self.m and self.u else 0.0


class Comparison(Part):
    """One thing that is compared, its levels the strongest first; the first that holds counts."""

    title: str
    levels: tuple[Level, ...]


class Bands(Part):
    """The weights, in bits, at which the three bands begin, and how far the best candidate must lead."""

    link: float
    review: float
    lead: float
    """Bits by which the best candidate must exceed the next, or a person decides."""


class LinkageModel(Part):
    """One version of one library's model."""

    library: str
    features: Literal["person", "entity"]
    roles: dict[str, str]
    """Data element → field of the record that features are made of."""
    blocks: tuple[str, ...]
    """Features of which one must be equal for two records to be compared at all."""
    block_limit: int
    """Records of the library that may share a block; a larger one tells nothing and is left out."""
    keys_are_reissued: bool = False
    """Whether one entity may have got another national key, so that two valid keys do not prove two entities."""
    comparisons: dict[str, Comparison]
    version: int = 0
    prior: float = 1e-6
    """Probability that two records taken at random are the same entity."""
    bands: Bands = Field(default=Bands(link=0, review=0, lead=0))
    training: dict[str, Any] = Field(default_factory=dict)
    """On what it was trained, and with which result."""

    @property
    def name(self) -> str:
        """The name by which links say what made them: ``population.person/1``."""
        return f"{self.library}/{self.version}"

    def band(self, weight: float) -> Band:
        """Return the band of a pair by its weight."""
        return "link" if weight >= self.bands.link else "review" if weight >= self.bands.review else "no_link"

    def settings(self, dialect: str, link_type: str) -> dict[str, Any]:
        """Return Splink's settings for one engine."""
        comparisons = [
            {"output_column_name": name, "comparison_levels": [_splink_level(level, dialect) for level in c.levels]}
            for name, c in self.comparisons.items()
        ]
        blocks = [{"blocking_rule": f"l.{b} = r.{b}", "sql_dialect": dialect} for b in self.blocks]
        return {
            "link_type": link_type,
            "unique_id_column_name": "record_id",
            "source_dataset_column_name": "source_dataset",
            "comparisons": comparisons,
            "blocking_rules_to_generate_predictions": blocks,
            "probability_two_random_records_match": self.prior,
            "retain_matching_columns": True,
            "retain_intermediate_calculation_columns": False,
        }


def _splink_level(level: Level, dialect: str) -> dict[str, Any]:
    built: dict[str, Any] = {"sql_condition": condition_sql(level.when, dialect), "label_for_charts": level.label}
    if is_null_level(level.when):
        return {**built, "is_null_level": True}
    return {**built, "m_probability": level.m or 0.5, "u_probability": level.u or 0.5}


def declared_model(library: str, folder: Path | None = None) -> LinkageModel:
    """Return the comparisons of a library as declared, without weights.

    Raises:
        LinkageModelError: when the library has none.
    """
    path = (folder or LINKAGE) / library / "comparisons.yml"
    if not path.is_file():
        known = ", ".join(sorted(p.parent.name for p in (folder or LINKAGE).glob("*/comparisons.yml")))
        raise LinkageModelError(f"{library} has no comparisons", place=str(path), remedy=f"there are: {known}")
    return LinkageModel.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


def versions_of(library: str, folder: Path | None = None) -> list[int]:
    """Return the trained versions of a library's model, in order."""
    return sorted(int(path.stem) for path in ((folder or LINKAGE) / library).glob("[0-9]*.json"))


def load_model(library: str, version: int | None = None, folder: Path | None = None) -> LinkageModel:
    """Return one trained version of a library's model, the newest by default.

    Raises:
        LinkageModelError: when there is none.
        ContractError: when its file is malformed.
    """
    known = versions_of(library, folder)
    wanted = version if version is not None else max(known, default=0)
    path = (folder or LINKAGE) / library / f"{wanted}.json"
    if wanted not in known:
        raise LinkageModelError(
            f"{library} has no trained model {wanted or ''}".strip(),
            place=str(path),
            remedy=f"there are: {known}; `python -m jobs link train` makes one",
        )
    try:
        return LinkageModel.model_validate_json(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ContractError(f"the model is malformed: {error}", place=str(path)) from error


def save_model(model: LinkageModel, folder: Path | None = None) -> Path:
    """Write a trained model and return its place; a version is never written over.

    Raises:
        LinkageModelError: when that version exists.
    """
    path = (folder or LINKAGE) / model.library / f"{model.version}.json"
    if path.exists():
        raise LinkageModelError("a trained version stays as it is", place=str(path), remedy="give the next number")
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(model.model_dump(), ensure_ascii=False, indent=1)
    path.write_text(text + "\n", encoding="utf-8")
    return path
