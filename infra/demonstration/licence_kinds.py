"""The three kinds of licence that departments drop as files (证照种类): columns, spellings, holders, file format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from infra.demonstration.departments import Department, load_departments
from infra.demonstration.identifiers import TextArray

HEADER = {
    "licence_id": "证照标识",
    "licence_type_code": "证照类型代码",
    "licence_no": "许可证编号",
    "holder_name": "持证主体名称",
    "holder_code": "持证主体代码",
    "holder_kind_code": "持证主体代码类型",
    "issuer_name": "发证机关名称",
    "issuer_uscc": "发证机关代码",
    "issued_date": "发证日期",
    "valid_from_date": "有效期起",
    "valid_to_date": "有效期止",
    "status_code": "证照状态",
    "division_code": "行政区划代码",
}
"""Column → header that the departments write, as far as all three agree."""
Faces = Callable[[np.random.Generator, int], dict[str, TextArray]]


@dataclass(frozen=True)
class LicenceKind:
    """One kind of licence."""

    name: str
    department_id: str
    title: str
    number_prefix: str
    file_format: str
    encoding: str
    date_style: str
    """How this department writes dates."""
    status_words: dict[str, str]
    """Status code → what this department writes."""
    enterprise_share: float
    shop_share: float
    """Shares of holders; the rest are persons."""
    face_header: dict[str, str]
    """Columns of this kind alone (照面信息)."""
    draw_faces: Faces

    @property
    def header(self) -> dict[str, str]:
        """Column → header, in the order of the file."""
        return {**HEADER, **self.face_header}

    @property
    def department(self) -> Department:
        """The department that issues it."""
        return load_departments()[self.department_id]

    @property
    def type_code(self) -> str:
        """证照类型代码: the defining authority's credit code and three digits."""
        return f"{self.department.uscc}001"

    @property
    def resource(self) -> str:
        """Id of the contract."""
        return f"licence.{self.name}"

    def write_dates(self, days: pd.Series[Any], *, term: bool = False) -> TextArray:
        """Return dates as this department writes them; a workbook holds the ``term`` of validity as date cells."""
        if term and self.file_format == "xlsx":
            return np.array([day.date() for day in days], dtype=object)
        parts = (text.split("-") for text in days.dt.strftime("%Y-%m-%d"))
        return np.array([self.date_style.format(y=y, m=int(m), d=int(d)) for y, m, d in parts], dtype=object)


def _one_of(rng: np.random.Generator, count: int, *values: str) -> TextArray:
    return rng.choice(np.array(values, dtype=object), count)


def _drug_faces(rng: np.random.Generator, count: int) -> dict[str, TextArray]:
    scopes = (
        "中药饮片,中成药,化学药",
        "中成药,化学药,抗生素制剂",
        "处方药,非处方药",
        "生物制品(除疫苗)",
        '中药材"地产",中药饮片',
    )
    return {
        "business_scope": _one_of(rng, count, *scopes),
        "business_mode": _one_of(rng, count, "批发", "零售", "零售(连锁)"),
    }


def _construction_faces(rng: np.random.Generator, count: int) -> dict[str, TextArray]:
    categories = ("建筑工程施工总承包", "市政公用工程施工总承包", "地基基础工程专业承包", "建筑装修装饰工程专业承包")
    return {
        "qualification_category": _one_of(rng, count, *categories),
        "qualification_grade": _one_of(rng, count, "特级", "一级", "二级", "三级"),
    }


def _transport_faces(rng: np.random.Generator, count: int) -> dict[str, TextArray]:
    return {
        "business_scope": _one_of(
            rng, count, "道路普通货物运输", "道路旅客运输", "货物专用运输（冷藏保鲜）", "出租客运"
        ),
        "vehicle_count": rng.integers(1, 60, count).astype(str).astype(object),
    }


KINDS = (
    LicenceKind(
        "drug_business", "drug_administration", "药品经营许可证", "示药经", "csv", "gbk", "{y}-{m:02}-{d:02}",
        {"1": "有效", "4": "撤销", "5": "吊销"}, 0.6, 0.4,
        {"business_scope": "经营范围", "business_mode": "经营方式"}, _drug_faces,
    ),
    LicenceKind(
        "construction_qualification", "housing", "建筑业企业资质证书", "示建资", "xlsx", "", "{y}年{m}月{d}日",
        {"1": "正常", "4": "撤销", "5": "吊销"}, 1.0, 0.0,
        {"qualification_category": "资质类别", "qualification_grade": "资质等级"}, _construction_faces,
    ),
    LicenceKind(
        "road_transport", "transport", "道路运输经营许可证", "示运管", "csv", "gb18030", "{y}{m:02}{d:02}",
        {"1": "1", "4": "4", "5": "5"}, 0.25, 0.15,
        {"business_scope": "经营范围", "vehicle_count": "车辆数"}, _transport_faces,
    ),
)  # fmt: skip
