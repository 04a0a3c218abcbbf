"""What may become of a delivery that is held (暂扣处置规则): ``catalog/quality/holds.yml``."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from catalog.model.errors import ContractError
from catalog.model.settings import CHECKOUT

HOLDS = CHECKOUT / "catalog" / "quality" / "holds.yml"


class HoldRule(BaseModel):
    """Whether a delivery held for a reason may be released, and why."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    release: Literal["two_persons", "never"]
    zh: str
    en: str


NEVER = HoldRule(release="never", zh="内容无法按约定读取", en="it cannot be read as agreed")


@lru_cache
def load_holds(path: Path = HOLDS) -> dict[str, HoldRule]:
    """Return reason code → rule.

    Raises:
        ContractError: when the file says something else.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        return TypeAdapter(dict[str, HoldRule]).validate_python(content)
    except (ValidationError, yaml.YAMLError) as error:
        raise ContractError(str(error), place=str(path), remedy="release is two_persons or never; say why") from error


def hold_rule(code: str) -> HoldRule:
    """Return the rule of a reason code; what no line names is never released.

    >>> hold_rule("SHORT_DELIVERY").release, hold_rule("STRUCTURE_INVALID").release
    ('two_persons', 'never')
    """
    return load_holds().get(code, NEVER)
